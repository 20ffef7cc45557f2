// The provider of the cloud in memory: the smallest that keeps every promise.
package memory

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

var _ core.Provider = (*Provider)(nil)

// Provider is the provider of a [Cloud].
type Provider struct {
	Transport http.RoundTripper
	Token     string // the operator's
	Flaw      Flaw   // what it does wrong on purpose
}

// actions is what each ability compiles to.
var actions = map[core.Ability]string{
	core.Create: "object.put", core.Abort: "upload.begin", core.Overwrite: "object.replace", core.Read: "object.get", core.List: "object.list",
	core.Delete: "object.delete", core.Erase: "object.erase", core.Locate: "bucket.locate", core.Inspect: "policy.read",
	core.Administer: "policy.add", core.Identify: "principal.list",
}

// Info describes the cloud.
func (p *Provider) Info() core.Info {
	i := core.Info{Name: "memory", Title: "Memory", Nouns: core.Nouns{Account: "owner", Region: "region", Principal: "principal"}, Settle: 2 * time.Minute,
		Identities: []core.Identity{{Who: core.WhoKey, Title: "a key", Why: "it is the only way here", Form: core.PairForm}}}
	for _, a := range core.Abilities() {
		if actions[a.Ability] != "" {
			i.Abilities = append(i.Abilities, a.Ability)
		}
	}
	if p.Flaw == GivesUpEarly {
		i.Settle = 5 * time.Second
	}
	return i
}

var name = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)

// Compile turns a grant into one role and one binding.
func (p *Provider) Compile(g core.Grant) (core.Blueprint, error) {
	var f core.Faults
	if !name.MatchString(g.Target.Bucket) && p.Flaw != TakesAnyBucketName {
		f = append(f, core.Fault{Field: "bucket", Value: g.Target.Bucket, Rule: "is no bucket name", Accepts: "3 to 63 of a-z, 0-9 and -"})
	}
	if g.Target.Region != "here" {
		f = append(f, core.Fault{Field: "region", Value: g.Target.Region, Rule: "is no region", Accepts: "here"})
	}
	for k, v := range g.Settings {
		f = append(f, core.Fault{Field: k, Value: v, Rule: "is no setting", Accepts: "none"})
	}
	can := []string{}
	for _, a := range g.Can {
		can = append(can, actions[a])
	}
	switch {
	case p.Flaw == Widens:
		can = append(can, "object.get")
	case p.Flaw == PadsThePolicy:
		can = append(can, "object.stat")
	case p.Flaw == Narrows && len(can) > 0:
		can = can[:len(can)-1]
	case p.Flaw == Impure:
		can = append(can, random())
	}
	slices.Sort(can)
	body, err := json.Marshal(can)
	if err != nil {
		return core.Blueprint{}, err
	}
	b := core.Blueprint{Cloud: "memory", Grant: g, Probes: g.Target.Prefix + ".probe/", Operator: p.needs(g),
		Documents: []core.Document{{Name: "role", Of: "role/" + stem(p, g), Why: "what the grantee may do", Body: body}}}
	if p.Flaw == RenamesADocument {
		b.Documents[0].Name = "policy"
	}
	if !g.Target.Adopt {
		b.Resources = append(b.Resources, core.Resource{Step: core.BucketStep, Addr: "bucket/" + g.Target.Bucket})
	}
	for _, kind := range []string{"role/", "principal/", "binding/"} {
		if p.Flaw == HidesAResource && kind == "binding/" {
			continue
		}
		b.Resources = append(b.Resources, core.Resource{Step: core.RoleStep, Addr: kind + stem(p, g)})
	}
	b.Resources = append(b.Resources, core.Resource{Step: core.CredentialStep, Addr: "key/" + stem(p, g) + "/"})
	return b, f.Err()
}

func stem(p *Provider, g core.Grant) string {
	if p.Flaw == CutsNames {
		return g.Name[:min(len(g.Name), 30)]
	}
	return core.Stem(g.Name, 30)
}

// needs is what the operator must be allowed to do.
func (p *Provider) needs(g core.Grant) []core.Permission {
	var list []core.Permission
	add := func(step core.StepName, verbs string, some ...string) {
		for _, a := range some {
			list = append(list, core.Permission{Action: a, Resource: g.Name, Step: step, Verbs: strings.Fields(verbs)})
		}
	}
	add(core.BucketStep, "plan", "bucket.read")
	add(core.RoleStep, "plan", "role.read", "principal.read", "policy.read", "key.list")
	add(core.RoleStep, "apply", "role.make", "principal.make", "policy.add", "key.make")
	add(core.RoleStep, "repair", "role.alter")
	add(core.RoleStep, "destroy", "role.drop", "principal.drop", "policy.remove")
	add(core.CredentialStep, "apply destroy", "key.drop")
	add(core.CredentialStep, "prove", "bucket.list", "object.delete")
	if !g.Target.Adopt {
		add(core.BucketStep, "apply", "bucket.make")
		add(core.BucketStep, "destroy", "bucket.drop")
	}
	if p.Flaw == HidesANeed {
		return list[1:]
	}
	if p.Flaw == AsksForTooMuch {
		add(core.BucketStep, "apply", "object.get")
	}
	return list
}

// Open prepares the steps.
func (p *Provider) Open(_ context.Context, b core.Blueprint) (*core.Steps, error) {
	s := &steps{Provider: p, b: b, name: stem(p, b.Grant), mark: "ours:" + b.Grant.Name}
	if p.Flaw == OneMarkForAll {
		s.mark = "ours"
	}
	return &core.Steps{Whoami: s.whoami, Bucket: (*bucketStep)(s), Role: (*roleStep)(s), Credential: (*issuer)(s), Caretaker: (*caretaker)(s)}, nil
}

// steps is what all steps of one blueprint share.
type steps struct {
	*Provider
	b          core.Blueprint
	name, mark string
}

func (s *steps) whoami(context.Context) (core.Operator, error) {
	return core.Operator{Account: owner, Principal: "operator"}, nil
}

// failure is an answer that is no success.
type failure struct {
	status int
	answer answer
}

func (f *failure) Error() string { return fmt.Sprintf("status %d: %s", f.status, f.answer.Code) }

// call makes one call. It never retries.
func (p *Provider) call(ctx context.Context, token, action string, in request) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	raw, err := json.Marshal(in)
	if err != nil {
		return answer{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://memory.example/"+action, bytes.NewReader(raw))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if p.Flaw == LeaksInAddress && token != p.Token {
		r.URL.Host = strings.ToLower(token[:20]) + "." + r.URL.Host
		r.URL.Fragment = token
	}
	done := func() {}
	if p.Flaw != CountsNothing {
		done = core.Begin(ctx)
	}
	resp, err := p.Transport.RoundTrip(r)
	done()
	if p.Flaw == Dawdles && ctx.Err() != nil {
		time.Sleep(time.Hour)
	}
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", action, err)
	}
	defer func() { _ = resp.Body.Close() }()
	var out answer
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return out, fmt.Errorf("%s: answer with status %d: %w", action, resp.StatusCode, err)
	}
	if resp.StatusCode == fine {
		return out, nil
	}
	return out, &failure{resp.StatusCode, out}
}

// as is a call of the operator, whose refusals have kinds.
func (s *steps) as(ctx context.Context, action string, in request) (answer, error) {
	if in.Name == "" {
		in.Name = s.name
	}
	if in.Bucket == "" {
		in.Bucket = s.b.Grant.Target.Bucket
	}
	out, err := s.call(ctx, s.Token, action, in)
	f, ok := errors.AsType[*failure](err)
	switch {
	case s.Flaw == NoKinds:
		return out, err
	case err == nil || ok && (f.status == missing || f.status == taken):
		return out, err
	case ok && f.status == http.StatusForbidden:
		return out, &core.Error{Kind: core.ErrOperator, What: action, Err: err}
	case ok && f.status == http.StatusPreconditionFailed:
		return out, &core.Error{Kind: core.ErrBlocked, What: action, Err: err, Hint: "use a key of the vendor's"}
	case !ok && action == "key.make" && s.Flaw != UnknownIsFailure:
		return out, &core.Error{Kind: core.ErrUnknown, What: action, Err: err}
	}
	return out, err
}

func is(err error, status int) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && f.status == status
}

// Act prepares to try things.
func (p *Provider) Act(_ context.Context, _ core.Blueprint, c core.Credential) (core.Actor, error) {
	return &actor{p, string(c.Secret.Reveal())}, nil
}
