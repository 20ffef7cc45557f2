//go:build conformance

// AWS's own linter judges every policy that is compiled.
package s3

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/providertest/contract"
)

const linter = "cfn-lint"

// written is as much of a policy as tells what kind it is of.
type written struct {
	Statement []struct{ Principal, Action any }
}

// policyKind is what a document is to CloudFormation, and the property that holds it.
func policyKind(doc written) (kind, property string) {
	for _, s := range doc.Statement {
		switch {
		case s.Principal != nil && strings.Contains(fmt.Sprint(s.Action), "sts:AssumeRole"):
			return "AWS::IAM::Role", "AssumeRolePolicyDocument"
		case s.Principal != nil:
			return "AWS::S3::BucketPolicy", "PolicyDocument"
		}
	}
	return "AWS::IAM::ManagedPolicy", "PolicyDocument"
}

// template holds every policy of the goldens: files by the names of their resources.
func template(t *testing.T) (text []byte, files map[string]string) {
	t.Helper()
	files = map[string]string{}
	resources := map[string]any{}
	root := filepath.Join("..", "..", "testdata", "golden", "s3")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		data = bytes.ReplaceAll(data, []byte("ACCOUNT"), []byte("111122223333")) // which only the run knows
		var doc written
		var same any
		if json.Unmarshal(data, &doc) != nil || json.Unmarshal(data, &same) != nil || len(doc.Statement) == 0 {
			return nil // a blueprint, or rules of a lifecycle
		}
		kind, property := policyKind(doc)
		properties := map[string]any{property: same}
		name := fmt.Sprintf("Policy%d", len(files))
		if kind == "AWS::S3::BucketPolicy" {
			properties["Bucket"] = strings.ToLower(name)
		}
		files[name] = strings.TrimPrefix(path, root+string(filepath.Separator))
		resources[name] = map[string]any{"Type": kind, "Properties": properties}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, g := range joinedGrants() {
		b := mustCompile(t, g)
		for _, d := range New(Config{}).OperatorPolicy(b, b.Operator) {
			resource := fmt.Sprintf("Policy%d", len(files))
			files[resource] = "operator of " + name + " " + d.Name
			filled := bytes.ReplaceAll(d.Body, []byte("ACCOUNT"), []byte("111122223333"))
			resources[resource] = map[string]any{"Type": "AWS::IAM::ManagedPolicy", "Properties": map[string]any{"PolicyDocument": json.RawMessage(filled)}}
		}
	}
	text, err = json.MarshalIndent(map[string]any{"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return text, files
}

// joinedGrants are all grants that the suite judges.
func joinedGrants() map[string]core.Grant {
	all := map[string]core.Grant{"event-dump": eventDump()}
	maps.Copy(all, keyGrants())
	maps.Copy(all, roleGrants())
	return all
}

func TestConformanceEveryPolicyPassesTheLinter(t *testing.T) {
	deviations := contract.Deviating()
	text, files := template(t)
	path := filepath.Join(t.TempDir(), "policies.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), linter, "--non-zero-exit-code", "none", "--format", "json", path).Output()
	if err != nil {
		t.Fatalf("%s: %v (make conformance installs it)", linter, err)
	}
	var said []struct {
		Message  string
		Rule     struct{ ID string }
		Location struct{ Path []any }
	}
	if err := json.Unmarshal(out, &said); err != nil {
		t.Fatalf("%s: %v in %s", linter, err, out)
	}
	for _, s := range said {
		where := fmt.Sprint(s.Location.Path...)
		if len(s.Location.Path) > 1 {
			where = files[fmt.Sprint(s.Location.Path[1])]
		}
		if !deviations.Excuse(linter, s.Rule.ID+" "+where) {
			t.Errorf("%s %s: %.300s", s.Rule.ID, where, s.Message)
		}
	}
	if len(files) < 60 {
		t.Errorf("got %d policies: is every golden still found?", len(files))
	}
	t.Logf("%s has judged %d policies", linter, len(files))
	deviations.Print(t)
}
