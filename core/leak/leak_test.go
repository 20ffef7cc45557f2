// The hunt finds a secret in every shape, and nothing where there is none.
package leak

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

const secret = "wJalr/XUtn+FEMI\"K7<MDENG>bPxRfiCY%EX"

func TestTheHuntFindsAnyPartOfASecretInAnyShape(t *testing.T) {
	var h Hunt
	h.Secret([]byte(secret))
	text, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	shapes := map[string]string{
		"raw": secret, "hex": hex.EncodeToString([]byte(secret)), "upper hex": strings.ToUpper(hex.EncodeToString([]byte(secret))),
		"JSON": string(text), "URL": url.QueryEscape(secret), "after another byte": "x" + secret,
	}
	for _, before := range []string{"", "a", "ab"} {
		shapes["base64 after "+before] = base64.StdEncoding.EncodeToString([]byte(before + secret))
		shapes["base64url after "+before] = base64.URLEncoding.EncodeToString([]byte(before + secret))
	}
	for shape, text := range shapes {
		t.Run(shape, func(t *testing.T) {
			for from := 0; from+2*Window <= len(text); from++ {
				part := text[from : from+2*Window]
				if _, how := h.Find([]byte("something " + part + " else")); how == "" {
					t.Fatalf("got nothing in %q, want a trace of %q", part, secret)
				}
			}
		})
	}
}

func TestTheHuntShowsWhereWithoutTheSecret(t *testing.T) {
	var h Hunt
	h.Secret([]byte(secret))
	where, how := h.Find([]byte("password: " + secret))
	if where != "password: " || how != "raw" {
		t.Errorf("got %q %q, want what stands before it", where, how)
	}
}

func TestTheHuntKnowsWhatIsPublicInADocument(t *testing.T) {
	var h Hunt
	const public = "event-dump-acme-events@acme-project.iam.gserviceaccount.com"
	h.Document([]byte(`{"client_email":"`+public+`","key":["x `+strings.Repeat("S3cr3t", 8)+`"],"uri":"https://oauth2.example.com/token/of/somebody"}`), public)
	if _, how := h.Find([]byte(public + " https://oauth2.example.com/token/of/somebody")); how != "" {
		t.Errorf("got a trace (%s) in what is public, want none", how)
	}
	if _, how := h.Find([]byte("S3cr3tS3cr3tS3cr3t")); how == "" {
		t.Error("got nothing in what is secret, want a trace")
	}
}
