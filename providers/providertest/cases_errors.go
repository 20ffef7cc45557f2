// Cases about errors: each has a kind that decides what a user does next; and about secrets in them.
package providertest

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/core/leak"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

func (cases) ErrorsHaveKinds(b *bench) {
	b.later("operator may do nothing", func(t *trial) {
		t.fails(job{as: t.ProviderAs(nil), grant: t.Grant()}, core.ErrOperator)
	})
	b.later("organisation forbids keys", func(t *trial) {
		org, ok := t.World.(Blocker)
		if !ok {
			return
		}
		org.Block()
		_, err := t.fails(job{grant: t.Grant()}, core.ErrBlocked)
		if e, ok := errors.AsType[*core.Error](err); !ok || e.Hint == "" {
			t.Errorf("what is blocked comes with a way out: got %+v", err)
		}
		t.holds("no key is made", t.Keys(t.blueprint(t.Grant())), nil)
		_, err = t.fails(job{grant: t.Grant()}, core.ErrBlocked)
		t.say(nil, err)
	})
	b.later("offline plan applied", func(t *trial) {
		e := t.engine(nil, nil)
		plan, err := e.Offline(t.Grant())
		if err != nil {
			t.Fatalf("offline plan: %v", err)
		}
		if _, err := e.Apply(t.Context(), plan, core.ApplyOptions{}); !errors.Is(err, core.ErrInvalid) {
			t.Errorf("a plan that has not seen the cloud is not applied: got %v, want %v", err, core.ErrInvalid)
		}
	})
	b.later("nobody to deliver to", func(t *trial) {
		e := t.engine(nil, nil)
		plan, err := e.Plan(t.Context(), t.Grant(), core.Present)
		if err != nil {
			t.Fatalf("plan: %v", err)
		}
		writes := t.writing(func() {
			if _, err := e.Apply(t.Context(), plan, core.ApplyOptions{}); !errors.Is(err, core.ErrInvalid) {
				t.Errorf("nothing is issued for nobody: got %v, want %v", err, core.ErrInvalid)
			}
		})
		t.holds("nothing is written for nobody", writes, nil)
	})
}

// IssueIsSentOnce: a request that makes a key is never repeated blindly, and
// what cannot be known is said to be unknown.
func (cases) IssueIsSentOnce(b *bench) {
	broken := func(status int) cloudsim.Fault {
		return cloudsim.Fault{Reply: &http.Response{StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}}
	}
	for name, fault := range map[string]func() cloudsim.Fault{
		"lost before": func() cloudsim.Fault { return cloudsim.Fault{Before: cloudsim.ErrLost} },
		"lost after":  func() cloudsim.Fault { return cloudsim.Fault{After: cloudsim.ErrLost} },
		"end of file": func() cloudsim.Fault { return cloudsim.Fault{After: io.EOF} },
		"cut":         func() cloudsim.Fault { return cloudsim.Fault{Cut: true} },
		"500":         func() cloudsim.Fault { return broken(500) },
		"503":         func() cloudsim.Fault { return broken(503) },
		"no answer":   func() cloudsim.Fault { return cloudsim.Fault{Delay: 2 * time.Hour, Before: cloudsim.ErrLost} },
	} {
		b.later(name, func(t *trial) {
			sent, start := 0, time.Now()
			issuing := job{grant: t.Grant(), noProof: true, born: func() {
				start = time.Now()
				t.Transport().Fault = func(c cloudsim.Call, _ *http.Request) cloudsim.Fault {
					if !c.Op.Write || strings.HasPrefix(c.Op.Name, ofClaim) {
						return cloudsim.Fault{}
					}
					if sent++; sent > 1 {
						return cloudsim.Fault{} // what repairs the damage goes through
					}
					return fault()
				}
			}}
			t.fails(issuing, core.ErrUnknown)
			if took := time.Since(start); took > 10*time.Minute {
				t.Errorf("an issue that is not answered ends: got %s, want at most 10m", took)
			}
			t.holds("nothing is delivered", ids(t.given), nil)
			if n := len(t.Keys(t.blueprint(t.Grant()))); n > 0 {
				t.Errorf("a key whose secret was lost is retired: got %d working keys", n)
			}
			t.converges(t.Grant())
			if t.issues != 2 {
				t.Errorf("each run issues once: got %d issues, want 2", t.issues)
			}
		})
	}
}

func (cases) SecretNowhere(b *bench) {
	b.later("all goes well", func(t *trial) {
		t.must(job{grant: t.Grant()})
		t.must(job{grant: t.Grant(), absent: true})
		t.sensitive()
	})
	b.later("nothing goes well", func(t *trial) {
		blue := t.blueprint(t.Grant())
		t.Plant(OtherBucket, blue)
		_, _, _ = t.do(job{grant: t.Grant(), refuse: errors.New("the disk is full")})
		_, _, _ = t.do(job{grant: t.Grant(), born: func() { t.Tamper(blue, t.Powers(blue)[0], "") }})
		_, _, _ = t.do(job{grant: t.Grant(), born: func() { t.Tamper(blue, "", t.Excesses(blue)[0]) }})
		t.sensitive()
	})
	b.later("the network is gone when the key is tried", func(t *trial) {
		t.must(job{grant: t.Grant(), noProof: true})
		t.Transport().Fault = func(cloudsim.Call, *http.Request) cloudsim.Fault { return cloudsim.Fault{Before: cloudsim.ErrLost} }
		actor, err := t.Provider().Act(t.Context(), t.blueprint(t.Grant()), t.last())
		t.say(nil, err)
		if err == nil {
			for _, p := range core.ProbesFor(t.blueprint(t.Grant()), t.Provider().Info().Abilities, "x", "") {
				got, err := actor.Try(t.Context(), p)
				t.say(got, err)
			}
		}
		t.sensitive()
	})
}

// sensitive checks that the hunt would notice a leak: a secret was made, and
// each of its windows would be found.
func (t *trial) sensitive() {
	t.Helper()
	if len(t.born) == 0 {
		t.Fatalf("a secret was made: got none")
	}
	var h leak.Hunt
	known(&h, t.born[0])
	if _, how := h.Find(t.born[0].Secret.Reveal()); how == "" {
		t.Errorf("the hunt sees a secret in the open: got nothing, want a trace")
	}
}
