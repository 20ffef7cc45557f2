// Credentials that are not fresh: nothing is waited for, retired or promised in vain.
package cli

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// delivered is a stage on which a credential was received.
func delivered(t *testing.T, cloud *toy) *stage {
	t.Helper()
	s := newStage(t, cloud)
	s.run(with("apply", "--name", "acme", "--to", s.key(), "--yes")...).wants(t, 0)
	s.run("receive", "handoff/acme.AKIAIOSFODNN7EXAMPLE.age", "--identity", "key.txt", "--out", "credentials").wants(t, 0)
	return s
}

func TestARevokedKeyIsNotWaitedForLong(t *testing.T) {
	cloud := &toy{}
	s := delivered(t, cloud)
	cloud.Issued = nil
	for _, args := range [][]string{
		with("verify", "--name", "acme", "--credential", "credentials"),
		{"receive", "handoff/acme.AKIAIOSFODNN7EXAMPLE.age", "--identity", "key.txt", "--try"},
	} {
		var first, last time.Time
		cloud.trying = func() {
			if last = time.Now(); first.IsZero() {
				first = last
			}
		}
		r := s.run(args...)
		r.wants(t, 6, "may have been revoked or deleted", "check network and proxy")
		r.lacks(t, "run the same command again in some minutes", "was retired")
		if d := last.Sub(first); d > 31*time.Second {
			t.Errorf("%s: waited %s, want half a minute at most", args[0], d)
		}
	}
}

func TestTooMuchAccessLaterIsSaidWithoutAPromise(t *testing.T) {
	cloud := &toy{}
	s := delivered(t, cloud)
	cloud.Wide = true
	r := s.run(with("verify", "--name", "acme", "--credential", "credentials")...)
	r.wants(t, 5, "the key still works: end the grant with toygrant destroy")
	r.lacks(t, "retired", "not delivered")
	s.run("receive", "handoff/acme.AKIAIOSFODNN7EXAMPLE.age", "--identity", "key.txt", "--try").wants(t, 5, "do not use the credential")
	for _, verb := range []string{"verify", "receive"} {
		s.run(verb, "--help").wants(t, 0, "nothing was retired", "within 30 seconds")
	}
	s.run("apply", "--help").wants(t, 0, "the credential was retired")
}

func TestAGrantThatIsNotThereIsNotVerified(t *testing.T) {
	r := newStage(t, &toy{}).run(with("verify", "--name", "acme")...)
	r.wants(t, 1, "grant acme: there is no such grant here", "hint: toygrant apply")
}

func TestAChangedGrantSaysWhatThatMeansForItsKey(t *testing.T) {
	cloud := &toy{}
	s := newStage(t, cloud)
	to := s.key()
	s.run(with("apply", "--to", to, "--yes")...).wants(t, 0)
	r := s.run(with("apply", "--to", to, "--yes")...)
	r.wants(t, 0, "nothing was delivered: the secret of key AKIAIOSFODNN7EXAMPLE cannot be read again")
	r.lacks(t, "has changed")
	cloud.Role = false
	s.run(with("apply", "--to", to, "--yes", "--json")...).wants(t, 0, `"warning":"the access of key AKIAIOSFODNN7EXAMPLE has changed`)
	cloud.Role = false
	s.run(with("apply", "--to", to, "--yes")...).wants(t, 0, "the access of key AKIAIOSFODNN7EXAMPLE has changed and was not tried", "toygrant verify")
}

func TestABucketThatStaysIsNoSuccessOfDropping(t *testing.T) {
	cloud := &toy{Bucket: "acme", Role: true, Stuck: true}
	s := newStage(t, cloud)
	s.run(with("destroy", "--drop-bucket", "acme", "--yes")...).wants(t, 1, "toy:bucket/acme: was not dropped: it is not empty")
	s.run(with("destroy", "--drop-bucket", "acme", "--adopt", "--yes")...).wants(t, 2, "an adopted bucket is never dropped")
}

func TestDestroyShowsKeysFirstAndSpeaksOfNoIssue(t *testing.T) {
	s := newStage(t, &toy{})
	s.run(with("apply", "--to", s.key(), "--yes")...).wants(t, 0)
	r := s.run(with("destroy", "--yes")...)
	r.wants(t, 0)
	r.lacks(t, "was issued", "nothing was delivered")
	if key, role := strings.Index(r.errout, "toy:key/"), strings.Index(r.errout, "toy:role"); key < 0 || key > role {
		t.Errorf("got %s, want the key first", r.errout)
	}
}

func TestTheWrongGrantIsNotEndedInSilence(t *testing.T) {
	s := newStage(t, &toy{Bucket: "acme", Foreign: true, Stays: true})
	s.run(with("destroy", "--name", "other", "--yes")...).wants(t, 4, "no grant other here: toy:bucket/acme: exists and is not ours", "--name")
	newStage(t, &toy{}).run(with("destroy", "--name", "other", "--yes")...).wants(t, 0, "no grant other here: nothing to do")
}

func TestLookingLeavesNoSandboxFile(t *testing.T) {
	s := newStage(t, &toy{})
	for _, verb := range []string{"plan", "status"} {
		s.run(with(verb, "--sandbox-file", "cloud.json")...).wants(t, 0)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "cloud.json")); err == nil {
		t.Error("got a sandbox file, want none")
	}
}

func TestAPlanPromisesForTheKeyOnlyWhatWillHappen(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{with("plan"), "issued last, proven, delivered"},
		{with("plan", "--plain"), "issued last, proven, not sealed, delivered"},
		{with("apply", "--plain", "--no-verify", "--yes"), "issued last, not tried, not sealed, delivered"},
	} {
		newStage(t, &toy{}).run(c.args...).wants(t, 0, c.want)
	}
	s := newStage(t, &toy{})
	s.run(with("plan", "--to", s.key())...).wants(t, 0, "issued last, proven, sealed, delivered", "seal to", "calls in ")
}

func TestASecretThatGoesToAPipeIsSaid(t *testing.T) {
	s := delivered(t, &toy{})
	s.run("receive", "handoff/acme.AKIAIOSFODNN7EXAMPLE.age", "--identity", "key.txt").wants(t, 0, "warning: the credential goes to standard output, not sealed")
}

func TestFlagsThatWouldChangeNothingAreRefused(t *testing.T) {
	s := delivered(t, &toy{})
	for _, args := range [][]string{
		{"receive", "handoff/acme.AKIAIOSFODNN7EXAMPLE.age", "--identity", "key.txt", "--json"}, {"demo", "--json"}, {"sandbox", "serve", "--json"},
	} {
		s.run(args...).wants(t, 2, `"field":"json"`)
	}
}

func TestAManifestForAnotherCloudNamesItsProgram(t *testing.T) {
	s := delivered(t, &toy{})
	s.cloud.Program = "s3grant"
	path := filepath.Join(s.dir, "handoff", "acme.AKIAIOSFODNN7EXAMPLE.manifest.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s.write("handoff/acme.AKIAIOSFODNN7EXAMPLE.manifest.json", strings.Replace(string(raw), `"cloud": "s3"`, `"cloud": "gcs"`, 1))
	r := s.run("receive", "handoff/acme.AKIAIOSFODNN7EXAMPLE.age", "--identity", "key.txt", "--out", "x")
	r.wants(t, 2, "is for the cloud gcs; accepted: gcsgrant receive")
	if strings.Count(r.errout, "\n") != 1 {
		t.Errorf("got %s, want this one line", r.errout)
	}
}

func TestPlacesThatCannotBeUsedAreNamedBeforeAnyCall(t *testing.T) {
	cloud := &toy{Fail: map[string]error{"diff": errors.New("the cloud was asked")}}
	s := newStage(t, cloud)
	s.write("taken", "")
	r := s.run(with("apply", "--to", "nobody", "--out", "taken/in", "--journal", "taken", "--yes")...)
	r.wants(t, 2, "to: is neither", `out "taken/in": cannot be used`, `journal "taken": cannot be used`)
	r.lacks(t, "the cloud was asked")
	s.run(with("plan", "--sandbox-file", "none/cloud.json")...).wants(t, 2, `sandbox-file "none/cloud.json": is in a directory that cannot be used`)
}

func TestANetworkThatFailsIsSaid(t *testing.T) {
	for _, err := range []error{
		&net.DNSError{Err: "no such host", Name: "cloud.example"},
		&net.OpError{Op: "dial", Err: errors.New("refused")},
		os.ErrDeadlineExceeded,
	} {
		newStage(t, &toy{Fail: map[string]error{"whoami": err}}).run(with("plan")...).wants(t, 1, "hint: the cloud could not be reached: check network and proxy")
	}
	if p := describe(&core.Error{Kind: core.ErrUnknown, Err: os.ErrDeadlineExceeded}, "x"); !strings.Contains(p.Hint, "run the same command again") {
		t.Errorf("an unknown outcome: got %q, want it to be found out", p.Hint)
	}
}
