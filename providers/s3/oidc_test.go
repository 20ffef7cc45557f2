// Promises about a role that a workflow on GitHub takes on.
package s3

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/github"
)

// workflowGrant is the sound form, for a branch of a repository whose numbers are known.
func workflowGrant() core.Grant {
	return core.Grant{
		Name: "acme-dumps", Profile: "postgres-backup", Who: core.WhoOIDC,
		Target: core.Target{Bucket: "acme-dumps", Prefix: "shop/", Region: "eu-west-1"},
		Can:    []core.Ability{core.Create, core.Abort, core.List, core.Read},
		Settings: map[string]string{
			github.RepositorySetting: "acme/shop", github.BranchSetting: "main", github.RepositoryID: "456789", github.OwnerID: "123456",
		},
	}
}

// documentedWorkflow is the document's own way, with the subject that it leaves to the reader.
func documentedWorkflow() core.Grant {
	g := workflowGrant()
	g.Literal, g.Target.Prefix = true, ""
	g.Can = []core.Ability{core.Create, core.Read, core.List, core.Delete}
	g.Settings = map[string]string{github.RepositorySetting: "acme/shop", github.BranchSetting: "main"}
	return g
}

// having is g with one setting that replaces what it had.
func having(g core.Grant, name, value string) core.Grant {
	g.Settings = maps.Clone(g.Settings)
	g.Settings[name] = value
	return g
}

func scoped(name, value string) core.Grant {
	g := workflowGrant()
	delete(g.Settings, github.BranchSetting)
	return having(g, name, value)
}

func TestWorkflowEntersAndWhoPassesForItDoesNot(t *testing.T) {
	classic := having(workflowGrant(), setSubjectForm, formClassic)
	immutable := having(workflowGrant(), setSubjectForm, formImmutable)
	for name, g := range map[string]core.Grant{
		"both forms": workflowGrant(), "classic": classic, "immutable": immutable, "documented": documentedWorkflow(),
		"tag": scoped(github.TagSetting, "v1"), "environment": scoped(github.EnvironmentSetting, "prod: eu"),
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *town) {
				t.w.now(func(ctx context.Context) { t.w.bucket(ctx, t.w.s3, otherBucket) })
				r := t.must(t.apply(g, core.ApplyOptions{}))
				if r.How != core.Tried || len(r.Failures()) > 0 || len(r.Missing) > 0 {
					t.Errorf("got proof %s with failures %+v, missing %v; want all tried, none failed", r.How, r.Failures(), r.Missing)
				}
				for _, forgery := range forgeryNames() {
					if row, ok := atDoor(r, forgery); !ok || row.Got != core.Denied {
						t.Errorf("%s: got %v (tried %t), want it denied", forgery, row.Got, ok)
					}
				}
				if again := t.again(g); len(again) > 0 {
					t.Errorf("a second apply: got %v, want no change", again)
				}
				if r.Depth > 7 {
					t.Errorf("got a depth of %d, want at most 7", r.Depth)
				}
			})
		})
	}
}

func TestFlagsLetInWhomTheyName(t *testing.T) {
	for flag, g := range map[string]core.Grant{
		github.PullRequest: having(workflowGrant(), github.AllowPullRequest, yes),
		github.OtherBranch: having(having(workflowGrant(), github.AllowWildcard, yes), github.BranchSetting, "*"),
	} {
		inTown(t, func(t *town) {
			r := t.must(t.apply(g, core.ApplyOptions{}))
			if _, tried := atDoor(r, flag); tried {
				t.Errorf("%s is allowed: got it tried as a forgery", flag)
			}
			if row, ok := atDoor(r, github.OtherRepository); !ok || row.Got != core.Denied {
				t.Errorf("%s: got another repository %v, want it denied", flag, row.Got)
			}
			e, err := t.engine.Provider.Act(t.Context(), mustCompile(t.T, g), core.Credential{})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := e.Try(t.Context(), core.Probe{Ability: core.Enter, Where: core.Door, Key: flag, Want: core.Allowed}); got != core.Allowed {
				t.Errorf("%s: got %v, %v; want what the flag allows", flag, got, err)
			}
		})
	}
}

// A pattern trusts what it matches, and nobody else.
func TestOtherBranchIsTriedUnlessThePatternMatchesIt(t *testing.T) {
	wild := func(setting, pattern string) core.Grant {
		g := scoped(setting, pattern)
		return having(g, github.AllowWildcard, yes)
	}
	for _, c := range []struct {
		grant core.Grant
		tried bool
	}{
		{wild(github.BranchSetting, "release/*"), true}, {wild(github.BranchSetting, "*"), false}, {wild(github.BranchSetting, "*/x"), false},
		{wild(github.TagSetting, "v?"), true}, {wild(github.EnvironmentSetting, "prod?"), true}, {wild(github.EnvironmentSetting, "prod*"), false},
	} {
		inTown(t, func(t *town) {
			r := t.must(t.apply(c.grant, core.ApplyOptions{}))
			row, tried := atDoor(r, github.OtherBranch)
			if tried != c.tried || tried && row.Got != core.Denied {
				t.Errorf("%v: got it tried %t (%v), want %t and denied", c.grant.Settings, tried, row.Got, c.tried)
			}
		})
	}
}

func mustCompile(t *testing.T, g core.Grant) core.Blueprint {
	t.Helper()
	b, err := core.Compile(New(Config{}), g)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A document with ForAllValues lets tokens in that lack the claim.
func TestTrustNamesEveryClaimExactly(t *testing.T) {
	for name, g := range map[string]core.Grant{"exact": workflowGrant(), "wildcard": having(having(workflowGrant(), github.AllowWildcard, yes), github.BranchSetting, "rel/*")} {
		d := mustDraw(t, g)
		w, _ := d.workflow()
		trust := workflowTrust(w, d.providerARN("111122223333"), g.Limits.Expires)
		text := string(mustJSON(trust))
		c := trust.Statement[0].Condition
		if strings.Contains(text, "ForAllValues") || !slices.Equal(c["StringEquals"][issuerHost+":aud"], texts{audience}) {
			t.Errorf("%s: got %s, want the audience by StringEquals", name, text)
		}
		exact, like := c["StringEquals"][issuerHost+":sub"], c["StringLike"][issuerHost+":sub"]
		if (len(exact) > 0) == (name == "wildcard") || (len(like) > 0) == (name == "exact") {
			t.Errorf("%s: got %s, want the subject by the narrowest operator", name, text)
		}
	}
}

func TestSubjectsFollowTheForm(t *testing.T) {
	for form, want := range map[string][]string{
		"":            {"repo:acme/shop:ref:refs/heads/main", "repo:acme@123456/shop@456789:ref:refs/heads/main"},
		formClassic:   {"repo:acme/shop:ref:refs/heads/main"},
		formImmutable: {"repo:acme@123456/shop@456789:ref:refs/heads/main"},
	} {
		g := workflowGrant()
		if form != "" {
			g = having(g, setSubjectForm, form)
		}
		d := mustDraw(t, g)
		if w, _ := d.workflow(); !slices.Equal(w.subjects(), want) {
			t.Errorf("form %q: got %v, want %v", form, w.subjects(), want)
		}
	}
}

func TestWorkflowsThatCannotBeNamedAreRefusedBeforeAnyCall(t *testing.T) {
	for _, c := range []struct {
		why    string
		grant  core.Grant
		fields []string
	}{
		{"immutable without numbers", having(documentedWorkflow(), setSubjectForm, formImmutable), []string{github.RepositoryID, github.OwnerID}},
		{"half of the numbers", having(documentedWorkflow(), github.OwnerID, "1"), []string{github.RepositoryID}},
		{"no form", having(workflowGrant(), setSubjectForm, "new"), []string{setSubjectForm}},
		{"a policy variable", scoped(github.EnvironmentSetting, "${aws:username}"), []string{github.EnvironmentSetting}},
		{"a character that no policy holds", having(workflowGrant(), github.BranchSetting, "日本"), []string{github.BranchSetting}},
		{"a wildcard without the flag", having(workflowGrant(), github.BranchSetting, "*"), []string{github.BranchSetting}},
		{"two scopes", having(workflowGrant(), github.TagSetting, "v1"), []string{github.TagSetting}},
		{"a region that is none", having(workflowGrant(), setDBRegion, "Ireland"), []string{setDBRegion}},
		{"a prefix in the document's own way", func() core.Grant { g := documentedWorkflow(); g.Target.Prefix = "a/"; return g }(), []string{"prefix"}},
	} {
		_, faults := draw(c.grant)
		var got []string
		for _, f := range faults {
			if got = append(got, f.Field); f.Accepts == "" {
				t.Errorf("%s: got %+v, want what would be accepted", c.why, f)
			}
		}
		if !slices.Equal(got, c.fields) {
			t.Errorf("%s: got faults about %v, want %v", c.why, got, c.fields)
		}
	}
}

func TestNotesSayWhichSubjectsAreTrusted(t *testing.T) {
	for want, g := range map[string]core.Grant{
		"2026-07-15":           documentedWorkflow(),
		"choose immutable":     workflowGrant(),
		"are refused":          having(workflowGrant(), setSubjectForm, formImmutable),
		"open a pull request":  having(workflowGrant(), github.AllowPullRequest, yes),
		"database is in us":    having(workflowGrant(), setDBRegion, "us-east-1"),
		"any branch may":       scoped(github.EnvironmentSetting, "prod"),
		"nothing can be delet": workflowGrant(),
	} {
		if b := mustCompile(t, g); !strings.Contains(strings.Join(b.Notes, "\n"), want) {
			t.Errorf("got notes %q, want %q in them", b.Notes, want)
		}
	}
	if b := mustCompile(t, having(workflowGrant(), setDBRegion, "eu-west-1")); strings.Contains(strings.Join(b.Notes, "\n"), "database") {
		t.Errorf("the same region: got %q, want no word about it", b.Notes)
	}
}

// The document's four actions, each on the level where it means something.
func TestDocumentedWayGivesTheFourActionsInTheBucketsPolicyOnly(t *testing.T) {
	b := mustCompile(t, documentedWorkflow())
	got := map[string][]string{}
	for _, d := range b.Documents {
		switch d.Name {
		case "policy":
			t.Errorf("got a policy inside of the role: %s, want none", d.Body)
		case "statements":
			for _, raw := range rawStatements(t, d.Body) {
				var s struct {
					Resource  string
					Principal struct{ AWS string }
				}
				if err := json.Unmarshal(raw, &s); err != nil || s.Principal.AWS != "arn:aws:iam::ACCOUNT:role/acme-dumps" {
					t.Errorf("got %s (%v), want it for the role only", raw, err)
				}
				got[s.Resource] = actionsIn([]byte(`{"Statement":[` + string(raw) + `]}`))
			}
		}
	}
	want := map[string][]string{
		"arn:aws:s3:::acme-dumps":   {"s3:ListBucket"},
		"arn:aws:s3:::acme-dumps/*": {"s3:DeleteObject", "s3:GetObject", "s3:PutObject"},
	}
	if string(mustJSON(got)) != string(mustJSON(want)) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestProviderIsMadeUsedOrMendedAndGoesWithItsLastRole(t *testing.T) {
	make := func(t *town, clients ...string) {
		t.w.now(func(ctx context.Context) {
			t.w.ok(t.w.iam.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{Url: aws.String(github.Issuer), ClientIDList: clients}))
		})
	}
	find := func(changes []string) string {
		i := slices.IndexFunc(changes, func(s string) bool { return strings.Contains(s, "oidc-provider") })
		if i < 0 {
			return ""
		}
		return changes[i][:1]
	}
	for _, c := range []struct {
		why       string
		before    func(t *town)
		made      string // what an apply does
		left      bool   // whether it is there after a destroy
		audiences []string
	}{
		{"absent", func(*town) {}, "+", false, nil},
		{"somebody's, with the audience", func(t *town) { make(t, audience, "theirs") }, "", true, []string{audience, "theirs"}},
		{"somebody's, without it", func(t *town) { make(t, "theirs") }, "~", true, []string{"theirs", audience}},
	} {
		t.Run(c.why, func(t *testing.T) {
			inTown(t, func(t *town) {
				c.before(t)
				if got := find(t.again(workflowGrant())); got != c.made {
					t.Errorf("got %q, want %q", got, c.made)
				}
				t.must(t.apply(workflowGrant(), core.ApplyOptions{}))
				t.destroy(workflowGrant(), core.Absent)
				out, err := t.w.iam.GetOpenIDConnectProvider(t.Context(), &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: aws.String("arn:aws:iam::111122223333:oidc-provider/" + issuerHost)})
				if left := err == nil; left != c.left || left && !slices.Equal(out.ClientIDList, c.audiences) {
					t.Errorf("after a destroy: got %t (%v), want %t with %v", left, err, c.left, c.audiences)
				}
			})
		})
	}
}

func TestProviderStaysWhileAnotherRoleTrustsIt(t *testing.T) {
	inTown(t, func(t *town) {
		second := workflowGrant()
		second.Name, second.Target.Bucket = "acme-more-dumps", "acme-more-dumps"
		t.again(workflowGrant())
		t.again(second)
		for _, c := range t.destroy(workflowGrant(), core.Absent) {
			if strings.Contains(c.Addr, "oidc-provider") {
				t.Errorf("got %s %s while another role trusts it, want it left", c.Action, c.Addr)
			}
		}
		t.must(t.apply(second, core.ApplyOptions{}))
		if !slices.ContainsFunc(t.destroy(second, core.Absent), func(c core.Change) bool { return strings.Contains(c.Addr, "oidc-provider") && c.Action == core.Drop }) {
			t.Error("the last role goes: got the provider left, want it gone")
		}
	})
}

// Whoever deletes the role leaves its ID in the bucket's policy, which means nobody any more.
func TestRoleThatWasMadeAnewIsNamedAnewInTheBucketsPolicy(t *testing.T) {
	inTown(t, func(t *town) {
		t.again(workflowGrant())
		name := aws.String("acme-dumps")
		t.w.now(func(ctx context.Context) {
			t.w.ok(t.w.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: name, PolicyName: aws.String(inlineName)}))
			t.w.ok(t.w.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name}))
		})
		plan, err := t.engine.Plan(t.Context(), workflowGrant(), core.Present)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(plan.Changes, func(c core.Change) bool { return strings.HasPrefix(c.Addr, "s3:statement/") })
		if c := plan.Changes[i]; c.Action != core.Alter || !strings.Contains(c.Why, "AROA") {
			t.Errorf("got %s: %s; want the statements altered because of an ID", c.Action, c.Why)
		}
		t.must(t.apply(workflowGrant(), core.ApplyOptions{}))
		if again := t.again(workflowGrant()); len(again) > 0 {
			t.Errorf("afterwards: got %v, want no change", again)
		}
	})
}

func TestWorkflowIsToldItsVariablesByTheDocumentsNames(t *testing.T) {
	inTown(t, func(t *town) {
		got := outputs(t.must(t.apply(workflowGrant(), core.ApplyOptions{NoProof: true})))
		for name, want := range map[string]string{
			"AWS_ACCOUNT_ID": "111122223333", "S3_BUCKET_NAME": "acme-dumps", "IAM_ROLE": "acme-dumps", "AWS_REGION": "eu-west-1",
			"role_arn": "arn:aws:iam::111122223333:role/acme-dumps", // what the document's workflow puts together
		} {
			if got[name] != want {
				t.Errorf("output %s: got %q, want %q", name, got[name], want)
			}
		}
		for _, want := range []string{"id-token: write", "contents: read", `role-to-assume: "arn:aws:iam::111122223333:role/acme-dumps"`, `aws-region: "eu-west-1"`, `FOLDER: "s3://acme-dumps/shop/"`, `if: "github.ref == 'refs/heads/main'"`} {
			if !strings.Contains(got["workflow"], want) {
				t.Errorf("got\n%s\nwant %q in it", got["workflow"], want)
			}
		}
		for _, want := range []string{"gh secret set 'IAM_ROLE' --repo 'acme/shop' --body 'acme-dumps'\n", "gh variable set 'AWS_REGION' --repo 'acme/shop' --body 'eu-west-1'\n"} {
			if !strings.Contains(got["secrets"], want) {
				t.Errorf("got\n%s\nwant %q in it", got["secrets"], want)
			}
		}
		if sh, err := exec.LookPath("sh"); err == nil {
			check := exec.CommandContext(t.Context(), sh, "-n")
			check.Stdin = strings.NewReader(got["secrets"])
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("the script is no shell: %v, %s", err, out)
			}
		}
	})
}

func TestHostileNamesStayValuesInTheWorkflow(t *testing.T) {
	g := scoped(github.EnvironmentSetting, "a: b #{{ x }}")
	g.Target.Prefix = "a:#&|[x]/"
	d := mustDraw(t, g)
	w, _ := d.workflow()
	text := workflowYAML(d, w, "arn:aws:iam::111122223333:role/x")
	for _, want := range []string{`environment: "a: b #{{ x }}"`, `FOLDER: "s3://acme-dumps/a:#\u0026|[x]/"`} {
		if !strings.Contains(text, want) {
			t.Errorf("got\n%s\nwant %s", text, want)
		}
	}
}

func TestWorkflowRunsForTheTrustedTagAlone(t *testing.T) {
	d := mustDraw(t, scoped(github.TagSetting, "v1+build"))
	w, _ := d.workflow()
	if text := workflowYAML(d, w, "arn:aws:iam::111122223333:role/x"); !strings.Contains(text, `tags: ["v1\\+build"]`) { // "+" alone is a quantifier there
		t.Errorf("got\n%s\nwant the tag escaped", text)
	}
}

// fetched answers like GitHub's service for tokens, and like STS for everybody.
type fetched struct {
	t      *town
	mu     sync.Mutex
	seen   []string
	status int
}

func (f *fetched) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Host, gitHubsHosts) {
		return f.t.w.transport.RoundTrip(r)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, r.Header.Get("Authorization")+" "+r.URL.Query().Get("audience")+" "+r.URL.Query().Get("api-version"))
	w, _ := mustDraw(f.t.T, workflowGrant()).workflow()
	claims := w.claims("")
	claims["aud"] = r.URL.Query().Get("audience")
	body := string(mustJSON(map[string]string{"value": f.t.w.cloud.IssueClaims(github.Issuer, claims)}))
	return &http.Response{StatusCode: f.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func TestInsideAWorkflowItsOwnTokenIsTried(t *testing.T) {
	inTown(t, func(t *town) {
		t.again(workflowGrant())
		service := &fetched{t: t, status: http.StatusOK}
		c := Config{Transport: service, Isolated: true, Run: Run{URL: "https://run" + gitHubsHosts + "/x?api-version=2.0", Key: "only-for-github"}}
		c.Inside = true
		b := mustCompile(t.T, having(workflowGrant(), setAccount, "111122223333"))
		proof, err := (&core.Engine{Provider: New(c), RunID: "inside"}).Prove(t.Context(), b, nil, core.Credential{})
		if err != nil || proof.How != core.Tried {
			t.Fatalf("got %s, %v, %+v; want all tried", proof.How, err, proof.Failures())
		}
		for _, name := range []string{github.WrongAudience, github.UnsignedToken, github.ForgedSignature} {
			if !slices.ContainsFunc(proof.Rows, func(r core.Row) bool { return r.Key == name && r.Got == core.Denied }) {
				t.Errorf("%s: got %+v, want it denied", name, proof.Rows)
			}
		}
		if service.seen[0] != "Bearer only-for-github sts.amazonaws.com 2.0" {
			t.Errorf("got a request %q, want the run's key, the audience and what was there", service.seen[0])
		}
		if text := string(mustJSON(proof)); strings.Contains(text, "only-for-github") || strings.Contains(text, "eyJ") {
			t.Errorf("got a secret in the proof: %s", text)
		}
	})
}

func TestKeyOfTheRunGoesToGitHubOnly(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://run.actions.githubusercontent.com/x": true, "http://run.actions.githubusercontent.com/x": false,
		"https://actions.githubusercontent.com.evil.example/x": false, "https://evil.example/.actions.githubusercontent.com": false, "": false,
	} {
		c := Config{Isolated: true, Run: Run{URL: address, Key: "k"}}
		if err := New(c).mayAsk(c.Run); (err == nil) != ok {
			t.Errorf("%q: got %v, want it allowed: %t", address, err, ok)
		}
	}
	c := Config{Isolated: true}
	c.Inside = true
	if _, err := New(c).Act(t.Context(), mustCompile(t, workflowGrant()), core.Credential{}); err == nil || strings.Contains(err.Error(), core.ErrNotHere.Error()) {
		t.Errorf("outside of a workflow: got %v, want a word about the permission", err)
	}
	if _, err := New(Config{Isolated: true}).Act(t.Context(), mustCompile(t, workflowGrant()), core.Credential{}); err != core.ErrNotHere {
		t.Errorf("elsewhere: got %v, want %v", err, core.ErrNotHere)
	}
}

// On a real cloud nobody can be the workflow: IAM is asked instead.
func TestWorkflowIsSimulatedWhereNobodyCanBeIt(t *testing.T) {
	for name, g := range map[string]core.Grant{"sound": workflowGrant(), "documented": documentedWorkflow()} {
		inTown(t, func(t *town) {
			t.engine.Provider = New(Config{Transport: t.w.transport, Credentials: t.engine.Provider.(*Provider).config.Credentials, Isolated: true})
			r := t.must(t.apply(g, core.ApplyOptions{}))
			if r.How != core.Simulated || len(r.Failures()) > 0 {
				t.Errorf("%s: got %s with failures %+v, want it simulated, none failed", name, r.How, r.Failures())
			}
		})
	}
}

func TestSimulationSeesWhatTheBucketsPolicyGivesTheRole(t *testing.T) {
	inTown(t, func(t *town) {
		t.engine.Provider = New(Config{Transport: t.w.transport, Credentials: t.engine.Provider.(*Provider).config.Credentials, Isolated: true})
		t.again(documentedWorkflow())
		d := mustDraw(t.T, documentedWorkflow())
		role := d.layout.grantee(d, ownerAccount)
		t.w.now(func(ctx context.Context) {
			t.w.restate(ctx, d, append(New(Config{}).bucketStatements(d, role), principalStatement(d.sidStem()+"Documented9", role, statement{Effect: "Allow", Action: texts{"s3:DeleteObjectVersion"}, Resource: texts{d.objectsARN()}})))
		})
		b := mustCompile(t.T, documentedWorkflow())
		steps, err := t.engine.Provider.Open(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := t.engine.Simulate(t.Context(), b, steps); !errors.Is(err, core.ErrUnproven) {
			t.Errorf("the role may delete versions: got %v, want %v", err, core.ErrUnproven)
		}
	})
}
