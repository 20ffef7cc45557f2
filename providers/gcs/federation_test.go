// What a grantee's proof of identity must say, and what is refused before any call.
package gcs

import (
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

func TestConditionsNameNumbersAndOneScope(t *testing.T) {
	const ids = `assertion.repository_owner_id == "1234567" && assertion.repository_id == "456789012" && `
	const noPulls = ` && !assertion.event_name.startsWith("pull_request")`
	for _, c := range []struct {
		settings           []string
		condition, subject string
	}{
		{nil, ids + `assertion.ref == "refs/heads/main"` + noPulls, `assertion.repository_id + ":" + assertion.ref`},
		{[]string{"branch", "", "tag", "v1"}, ids + `assertion.ref == "refs/tags/v1"` + noPulls, `assertion.repository_id + ":" + assertion.ref`},
		{[]string{"branch", "", "environment", "prod"}, ids + `assertion.environment == "prod"` + noPulls, `assertion.repository_id + ":environment:" + assertion.environment`},
		{[]string{"allow-pull-request", "true"}, ids + `(assertion.event_name == "pull_request" || assertion.ref == "refs/heads/main")`, `assertion.repository_id + ":run:" + assertion.run_id`},
		{[]string{"branch", "rel.*/?", "allow-wildcard-subject", "true"}, ids + `assertion.ref.matches("^refs/heads/rel\\..*/.$")` + noPulls, `assertion.repository_id + ":run:" + assertion.run_id`},
	} {
		g := workflow(c.settings...)
		w, f, faults := workflowOf(designOf(g, settings{project: SandboxProject}))
		if len(faults) > 0 || f.provider.Condition != c.condition || f.provider.Mapping[subjectMapping] != c.subject {
			t.Errorf("%v: got %s as %s (%v), want %s as %s", c.settings, f.provider.Condition, f.provider.Mapping[subjectMapping], faults, c.condition, c.subject)
		}
		if member, want := workflowMember(f, "1", w), "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/"+f.poolID+"/attribute.repository_id/456789012"; member != want {
			t.Errorf("got member %q, want %q", member, want)
		}
	}
}

func TestPatternsMatchWhatTheyShow(t *testing.T) {
	for _, c := range []struct {
		glob, ref string
		want      bool
	}{
		{"refs/heads/rel/*", "refs/heads/rel/1.0", true},
		{"refs/heads/rel/*", "refs/heads/rel", false},
		{"refs/heads/rel/*", "x/refs/heads/rel/1", false},
		{"refs/heads/v1.0", "refs/heads/v1x0", false},
		{"refs/heads/v?", "refs/heads/v1", true},
		{"refs/heads/v?", "refs/heads/v10", false},
		{"refs/heads/a+(b)[c]", "refs/heads/a+(b)[c]", true},
	} {
		if got := regexp.MustCompile(pattern(c.glob)).MatchString(c.ref); got != c.want {
			t.Errorf("%q and %q: got %t, want %t", c.glob, c.ref, got, c.want)
		}
	}
}

func TestWhatCannotComeInIsRefusedBeforeAnyCall(t *testing.T) {
	long := strings.Repeat("x", 120)
	for name, c := range map[string]struct {
		grant  core.Grant
		fields []string
	}{
		"no IDs":                     {workflow("repository-id", "", "repository-owner-id", ""), []string{"repository-id", "repository-owner-id"}},
		"no branch":                  {workflow("branch", ""), []string{"branch"}},
		"branch and tag":             {workflow("tag", "v1"), []string{"tag"}},
		"wildcard":                   {workflow("branch", "*"), []string{"branch"}},
		"subject too long":           {workflow("branch", long), []string{"branch"}},
		"a long environment":         {workflow("branch", "", "environment", long), []string{"environment"}},
		"account number":             {fromAWS(vendorAWSAccount, "4220-7428-8268"), []string{vendorAWSAccount}},
		"role's ARN":                 {fromAWS(vendorAWSRole, "arn:aws:iam::422074288268:role/x"), []string{vendorAWSRole}},
		"session's shape":            {fromAWS(sessionSetting, "a b"), []string{sessionSetting}},
		"nothing of AWS":             {fromAWS(vendorAWSAccount, "", vendorAWSRole, "", sessionSetting, ""), []string{vendorAWSAccount, vendorAWSRole, sessionSetting}},
		"ARN too long":               {fromAWS(vendorAWSRole, strings.Repeat("r", 64), sessionSetting, strings.Repeat("s", 64)), []string{sessionSetting}},
		"no vendor":                  {toVendor(vendorSetting, ""), []string{vendorSetting}},
		"a person":                   {toVendor(vendorSetting, "user:jo@example.com"), []string{vendorSetting}},
		"a group":                    {toVendor(vendorSetting, "group:all@example.com"), []string{vendorSetting}},
		"everybody":                  {toVendor(vendorSetting, "allUsers"), []string{vendorSetting}},
		"an address alone":           {toVendor(vendorSetting, "x@y.iam.gserviceaccount.com"), []string{vendorSetting}},
		"what is left of an account": {toVendor(vendorSetting, "deleted:serviceAccount:x@y.iam.gserviceaccount.com?uid=1"), []string{vendorSetting}},
		"another host":               {toVendor(vendorSetting, "serviceAccount:x@evil.example.com"), []string{vendorSetting}},
	} {
		_, err := core.Compile(New(Config{}), c.grant)
		faults, _ := errors.AsType[core.Faults](err)
		var fields []string
		for _, f := range faults {
			if fields = append(fields, f.Field); f.Rule == "" || f.Accepts == "" {
				t.Errorf("%s: got %+v, want a rule and what would be accepted", name, f)
			}
		}
		if !slices.Equal(fields, c.fields) {
			t.Errorf("%s: got faults about %v, want %v", name, fields, c.fields)
		}
	}
}

func TestAWSSubjectsOfTheLongestAllowedLengthAreAccepted(t *testing.T) {
	const fixed = len("arn:aws:sts::422074288268:assumed-role//")
	g := fromAWS(vendorAWSRole, strings.Repeat("r", 64), sessionSetting, strings.Repeat("s", maxSubject-fixed-64))
	if _, err := core.Compile(New(Config{}), g); err != nil {
		t.Errorf("got %v, want a subject of %d bytes accepted", err, maxSubject)
	}
}

func TestPoolIDsAreGooglesAndDifferFromGrantToGrant(t *testing.T) {
	shape := regexp.MustCompile(`^[a-z0-9-]{4,32}$`)
	seen := map[string]string{}
	for _, name := range []string{"abc", "abcd", "gcp-backups", "backups", strings.Repeat("a", 32), strings.Repeat("a", 33), strings.Repeat("a", 34), "gcp-" + strings.Repeat("a", 90)} {
		id := poolID(name)
		if !shape.MatchString(id) || strings.HasPrefix(id, "gcp-") || seen[id] != "" {
			t.Errorf("%q: got %q, which is not Google's shape or that of %q", name, id, seen[id])
		}
		seen[id] = name
	}
}

func TestVendorsInTheProjectItselfAreWarnedOf(t *testing.T) {
	notes := strings.Join(compiled(t, toVendor(vendorSetting, "serviceAccount:uploader@acme-project.iam.gserviceaccount.com")).Notes, "\n")
	if !strings.Contains(notes, "in the project of the bucket itself") {
		t.Errorf("got notes %q, want a warning", notes)
	}
}

func TestAccountsThatManyShareAreWarnedOf(t *testing.T) {
	for account, want := range map[string]string{
		"123456789012-compute@developer.gserviceaccount.com":       "default account of a project",
		"vendor-project@appspot.gserviceaccount.com":               "default account of a project",
		"acme-project@appspot.gserviceaccount.com":                 "in the project of the bucket itself",
		"123456789012@cloudbuild.gserviceaccount.com":              "shared by whatever its project builds",
		"uploader@vendor-project.iam.gserviceaccount.com":          "",
		"project-1-compute@vendor-project.iam.gserviceaccount.com": "",
	} {
		notes := compiled(t, toVendor(vendorSetting, "serviceAccount:"+account)).Notes
		warned := strings.Join(notes, "\n")
		if plain := len(compiled(t, toVendor()).Notes); want == "" && len(notes) != plain || !strings.Contains(warned, want) {
			t.Errorf("%s: got notes %q, want %q in them", account, warned, want)
		}
	}
}

func TestWorkflowFailsWhenTheDumpDoes(t *testing.T) {
	w, _, _ := workflowOf(designOf(workflow("branch", "", "tag", "v1+build"), settings{project: SandboxProject}))
	file := workflowFile(w)
	for _, part := range []string{"        shell: bash\n        run: |\n          set -euo pipefail\n          pg_dump", `    tags: ["v1\\+build"]`} {
		if !strings.Contains(file, part) {
			t.Errorf("got %s, want %q in it", file, part)
		}
	}
}

func TestSessionsOfMachinesAreSaidToBeRefused(t *testing.T) {
	g := fromAWS()
	a, f, _ := awsRoleOf(designOf(g, settings{project: SandboxProject}))
	said := map[string]string{"note": strings.Join(compiled(t, g).Notes, "\n")}
	for _, o := range awsRoleOutputs(f, a, "123456789012") {
		if o.Name == "external-account" {
			said["output"] = o.Why
		}
	}
	for where, text := range said {
		if !strings.Contains(text, "EC2") || !strings.Contains(text, "machine's ID") || !strings.Contains(text, "assume") {
			t.Errorf("%s: got %q, want it to say that a machine's own session is refused", where, text)
		}
	}
}

func TestOutputsHoldNoExpressionAndNoSecret(t *testing.T) {
	g := workflow("branch", "", "environment", "${{ secrets.ALL }}")
	w, f, faults := workflowOf(designOf(g, settings{project: SandboxProject}))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	file := workflowFile(w)
	if !strings.Contains(file, `environment: "${{ '${{' }} secrets.ALL }}"`) {
		t.Errorf("got %s, want the environment's name as text", file)
	}
	for _, o := range workflowOutputs(f, w, "123") {
		if o.Name == "" || o.Value == "" || o.Why == "" || strings.Contains(o.File, "/") {
			t.Errorf("got %+v, want a name, a value, a reason, and a file without a folder", o)
		}
	}
}

func TestAWSOutputsAreWhatTheVendorsProgramAsksFor(t *testing.T) {
	a, f, _ := awsRoleOf(designOf(fromAWS(impersonate, "true"), settings{project: SandboxProject}))
	got := map[string]string{}
	for _, o := range awsRoleOutputs(f, a, "123456789012") {
		got[o.Name] = o.Value
	}
	file := got["external-account"]
	delete(got, "external-account")
	want := map[string]string{"bucket": "acme-events-aws", "prefix": "events/", "gs_uri": "gs://acme-events-aws/events/",
		"project_number": "123456789012", "pool_id": "event-dump-acme-events-aws", "provider_id": "aws-role",
		"provider":               "projects/123456789012/locations/global/workloadIdentityPools/event-dump-acme-events-aws/providers/aws-role",
		"aws_identity":           "arn:aws:sts::422074288268:assumed-role/gcs-uploader/2WbXyZ3kQpLmN8rT",
		"target_service_account": "event-dump-acme-events-aws@acme-project.iam.gserviceaccount.com"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, part := range []string{`"environment_id": "aws1"`, `https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15`,
		`"subject_token_type": "urn:ietf:params:aws:token-type:aws4_request"`, f.email + ":generateAccessToken", `"//iam.googleapis.com/projects/123456789012/`} {
		if !strings.Contains(file, part) {
			t.Errorf("got %s, want %s in it", file, part)
		}
	}
}
