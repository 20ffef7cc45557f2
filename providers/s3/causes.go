// Causes: why an access fails on AWS, as data: who refuses, what it looks like, how to be sure, and what to do.
package s3

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

//go:embed causes.json
var causesText []byte

// causeRow is one row of the table. Words in braces stand for things of the
// grant; When says which grants it belongs to, all of which must hold.
type causeRow struct {
	Name    string    `json:"name"`
	Layer   string    `json:"layer"`
	Means   string    `json:"means"`
	Confirm string    `json:"confirm"`
	Fix     string    `json:"fix"`
	Owner   bool      `json:"owner"`
	When    []string  `json:"when"`
	Signs   []signRow `json:"signs"`
}

type signRow struct {
	Source core.Source `json:"source"`
	Match  string      `json:"match"`
	Weight int         `json:"weight"`
}

// readCauses decodes the table, which is part of the program.
func readCauses() []causeRow {
	var rows []causeRow
	d := json.NewDecoder(bytes.NewReader(causesText))
	d.DisallowUnknownFields()
	if err := d.Decode(&rows); err != nil {
		panic(fmt.Sprintf("causes.json: %v", err))
	}
	return rows
}

// Causes are the rows that belong to b, with its names in them.
func (p *Provider) Causes(b core.Blueprint) []core.Cause {
	d, _ := draw(b.Grant)
	words, patterns := d.causeWords(), p.causePatterns(d)
	var list []core.Cause
	for _, r := range readCauses() {
		if slices.ContainsFunc(r.When, func(w string) bool { return !d.causeWhen(w) }) {
			continue
		}
		c := core.Cause{Name: r.Name, Layer: r.Layer, Means: words.Replace(r.Means), Confirm: words.Replace(r.Confirm), Fix: words.Replace(r.Fix), Owner: r.Owner}
		for _, s := range r.Signs {
			c.Signs = append(c.Signs, core.Sign{Source: s.Source, Match: regexp.MustCompile(patterns.Replace(s.Match)), Weight: s.Weight})
		}
		list = append(list, c)
	}
	return list
}

// causeWhen reports whether a grant is of a sort that a row may name.
func (d design) causeWhen(sort string) bool {
	switch sort {
	case "key", "account", "oidc", "service":
		return d.grant.Who == core.Who(sort)
	case "role":
		return d.grant.Who != core.WhoKey
	case "prefix":
		return d.grant.Target.Prefix != ""
	case "from":
		return len(d.grant.Limits.From) > 0
	case "expires":
		return !d.grant.Limits.Expires.IsZero()
	}
	return false
}

// causeWords are the things of the grant that commands name. A manifest does not tell every account.
func (d design) causeWords() *strings.Replacer {
	account := d.accountOrNot(ownAccount)
	arn := d.layout.grantee(d, account)
	return strings.NewReplacer(
		"{account}", account, "{arn}", arn, "{bucket}", d.bucket(), "{grant}", d.grant.Name, "{objects}", d.objectsARN(),
		"{prefix}", d.grant.Target.Prefix, "{region}", d.region, "{role}", d.roleName(), "{user}", d.userName(), "{partition}", d.partition.name,
	)
}

// unasked are actions that programs take without need, or that a recipe forgets.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
func unasked() []string {
	return []string{
		"s3:AbortMultipartUpload", "s3:CreateBucket", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetBucketAcl", "s3:GetBucketLocation",
		"s3:GetBucketPolicy", "s3:GetBucketVersioning", "s3:GetEncryptionConfiguration", "s3:GetObject", "s3:GetObjectAcl", "s3:GetObjectAttributes", "s3:GetObjectTagging", "s3:GetObjectVersion",
		"s3:ListAllMyBuckets", "s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions", "s3:ListMultipartUploadParts",
		"s3:PutBucketPolicy", "s3:PutObjectLegalHold", "s3:PutObjectRetention", "s3:PutObjectTagging",
	}
}

// causePatterns are what signs look for that depends on the grant.
func (p *Provider) causePatterns(d design) *strings.Replacer {
	granted := slices.Concat(p.actions(d.grant.Can, objectLevel), p.actions(d.grant.Can, bucketLevel))
	var more []string
	for _, a := range unasked() {
		if !slices.Contains(granted, a) {
			more = append(more, regexp.QuoteMeta(a))
		}
	}
	return strings.NewReplacer(
		"{bucket}", regexp.QuoteMeta(d.bucket()), "{unasked}", "(?:"+strings.Join(more, "|")+")",
		"{otherbucket}", unlikeStart(d.bucket()+"/"), "{otherprefix}", unlikeStart(d.grant.Target.Prefix),
	)
}

// unlikeStart is a pattern for texts that do not begin with start: they differ at
// one of its letters. Go's expressions cannot say "not" otherwise.
func unlikeStart(start string) string {
	var ways []string
	letters := []rune(start)
	for i, r := range letters {
		ways = append(ways, regexp.QuoteMeta(string(letters[:i]))+fmt.Sprintf(`[^\x{%x}]`, r))
	}
	if len(ways) == 0 {
		return `[^\x00-\x{10FFFF}]`
	}
	return "(?:" + strings.Join(ways, "|") + ")"
}
