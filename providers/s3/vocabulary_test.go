// Vocabulary: a word that is no action is found before IAM takes it for one.
package s3

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestNamesOfCallsLeadToTheirActions(t *testing.T) {
	for word, want := range map[string]string{
		"s3:ListObjectsV2": "s3:ListBucket", "s3:ListObjects": "s3:ListBucket", "s3:HeadBucket": "s3:ListBucket", "s3:HeadObject": "s3:GetObject",
		"s3:CopyObject": "s3:PutObject", "s3:CreateMultipartUpload": "s3:PutObject", "s3:UploadPart": "s3:PutObject", "s3:CompleteMultipartUpload": "s3:PutObject",
		"s3:ListParts": "s3:ListMultipartUploadParts", "s3:ListMultipartUploads": "s3:ListBucketMultipartUploads", "s3:DeleteObjects": "s3:DeleteObject",
		"S3:headobject": "s3:GetObject", "s3:PutObjekt": "s3:PutObject", "s3:GetObjects": "s3:GetObject", "s3:CreateAccessKey": "iam:CreateAccessKey",
		"iam:CreateAccesKey": "iam:CreateAccessKey", "kms:GenerateDatakeys": "kms:GenerateDataKey", "s3.GetObject": "s3:GetObject", "sts:AssumeRoleWithWebidentities": "sts:AssumeRoleWithWebIdentity",
		"ListMultipartUploads": "s3:ListBucketMultipartUploads", "HeadObject": "s3:GetObject", "ListObjectsV2": "s3:ListBucket", "PutObject": "s3:PutObject", "CreateUser": "iam:CreateUser",
	} {
		if got := lookup(word); got.Known || got.Meant != want || got.Because == "" {
			t.Errorf("%s: got %+v, want %s suggested with a reason", word, got, want)
		}
	}
	for _, word := range []string{"", "s3:", ":", "s3:Xyzzy", "s3:Xyz*", "nosuch:Thing", "completely different"} {
		if got := lookup(word); got.Known || got.Because == "" {
			t.Errorf("%q: got %+v, want it unknown with a reason", word, got)
		}
	}
	for _, word := range []string{"s3:PutObject", "s3:putobject", "s3:*", "s3:Get*", "*", "iam:ListUsers", "kms:Decrypt", "sts:AssumeRole", "backup:TagResource", "events:PutRule", "cloudwatch:GetMetricData"} {
		if got := lookup(word); !got.Known {
			t.Errorf("%s: got %+v, want it known", word, got)
		}
	}
}

// Whatever this provider compiles to or asks of its operator is an action.
func TestEveryActionOfOursIsOne(t *testing.T) {
	words := map[string]string{}
	for _, r := range New(Config{}).reasons {
		words[r.Action] = "abilities.json"
	}
	for folder, g := range goldenGrants() {
		b, err := core.Compile(New(Config{}), g)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range b.Operator {
			words[p.Action] = "the operator of " + folder
		}
	}
	for _, action := range callsAreNot() {
		words[action] = "the table of calls"
	}
	for word, of := range words {
		if got := lookup(word); !got.Known {
			t.Errorf("%s of %s: got %+v, want an action", word, of, got)
		}
	}
	for name := range callsAreNot() {
		if got := lookup(name); got.Known {
			t.Errorf("%s: got %+v, want the name of a call", name, got)
		}
	}
}

func TestRecipeWithAnUnknownActionIsRefusedWithTheRightName(t *testing.T) {
	g := literally(site(), "site-backup")
	g.Native = json.RawMessage(`{"statements":[{"actions":["s3:ListObjectsV2","s3:PutObject"],"on":["bucket"]}]}`)
	_, err := core.Compile(New(Config{}), g)
	faults, _ := errors.AsType[core.Faults](err)
	if len(faults) != 1 || faults[0].Value != "s3:ListObjectsV2" || faults[0].Accepts != "s3:ListBucket" || !strings.Contains(faults[0].Rule, "name of a call") {
		t.Errorf("got %+v, want the one action and its right name", faults)
	}
}

func TestMisspeltRecipeIsRefused(t *testing.T) {
	for raw, want := range map[string]string{
		`{"layuot":"user"}`:                                         "unknown field",
		`{"layout":"usr"}`:                                          "is no layout",
		`{"layout":"user"}{}`:                                       "goes on",
		`{"statements":[{"actions":["s3:GetObject"]}]}`:             "half of a statement",
		`{"statements":[{"actions":["s3:*"],"on":["everything"]}]}`: "on \"everything\"",
		`[]`: "not understood",
	} {
		g := eventDump()
		g.Native = json.RawMessage(raw)
		if _, err := core.Compile(New(Config{}), g); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q in a refusal", raw, err, want)
		}
	}
}

func TestAShapeWithoutAnyRightIsRefused(t *testing.T) {
	g := eventDump()
	g.Can, g.Native = nil, json.RawMessage(`{"layout":"user"}`)
	_, err := core.Compile(New(Config{}), g)
	if faults, ok := errors.AsType[core.Faults](err); !ok || len(faults) != 1 || faults[0].Rule != "grants nothing" {
		t.Errorf("got %v, want that it grants nothing", err)
	}
}
