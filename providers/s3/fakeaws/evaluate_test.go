// What the policy engine does where no page of AWS says it in so many words.
package fakeaws_test

import (
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/providers/s3/fakeaws"
)

// decide evaluates one identity policy for alice.
func decide(t *testing.T, text string, context map[string][]string) fakeaws.Verdict {
	t.Helper()
	d, err := fakeaws.ParseDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	return fakeaws.Evaluate(fakeaws.Request{
		Principal: fakeaws.Principal{ARN: "arn:aws:iam::111122223333:user/alice"}, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k",
		Context: context, Identity: []fakeaws.Policy{{Name: "p", Document: d}},
	})
}

func TestNegatedSetOperatorsLookForAnOutsider(t *testing.T) {
	text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"OP":{"aws:TagKeys":["env","team"]}}}]}`
	for _, v := range []struct {
		op     string
		values []string
		want   bool
	}{
		{"ForAnyValue:StringNotEquals", []string{"env", "owner"}, true},
		{"ForAnyValue:StringNotEquals", []string{"env"}, false},
		{"ForAnyValue:StringNotEquals", nil, false},
		{"ForAllValues:StringNotEquals", []string{"owner"}, true},
		{"ForAllValues:StringNotEquals", []string{"env", "owner"}, false},
		{"ForAllValues:StringNotEquals", nil, true},
	} {
		context := map[string][]string{}
		if v.values != nil {
			context["aws:TagKeys"] = v.values
		}
		if got := decide(t, strings.ReplaceAll(text, "OP", v.op), context); got.Allowed != v.want {
			t.Errorf("%s of %v: got %+v, want %v", v.op, v.values, got, v.want)
		}
	}
}

func TestAValueOfTheRequestIsNoPattern(t *testing.T) {
	text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${aws:PrincipalTag/dir}"}]}`
	if got := decide(t, text, map[string][]string{"aws:PrincipalTag/dir": {"*"}}); got.Allowed {
		t.Errorf("got %+v: a tag with a star opened everything", got)
	}
}

func TestAVerdictSaysWhichStatementDecided(t *testing.T) {
	allowed := decide(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*"},{"Sid":"Read","Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}`, nil)
	denied := decide(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}`, nil)
	neither := decide(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*"}]}`, nil)
	for want, got := range map[string]string{
		"allowed by p statement Read":                             allowed.Because,
		"denied by p statement 1":                                 denied.Because,
		"no identity-based policy allows the s3:GetObject action": neither.Because,
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
