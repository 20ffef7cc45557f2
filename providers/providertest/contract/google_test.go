// What the discovery documents let pass, and what they must not.
package contract

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// exchange is a request with JSON and its answer.
func exchange(method, address, sent string, status int, got string) Exchange {
	return Exchange{
		Request: httptest.NewRequest(method, address, nil), Sent: []byte(sent), Status: status,
		Header: http.Header{"Content-Type": {"application/json; charset=UTF-8"}}, Got: []byte(got),
	}
}

func TestDiscoveryDocumentsConvictWhatGoogleWouldNotSayOrTake(t *testing.T) {
	google, err := OfGoogle()
	if err != nil {
		t.Fatal(err)
	}
	const (
		accounts = "https://iam.googleapis.com/v1/projects/acme/serviceAccounts"
		buckets  = "https://storage.googleapis.com/storage/v1/b"
	)
	for name, c := range map[string]struct {
		e     Exchange
		fault string // "" if all is well
	}{
		"all is well":                 {exchange("POST", accounts, `{"accountId": "a", "serviceAccount": {"description": "d"}}`, 200, `{"email": "a@b", "disabled": false}`), ""},
		"a field of the request":      {exchange("POST", accounts, `{"accountID": "a"}`, 200, `{}`), "request.accountID: no such field"},
		"a field of the answer":       {exchange("POST", accounts, `{}`, 200, `{"oauth2ClientID": "1"}`), "answer.oauth2ClientID: no such field"},
		"a type":                      {exchange("POST", accounts, `{"accountId": 1}`, 200, `{}`), "request.accountId: got 1, want string"},
		"a word that is none of many": {exchange("POST", accounts+"/a@b/keys", `{"privateKeyType": "TYPE_PEM"}`, 200, `{}`), "want one of"},
		"a number in a string":        {exchange("GET", buckets+"/acme", "", 200, `{"metageneration": "first"}`), "want int64"},
		"a time":                      {exchange("GET", buckets+"/acme", "", 200, `{"timeCreated": "yesterday"}`), "want date-time"},
		"a parameter":                 {exchange("GET", buckets+"?project=acme&maxResult=1", "", 200, `{}`), "query maxResult: no such parameter"},
		"a parameter that is needed":  {exchange("GET", buckets, "", 200, `{}`), "query project: is required"},
		"an address":                  {exchange("POST", accounts+"/a@b:destroy", `{}`, 200, `{}`), "is no method"},
		"a verb":                      {exchange("PUT", accounts, `{}`, 200, `{}`), "is no method"},
		"an error's form":             {exchange("GET", accounts+"/a@b", "", 404, `{"error": "gone"}`), "has another form"},
		"an error's code":             {exchange("GET", accounts+"/a@b", "", 404, `{"error": {"code": 403, "message": "m"}}`), "has another form"},
		"an error of the token API":   {exchange("POST", "https://sts.googleapis.com/v1/token", `{}`, 400, `{"code": 400}`), "than OAuth's"},
		"a service":                   {exchange("GET", "https://secretmanager.googleapis.com/v1/projects/acme/secrets", "", 200, `{}`), "no document of this service"},
	} {
		if _, got := google.Check(c.e); c.fault == "" && len(got) > 0 || c.fault != "" && !slices.ContainsFunc(got, func(f string) bool { return strings.Contains(f, c.fault) }) {
			t.Errorf("%s: got %q, want %q", name, got, c.fault)
		}
	}
}
