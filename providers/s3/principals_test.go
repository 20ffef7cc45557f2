// Promises about statements of others.
package s3

import (
	"encoding/json"
	"testing"
)

func TestStatementIsAboutWhomAWSWouldLetIn(t *testing.T) {
	const role, user = "arn:aws:iam::111122223333:role/bucketgrant/x", "arn:aws:iam::111122223333:user/x"
	for _, c := range []struct {
		statement, arn string
		want           bool
	}{
		{`{"Effect":"Allow","Principal":"*"}`, role, true},
		{`{"Effect":"Allow","Principal":{"AWS":"*"}}`, role, true},
		{`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/bucketgrant/x"}}`, role, true},
		{`{"Effect":"Allow","Principal":{"AWS":["a","arn:aws:iam::111122223333:role\/bucketgrant\/x"]}}`, role, true},
		{`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:\u0072ole/bucketgrant/x"}}`, role, true},
		{`{"Effect":"Allow","Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/x/run"}}`, role, true},
		{`{"Effect":"Allow","Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/xy/run"}}`, role, false},
		{`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/bucketgrant/xy"}}`, role, false},
		{`{"Effect":"Allow","Principal":{"Service":"arn:aws:iam::111122223333:role/bucketgrant/x"}}`, role, false},
		{`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"}}`, role, false}, // leaves it to the role's own policies
		{`{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::111122223333:root"}}`, role, true},
		{`{"Effect":"Deny","Principal":{"AWS":"111122223333"}}`, user, true},
		{`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/x"}}`, user, true},
		{`{"Effect":"Allow","NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/y"}}`, user, true},
		{`{"Effect":"Allow","NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/x"}}`, user, false},
	} {
		s, err := speak(json.RawMessage(c.statement))
		if err != nil || s.about(c.arn) != c.want {
			t.Errorf("%s about %s: got %t, %v; want %t", c.statement, c.arn, s.about(c.arn), err, c.want)
		}
	}
}

func TestTrustIsReadAsAWSReadsIt(t *testing.T) {
	const provider = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
	for text, want := range map[string]bool{
		`{"Statement":{"Effect":"Allow","Principal":{"Federated":"` + provider + `"}}}`:                                                   true,
		`{"Statement":[{"Principal":{"AWS":"*"}},{"Principal":{"Federated":["x","` + provider + `"]}}]}`:                                  true,
		`{"Statement":{"Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider\/token.actions.githubusercontent.com"}}}`:        true,
		`{"Statement":{"Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider\u002ftoken.actions.githubusercontent.com"}}}`:    true,
		`{"Statement":{"Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com.example"}}}`: false,
		`{"Statement":{"Principal":{"Service":"ec2.amazonaws.com"}}}`:                                                                     false,
		`{"Statement":{"Principal":"*"}}`:     false,
		`{"Statement":{"Principal":{"a":1}}}`: true, // nobody can say
		`no JSON`:                             true,
	} {
		if got := trusts(text, provider); got != want {
			t.Errorf("%s: got %t, want %t", text, got, want)
		}
	}
}
