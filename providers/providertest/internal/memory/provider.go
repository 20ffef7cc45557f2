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
	"sync/atomic"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

var _ core.Provider = (*Provider)(nil)

// Provider is the provider of a [Cloud].
type Provider struct {
	Transport http.RoundTripper
	Token     string // the operator's
	Vendor    string // the token of the account that keyless grantees have; "" if it cannot be had
	Stranger  string // the token of an account that nobody trusts
	Flaw      Flaw   // what it does wrong on purpose

	fresh atomic.Bool // this process has made the bucket
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
		Identities: identities(),
		Settings: []core.Setting{
			{Name: "vendor", Usage: "the account of the grantee", Example: "vendor", Only: []core.Who{core.WhoAccount}},
			{Name: "word", Usage: "what the grantee says at the door", Example: "sesame", Only: []core.Who{core.WhoAccount}},
		}}
	if p.Flaw == InventsAnIdentity {
		i.Identities = append(i.Identities, core.Identity{Who: core.WhoOIDC, Title: "a token", Why: "so that it is offered"})
	}
	for _, a := range core.Abilities() {
		if actions[a.Ability] != "" {
			i.Abilities = append(i.Abilities, a.Ability)
		}
	}
	if p.Flaw == GivesUpEarly || p.Flaw == AsksOnlyOnce {
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
		if k != "vendor" && k != "word" {
			f = append(f, core.Fault{Field: k, Value: v, Rule: "is no setting", Accepts: "vendor, word"})
		}
	}
	if g.Who == core.WhoAccount && (g.Settings["vendor"] == "" || g.Settings["word"] == "") {
		f = append(f, core.Fault{Field: "word", Rule: "is missing, or the vendor is", Accepts: "an account and a word"})
	}
	can := []string{}
	for _, a := range g.Can {
		can = append(can, actions[a])
	}
	switch {
	case p.Flaw == PadsTheDoor && !keyed(g):
		can = append(can, "object.stat")
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
	if g.Who == core.WhoAccount {
		trusted, err := json.Marshal(p.trust(g))
		if err != nil {
			return core.Blueprint{}, err
		}
		b.Documents = append(b.Documents, core.Document{Name: "trust", Of: "principal/" + stem(p, g), Why: "who may become the grantee", Body: trusted})
	}
	if p.Flaw == RenamesADocument {
		b.Documents[0].Name = "policy"
	}
	if !g.Target.Adopt {
		b.Resources = append(b.Resources, core.Resource{Step: core.BucketStep, Addr: "bucket/" + g.Target.Bucket})
	}
	for _, kind := range []string{"role/", "principal/", "binding/"} {
		if p.Flaw == HidesAResource && kind == "binding/" || p.Flaw == HidesTheDoor && kind == "principal/" && !keyed(g) {
			continue
		}
		b.Resources = append(b.Resources, core.Resource{Step: core.RoleStep, Addr: kind + stem(p, g)})
	}
	if keyed(g) {
		b.Resources = append(b.Resources, core.Resource{Step: core.CredentialStep, Addr: "key/" + stem(p, g) + "/"})
	}
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
	add(core.RoleStep, "plan", "role.read", "policy.read")
	add(core.RoleStep, "plan rotate revoke", "principal.read")
	add(core.GateStep, "revoke", "principal.shut")
	add(core.RoleStep, "apply destroy rotate", "principal.claim")
	add(core.RoleStep, "apply", "role.make", "principal.make", "policy.add")
	add(core.RoleStep, "repair", "role.alter")
	add(core.RoleStep, "destroy", "role.drop", "principal.drop", "policy.remove")
	add(core.RoleStep, "prove", "bucket.list")
	if g.Who == core.WhoHMAC || g.Who == core.WhoAccount && p.Flaw != HidesWhatAskingTakes {
		add(core.RoleStep, "prove", "principal.ask")
	}
	switch g.Who {
	case core.WhoKey, core.WhoHMAC:
		add(core.CredentialStep, "plan rotate revoke", "key.list")
		add(core.CredentialStep, "apply rotate", "key.make")
		add(core.CredentialStep, "apply destroy rotate", "key.drop")
		if p.Flaw != HidesANeedOfRotation {
			add(core.CredentialStep, "rotate revoke", "key.switch")
		}
		add(core.CredentialStep, "prove", "object.delete")
	case core.WhoAccount:
		add(core.RoleStep, "repair", "principal.alter")
		add(core.RoleStep, "prove", "object.delete")
	default:
		add(core.RoleStep, "repair", "principal.alter")
		add(core.RoleStep, "prove", "principal.ask")
	}
	if len(core.Plants(g, g.Target.Prefix)) > 0 && g.Who != core.WhoService {
		add(core.RoleStep, "prove", "object.put")
	}
	if !g.Target.Adopt {
		add(core.BucketStep, "apply", "bucket.make")
		add(core.BucketStep, "destroy", "bucket.drop")
	}
	if p.Flaw == HidesANeed {
		return list[1:]
	}
	if p.Flaw == HidesANeedOfTheDoor && !keyed(g) {
		return slices.DeleteFunc(list, func(one core.Permission) bool { return one.Action == "principal.ask" || one.Action == "object.delete" })
	}
	if p.Flaw == AsksForKeysToo && !keyed(g) {
		add(core.RoleStep, "apply", "key.make")
	}
	if p.Flaw == AsksToRotateMore {
		add(core.GateStep, "revoke", "role.alter.all")
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
	s.bucketMark = s.mark
	if b.Grant.Target.Shared && p.Flaw != MarksSharedAsItsOwn {
		s.bucketMark = sharedMark
	}
	all := &core.Steps{Whoami: s.whoami, Bucket: (*bucketStep)(s), Role: (*roleStep)(s), Caretaker: (*caretaker)(s), Simulator: (*simulator)(s), Outputs: s.outputs}
	if p.Flaw != MindsNobody {
		all.Claimer = (*claimer)(s)
	}
	all.Gate, all.Inspector, all.Preflight = (*gate)(s), (*inspector)(s), (*preflight)(s)
	if keyed(b.Grant) {
		all.Credential = (*issuer)(s)
	}
	if keyed(b.Grant) || p.Flaw == RingsForAll {
		all.Keyring = keyring{(*issuer)(s)}
	}
	return all, nil
}

// sharedMark marks a bucket that is ours and nobody's own.
const sharedMark = "ours:shared"

// steps is what all steps of one blueprint share.
type steps struct {
	*Provider
	b                      core.Blueprint
	name, mark, bucketMark string
	claim                  core.Claiming
	there                  bool   // the plan has seen a principal of ours
	gone                   bool   // this run has dropped it
	secret                 string // of the key that was made, for those who cannot keep it
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
	case s.Flaw == ClaimsWhatWasLost && action == "policy.add" && !ok:
		return out, nil
	case err == nil || ok && (f.status == missing || f.status == taken):
		return out, err
	case ok && f.status == http.StatusForbidden:
		return out, &core.Error{Kind: core.ErrOperator, What: action, Err: err}
	case ok && f.status == http.StatusPreconditionFailed:
		return out, &core.Error{Kind: core.ErrBlocked, What: action, Err: err, Hint: "use a key of the vendor's"}
	case (!ok || f.status >= 500) && action == "key.make" && s.Flaw != UnknownIsFailure:
		return out, &core.Error{Kind: core.ErrUnknown, What: action, Err: err}
	}
	return out, err
}

func is(err error, status int) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && f.status == status
}
