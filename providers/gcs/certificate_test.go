// Certificates: what is refused before any call, and what becomes of the key that is uploaded.
package gcs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// holderOf is a grantee's key pair: the private key in PEM.
func holderOf(t interface{ Fatal(...any) }, key crypto.Signer) []byte {
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

// signed is a certificate of key in PEM, valid in that time.
func signed(key crypto.Signer, from, to time.Time) string {
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "unused"}, NotBefore: from, NotAfter: to}
	raw, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))
}

// rsaKey is a key for all tests: making one takes long.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, leastBits)
	if err != nil {
		panic(err)
	}
	return key
})

// epoch is when virtual time begins.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// goodCertificate is valid in virtual time and in ours.
var goodCertificate = sync.OnceValue(func() string { return signed(rsaKey(), epoch.AddDate(-1, 0, 0), epoch.AddDate(90, 0, 0)) })

// withCertificate is the event dump to somebody who has a key pair.
func withCertificate(pem string) core.Grant {
	g := eventDump()
	g.Name, g.Who, g.Target.Bucket = "event-dump-acme-signed", core.WhoCertificate, "acme-signed"
	g.Settings = map[string]string{projectSetting: SandboxProject, certificateSetting: pem}
	return g
}

// keyring stands in for everybody else, and for who has the private key.
type keyring struct{ everybodyElse }

func (keyring) PrivateKey(certificate string) []byte {
	if certificate != goodCertificate() {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey())})
}

func TestCertificateThatCannotBeUploadedIsRefused(t *testing.T) {
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	from, to := epoch, epoch.AddDate(90, 0, 0)
	private := string(holderOf(t, rsaKey()))
	for name, c := range map[string]struct{ pem, rule string }{
		"nothing":               {"", "is missing"},
		"a private key":         {private, "holds a private key"},
		"both":                  {goodCertificate() + private, "holds a private key"},
		"words":                 {"certificate", "is not a certificate in PEM"},
		"broken":                {string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})), "X.509"},
		"a password behind it":  {goodCertificate() + "password: hunter2\n", "more than the certificate"},
		"words before it":       {"Bag Attributes\n" + goodCertificate(), "more than the certificate"},
		"headers":               {strings.Replace(goodCertificate(), "CERTIFICATE-----\n", "CERTIFICATE-----\nPassword: hunter2\n\n", 1), "more than the certificate"},
		"a broken block before": {"-----BEGIN NOTE-----\nhunter2\n" + goodCertificate(), "more than the certificate"},
		"two":                   {goodCertificate() + goodCertificate(), "more than one"},
		"short":                 {signed(short, from, to), "too short"},
		"an elliptic curve":     {signed(curve, from, to), "not RSA"},
		"ends before it begins": {signed(rsaKey(), to, from), "never valid"},
	} {
		_, err := core.Compile(New(Config{}), withCertificate(c.pem))
		faults, _ := errors.AsType[core.Faults](err)
		if len(faults) != 1 || faults[0].Field != certificateSetting || !strings.Contains(faults[0].Rule, c.rule) || faults[0].Value != "" || faults[0].Accepts == "" {
			t.Errorf("%s: got %v, want it refused: %s", name, err, c.rule)
		}
	}
	if _, err := core.Compile(New(Config{}), withCertificate("\r\n"+strings.ReplaceAll(goodCertificate(), "\n", "\r\n")+"\n\n")); err != nil {
		t.Errorf("white space around it: got %v, want it accepted", err)
	}
}

func TestCertificateOutOfDateIsInvalidInput(t *testing.T) {
	for name, c := range map[string]struct {
		pem, why string
	}{
		"expired":       {signed(rsaKey(), epoch.AddDate(-2, 0, 0), epoch.AddDate(-1, 0, 0)), "has expired on 1999-01-01"},
		"not yet valid": {signed(rsaKey(), epoch.AddDate(1, 0, 0), epoch.AddDate(2, 0, 0)), "is not valid before 2001-01-01"},
	} {
		inWorld(t, func(t *testing.T, w *world) {
			_, err := w.engine().Plan(t.Context(), withCertificate(c.pem), core.Present)
			if !errors.Is(err, core.ErrInvalid) || !strings.Contains(err.Error(), c.why) {
				t.Errorf("%s: got %v, want it refused by the plan since it %s", name, err, c.why)
			}
			if found := w.Ours(core.Blueprint{Grant: withCertificate(c.pem)}); len(found) > 0 {
				t.Errorf("%s: got %v made", name, found)
			}
		})
	}
}

func TestGrantOfAnExpiredCertificateIsDestroyed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := withCertificate(signed(rsaKey(), epoch.AddDate(-1, 0, 0), epoch.AddDate(0, 0, 1)))
		w.apply(g)
		time.Sleep(48 * time.Hour)
		if _, err := w.engine().Plan(t.Context(), g, core.Present); !errors.Is(err, core.ErrInvalid) {
			t.Errorf("got %v, want %v", err, core.ErrInvalid)
		}
		if _, _, err := w.reach(g, core.Absent); err != nil {
			t.Errorf("destroy: got %v, want success", err)
		}
		if found := w.Ours(core.Blueprint{Grant: g}); !slices.Equal(found, []string{"bucket"}) {
			t.Errorf("got %v left, want the bucket alone", found)
		}
	})
}

func TestEarlierEndIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		expires time.Time
		want    string
	}{
		"the certificate alone": {time.Time{}, "2090-01-01T00:00:00Z"},
		"the certificate first": {epoch.AddDate(100, 0, 0), "2090-01-01T00:00:00Z"},
		"the grant first":       {epoch.AddDate(50, 0, 0), "2050-01-01T00:00:00Z"},
	} {
		inWorld(t, func(t *testing.T, w *world) {
			g := withCertificate(goodCertificate())
			g.Limits.Expires = c.expires
			notes := strings.Join(compiled(t, g).Notes, "\n")
			if want := "the access ends on " + c.want; !c.expires.IsZero() && !strings.Contains(notes, want) {
				t.Errorf("%s: got notes %q, want %q", name, notes, want)
			}
			r := w.proven(g)
			i := slices.IndexFunc(r.Outputs, func(o core.Output) bool { return o.Name == "access_ends" })
			if i < 0 || r.Outputs[i].Value != c.want {
				t.Errorf("%s: got %+v, want the end on %s", name, r.Outputs, c.want)
			}
		})
	}
}

func (w *world) accountKeys(n names) []string {
	var list struct {
		Keys []struct{ Name, KeyOrigin string }
	}
	w.ask(w.owner, "GET", iamAPI+"/v1/"+n.accountName+"/keys?keyTypes=USER_MANAGED", nil, &list)
	var found []string
	for _, k := range list.Keys {
		found = append(found, k.KeyOrigin)
	}
	return found
}

func TestCertificateIsUploadedOnceAndOthersGo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := withCertificate(goodCertificate())
		n := namesOf(g, SandboxProject)
		for _, depth := range []int{8, 3} {
			w.transport.Latency = 100 * time.Millisecond
			e := w.engine()
			p, err := e.Plan(t.Context(), g, core.Present)
			if err != nil {
				t.Fatal(err)
			}
			r, err := e.Apply(t.Context(), p, core.ApplyOptions{NoProof: true})
			if err != nil || r.Depth > depth {
				t.Errorf("got %v at depth %d, want at most %d", err, r.Depth, depth)
			}
			t.Logf("%d calls, depth %d", r.Calls, r.Depth)
		}
		if got := w.accountKeys(n); !slices.Equal(got, []string{"USER_PROVIDED"}) {
			t.Errorf("got the keys %v, want the uploaded one alone", got)
		}
		// Another certificate takes its place, and a key that somebody made is no way in.
		w.ask(w.owner, "POST", iamAPI+"/v1/"+n.accountName+"/keys", dict{}, nil)
		next := withCertificate(signed(rsaKey(), epoch, epoch.AddDate(50, 0, 0)))
		p, _, err := w.reach(next, core.Present)
		if got := w.accountKeys(n); err != nil || !slices.Equal(got, []string{"USER_PROVIDED"}) {
			t.Errorf("got %v after %v (%v), want the successor alone", got, p.Changes, err)
		}
	})
}

func TestGranteeIsToldAllButItsOwnPrivateKey(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := withCertificate(goodCertificate())
		e := w.engine()
		p, err := e.Plan(t.Context(), g, core.Present)
		if err != nil {
			t.Fatal(err)
		}
		r, err := e.Apply(t.Context(), p, core.ApplyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(r.Outputs, func(o core.Output) bool { return o.File == "service-account.json" })
		if i < 0 {
			t.Fatalf("got the outputs %+v, want a key file among them", r.Outputs)
		}
		var file map[string]string
		if err := json.Unmarshal([]byte(r.Outputs[i].Value), &file); err != nil {
			t.Fatal(err)
		}
		_, private := file["private_key"]
		if private || file["type"] != "service_account" || file["client_email"] != namesOf(g, SandboxProject).email || !keyIDs.MatchString(file["private_key_id"]) {
			t.Errorf("got %v, want what a client library needs, without a private key", file)
		}
		if r.How != core.Tried {
			t.Errorf("got the proof %s, want it tried by who holds the private key", r.How)
		}
	})
}

func TestWhoHasNotThePrivateKeyCannotTry(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := withCertificate(signed(rsaKey(), epoch, epoch.AddDate(50, 0, 0)))
		w.reach(g, core.Present)
		if _, err := w.Provider().Act(t.Context(), compiled(t, g), core.Credential{}); !errors.Is(err, core.ErrNotHere) {
			t.Errorf("got %v, want %v", err, core.ErrNotHere)
		}
	})
}

func TestConstraintAgainstUploadsNamesWhatElseThereIs(t *testing.T) {
	for _, constraint := range []string{"constraints/iam.disableServiceAccountKeyUpload", "constraints/iam.managed.disableServiceAccountKeyUpload"} {
		inWorld(t, func(t *testing.T, w *world) {
			w.fake.SetConstraints(constraint)
			_, _, err := w.reach(withCertificate(goodCertificate()), core.Present)
			if !errors.Is(err, core.ErrBlocked) || !strings.Contains(err.Error(), constraint) || strings.Contains(hintOf(err), "upload") || hintOf(err) == "" {
				t.Errorf("%s: got %v [%s], want it named, with what else there is", constraint, err, hintOf(err))
			}
		})
	}
}

// A lost answer leaves one certificate, which the next run finds.
func TestLostAnswerToAnUploadIsFoundByTheNextRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		g := withCertificate(goodCertificate())
		sent := 0
		w.transport.Fault = func(call cloudsim.Call, _ *http.Request) cloudsim.Fault {
			if strings.HasSuffix(call.Op.Name, "keys.upload") {
				sent++
				return cloudsim.Fault{After: cloudsim.ErrLost}
			}
			return cloudsim.Fault{}
		}
		_, _, err := w.reach(g, core.Present)
		if !errors.Is(err, core.ErrUnknown) {
			t.Errorf("got %v, want %v", err, core.ErrUnknown)
		}
		w.apply(g)
		if got := w.accountKeys(namesOf(g, SandboxProject)); sent != 1 || len(got) != 1 {
			t.Errorf("got %d uploads and the keys %v, want one", sent, got)
		}
	})
}
