// Operator policies: what is printed is legal, is enough, and is not too much.
package s3

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/bucketgrant/bucketgrant/core"
)

// runs are all runs that an operator can be given a policy for.
func runs() []string {
	return []string{
		core.ForPlan, core.ForApply, core.ForProve, core.ForDestroy, core.ForRepair,
		core.ForRotate, core.ForRevoke, core.ForStatus, core.ForList, core.ForPreflight,
	}
}

// needsFor are the permissions of a blueprint that are for any of these runs.
func needsFor(b core.Blueprint, verbs ...string) []core.Permission {
	return slices.DeleteFunc(slices.Clone(b.Operator), func(p core.Permission) bool {
		return !slices.ContainsFunc(p.Verbs, func(v string) bool { return slices.Contains(verbs, v) })
	})
}

func operatorPolicies(t *testing.T, b core.Blueprint, needs []core.Permission) []policy {
	t.Helper()
	var list []policy
	for _, d := range New(Config{}).OperatorPolicy(b, needs) {
		var doc struct {
			Version   string
			Statement []struct {
				Sid, Effect      string
				Action, Resource any
			}
		}
		if err := json.Unmarshal(d.Body, &doc); err != nil {
			t.Fatal(err)
		}
		p := policy{Version: doc.Version}
		for _, s := range doc.Statement {
			p.Statement = append(p.Statement, statement{Sid: s.Sid, Effect: s.Effect, Action: anyTexts(s.Action), Resource: anyTexts(s.Resource)})
		}
		list = append(list, p)
	}
	return list
}

func anyTexts(v any) texts {
	if one, ok := v.(string); ok {
		return texts{one}
	}
	var list texts
	for _, one := range v.([]any) {
		list = append(list, one.(string))
	}
	return list
}

// readLevels are the kinds of resources of each action, as AWS documents them.
func readLevels(t *testing.T) map[string][]string {
	t.Helper()
	raw, err := os.ReadFile("../../testdata/vectors/aws/resources.txt")
	if err != nil {
		t.Fatal(err)
	}
	levels := map[string][]string{}
	for line := range strings.Lines(string(raw)) {
		if words := strings.Fields(line); words[0] != "#" {
			levels[words[0]] = append([]string{}, words[1:]...)
		}
	}
	return levels
}

// levelOf is AWS's word for the kind of resource that an ARN names.
func levelOf(arn string) string {
	return map[string]string{
		"Bucket": "bucket", "Objects": "object", "User": "user", "Group": "group", "Policy": "policy", "Role": "role",
		"IdentityProvider": "oidc-provider", "Account": "",
	}[resourceKind(arn)]
}

var sidWord = regexp.MustCompile(`^[A-Za-z0-9]+$`)

func TestEveryOperatorPolicyIsLegal(t *testing.T) {
	levels := readLevels(t)
	for folder, g := range goldenGrants() {
		b := mustCompile(t, g)
		for _, run := range runs() {
			for n, doc := range operatorPolicies(t, b, needsFor(b, run)) {
				at := fmt.Sprintf("%s, %s, document %d", folder, run, n+1)
				if size := len(mustJSON(doc)); size > mostDocument {
					t.Errorf("%s: got %d characters, want %d at most", at, size, mostDocument)
				}
				sids := map[string]bool{}
				for _, s := range doc.Statement {
					if !sidWord.MatchString(s.Sid) || sids[s.Sid] || s.Effect != "Allow" {
						t.Errorf("%s: got statement %q (%s), want an Allow with a Sid of its own in letters and digits", at, s.Sid, s.Effect)
					}
					sids[s.Sid] = true
					for _, a := range s.Action {
						kinds, known := levels[a]
						switch {
						case !lookup(a).Known || !known:
							t.Errorf("%s: %s: got a word, want an action", at, a)
						case len(s.Resource) != 1:
							t.Errorf("%s: %s: got resources %q, want one", at, a, s.Resource)
						case len(kinds) == 0 && s.Resource[0] != "*":
							t.Errorf("%s: %s on %s: got a resource, want \"*\": the action knows none", at, a, s.Resource[0])
						case len(kinds) > 0 && !slices.Contains(kinds, levelOf(s.Resource[0])):
							t.Errorf("%s: %s on %s: want one of %q", at, a, s.Resource[0], kinds)
						}
					}
				}
			}
		}
	}
}

func TestOperatorPolicyHoldsExactlyWhatIsNeeded(t *testing.T) {
	for folder, g := range goldenGrants() {
		b := mustCompile(t, g)
		needs := needsFor(b, runs()...)
		var list []statement
		for _, doc := range operatorPolicies(t, b, needs) {
			list = append(list, doc.Statement...)
		}
		holds := func(n core.Permission) bool {
			return slices.ContainsFunc(list, func(s statement) bool {
				return slices.Contains(s.Action, n.Action) && globs(s.Resource[0], n.Resource)
			})
		}
		for _, n := range needs {
			if !holds(n) {
				t.Errorf("%s: got no statement with %s on %s", folder, n.Action, n.Resource)
			}
		}
		for _, s := range list {
			for _, a := range s.Action {
				if !slices.ContainsFunc(needs, func(n core.Permission) bool { return n.Action == a && n.Resource == s.Resource[0] }) {
					t.Errorf("%s: got %s on %s, which nobody needs", folder, a, s.Resource[0])
				}
			}
		}
	}
}

func TestPatternsOfPoliciesMatchAsIAMDoes(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"*", "anything", true}, {"a*", "abc", true}, {"a*", "b", false}, {"abc", "abc", true}, {"abc", "abcd", false},
		{"a*c", "abbc", true}, {"a*c", "abcd", false}, {"a*b*c", "aXbYc", true}, {"a*b*c", "acb", false}, {"ab*ba", "aba", false},
	} {
		if got := globs(c.pattern, c.text); got != c.want {
			t.Errorf("%q on %q: got %v, want %v", c.pattern, c.text, got, c.want)
		}
	}
}

func TestOperatorPoliciesAreTheirGoldens(t *testing.T) {
	for folder, g := range map[string]core.Grant{"event-dump": eventDump(), "event-dump-account": goldenGrants()["event-dump-account"], "postgres-backup": goldenGrants()["postgres-backup"]} {
		b := mustCompile(t, g)
		for _, run := range [][]string{{core.ForPlan}, {core.ForPlan, core.ForApply, core.ForProve}, {core.ForPlan, core.ForDestroy}} {
			for _, d := range New(Config{}).OperatorPolicy(b, needsFor(b, run...)) {
				compareGolden(t, filepath.Join(goldens, folder, "operator", run[len(run)-1]+strings.TrimPrefix(d.Name, "operator-policy")+".json"), d.Body)
			}
		}
	}
}

func TestLongOperatorPolicyIsSplit(t *testing.T) {
	var needs []core.Permission
	for n := range 200 {
		needs = append(needs, core.Permission{Action: "iam:GetUser", Resource: fmt.Sprintf("arn:aws:iam::111122223333:user/bucketgrant/some-name/%03d", n)})
	}
	list := New(Config{}).OperatorPolicy(core.Blueprint{}, needs)
	if len(list) < 2 {
		t.Fatalf("got %d documents, want several", len(list))
	}
	for i, d := range list {
		if len(d.Body) > mostDocument || d.Name != fmt.Sprintf("operator-policy-%d", i+1) {
			t.Errorf("%s: got %d characters, want %d at most", d.Name, len(d.Body), mostDocument)
		}
	}
}

// printed is an operator to whom exactly these documents are attached, as they are printed.
func (w *world) printed(list []core.Document) core.Provider {
	w.t.Helper()
	w.operators++
	name := fmt.Sprintf("operator-printed-%d", w.operators)
	ctx := w.t.Context()
	w.ok(w.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: &name, Path: aws.String(judgePath)}))
	for _, d := range list {
		out, err := w.iam.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String(name + "-" + d.Name), Path: aws.String(judgePath), PolicyDocument: aws.String(string(d.Body))})
		w.ok(out, err)
		w.ok(w.iam.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: &name, PolicyArn: out.Policy.Arn}))
	}
	key, err := w.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &name})
	w.ok(key, err)
	return w.as(*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey)
}

// An operator with exactly the printed policy can plan, and without any one action of it it cannot.
func TestPrintedOperatorPolicyIsEnoughAndNotTooMuch(t *testing.T) {
	inTown(t, func(t *town) {
		g := eventDump()
		b := mustCompile(t.T, g)
		p := New(Config{})
		look := func(needs []core.Permission) error {
			e := *t.engine
			e.Provider = t.w.printed(p.OperatorPolicy(b, needs))
			plan, err := e.Plan(t.Context(), g, core.Present)
			if err == nil && len(plan.Refused()) > 0 {
				return &core.Error{Kind: core.ErrOperator, What: plan.Refused()[0].Addr}
			}
			return err
		}
		plan := needsFor(b, core.ForPlan)
		both := func(needs []core.Permission, after func(error)) {
			before := look(needs)
			t.again(g)
			after(errors.Join(before, look(needs)))
			t.destroy(g, core.Want{DropBucket: true})
		}
		both(plan, func(err error) {
			if err != nil {
				t.Errorf("with the whole policy: got %v, want plans", err)
			}
		})
		for i, n := range plan {
			both(slices.Delete(slices.Clone(plan), i, i+1), func(err error) {
				if !errors.Is(err, core.ErrOperator) {
					t.Errorf("without %s on %s: got %v, want a refusal", n.Action, n.Resource, err)
				}
			})
		}
	})
}

// What is printed for a whole run lets the run go through.
func TestPrintedOperatorPolicyLetsEachRunThrough(t *testing.T) {
	for folder, g := range map[string]core.Grant{"event-dump": eventDump(), "event-dump-account": goldenGrants()["event-dump-account"]} {
		t.Run(folder, func(t *testing.T) {
			inTown(t, func(t *town) {
				b := mustCompile(t.T, g)
				as := func(verbs ...string) {
					t.engine.Provider = t.w.printed(New(Config{}).OperatorPolicy(b, needsFor(b, verbs...)))
				}
				as(core.ForPlan, core.ForApply, core.ForProve)
				t.must(t.apply(g, core.ApplyOptions{}))
				as(core.ForPlan, core.ForDestroy)
				t.destroy(g, core.Want{DropBucket: true})
			})
		})
	}
}
