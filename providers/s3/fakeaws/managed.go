// Managed policies: the customer's own, and the few of AWS's that this cloud knows.
package fakeaws

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"time"
)

// awsPolicy is a policy that AWS manages: its default version, in full or, for
// the broad ones, abridged to the services that this cloud has.
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
type awsPolicy struct {
	Source   string          `json:"source"` // the page that shows it
	Abridged bool            `json:"abridged"`
	Path     string          `json:"path"`
	Version  string          `json:"version"`
	Created  time.Time       `json:"created"`
	Updated  time.Time       `json:"updated"`
	Document json.RawMessage `json:"document"`

	name string
	text string // the document of this partition
}

//go:embed managed/*.json
var awsFiles embed.FS

// awsPolicies reads AWS's policies for a partition, by ARN.
func awsPolicies(partition string) map[string]*awsPolicy {
	files, err := awsFiles.ReadDir("managed")
	if err != nil {
		panic(fmt.Sprintf("managed policies: %v", err)) // they are part of the program
	}
	all := map[string]*awsPolicy{}
	for _, f := range files {
		b, _ := awsFiles.ReadFile(path.Join("managed", f.Name()))
		p := &awsPolicy{name: strings.TrimSuffix(f.Name(), ".json")}
		var compact bytes.Buffer
		if err := strict(b, p); err != nil {
			panic(fmt.Sprintf("managed policy %s: %v", f.Name(), err))
		}
		_ = json.Compact(&compact, p.Document) // it has just been decoded
		p.text = strings.ReplaceAll(compact.String(), "arn:aws:", "arn:"+partition+":")
		all["arn:"+partition+":iam::aws:policy"+p.Path+p.name] = p
	}
	return all
}

// managed returns the default version's document of a managed policy; seen asks
// for what readers see.
func (c *Cloud) managed(a *account, arn string, seen bool) (string, bool) {
	if p := c.aws[arn]; p != nil {
		return p.text, true
	}
	p := c.policyByARN(a, arn)
	if p == nil || seen && !p.Exists.Seen() {
		return "", false
	}
	id := p.Default.Now
	if seen {
		id = p.Default.Seen()
	}
	for _, v := range p.Versions {
		if v.ID == id {
			return v.Document, true
		}
	}
	return "", false
}

func (c *Cloud) policyByARN(a *account, arn string) *policy {
	p := a.Policies[strings.ToLower(arn[strings.LastIndex(arn, "/")+1:])]
	if p == nil || c.arn(a, "policy", p.entity) != arn {
		return nil
	}
	return p
}
