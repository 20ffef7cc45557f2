// Find: every grant of a project by its marks. Nothing is asked of one grant after the other that a list tells of all.
package gcs

import (
	"context"
	"maps"
	"path"
	"slices"
	"strings"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

var _ core.Finder = (*Provider)(nil)

// Find lists the grants in the operator's project. What may not be read is a
// finding of the grants that it would tell more of; only if nothing that carries
// marks may be listed, that is an error.
func (p *Provider) Find(ctx context.Context, given map[string]string) (core.Operator, []core.Found, error) {
	s, faults := readSettings(core.Grant{Settings: given})
	if err := faults.Err(); err != nil {
		return core.Operator{}, nil, err
	}
	c, whoami, err := p.enter(s.project)
	if err != nil {
		return whoami, nil, err
	}
	seen, err := readLists(ctx, c, s.project)
	if err != nil {
		return whoami, nil, err
	}
	f := &finder{cloud: c, projectSeen: seen, grants: seen.grants()}
	if err := core.Together(ctx, f.keys, f.doors, f.places); err != nil {
		return whoami, nil, err
	}
	f.tellKeys()
	f.tellDoors()
	return whoami, f.all(), nil
}

// finder puts the grants together.
type finder struct {
	projectSeen
	cloud  *cloud
	grants []*foundGrant // by name
	own    []found[[]core.Key]
	guests []found[[]*iam.WorkloadIdentityPoolProvider]
}

// found is what was read for a grant, or why it was not.
type found[T any] struct {
	of    *foundGrant
	value T
	err   error
}

// foundGrant is one grant, and what of it carries its mark.
type foundGrant struct {
	core.Found
	names
	account *iam.ServiceAccount // nil if there is none, like the next two
	role    *iam.Role
	pool    *iam.WorkloadIdentityPool
}

func (g *foundGrant) say(all ...core.Finding) { g.Findings = append(g.Findings, all...) }

// grants are what carries a mark under the very name that the mark's grant gives
// it: a mark alone can be copied.
func (p projectSeen) grants() []*foundGrant {
	byName := map[string]*foundGrant{}
	take := func(description, name string, nameOf func(names) string, put func(*foundGrant)) {
		grant, profile := markedFor(description)
		if grant == "" || name != nameOf(namesOf(core.Grant{Name: grant}, p.project)) {
			return
		}
		g := byName[grant]
		if g == nil {
			g = &foundGrant{Found: core.Found{Grant: grant, Profile: profile}, names: namesOf(core.Grant{Name: grant}, p.project)}
			byName[grant] = g
		}
		put(g)
	}
	for _, r := range p.roles {
		take(r.Description, r.Name, func(n names) string { return n.roleName }, func(g *foundGrant) { g.role = r })
	}
	for _, a := range p.accounts {
		take(a.Description, a.Email, func(n names) string { return n.email }, func(g *foundGrant) { g.account = a })
	}
	for _, o := range p.pools {
		take(o.Description, path.Base(o.Name), func(n names) string { return poolID(n.grant) }, func(g *foundGrant) { g.pool = o })
	}
	var all []*foundGrant
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		g := byName[name]
		g.describe(p)
		all = append(all, g)
	}
	return all
}

// describe says what the marks alone tell, and which part of the grant is missing.
func (g *foundGrant) describe(p projectSeen) {
	const end = "destroy, with the grant's own settings"
	orphan := func(addr, text string) {
		g.say(core.Finding{Kind: core.OrphanPrincipal, Addr: addr, Text: text, Fix: end})
	}
	who := ""
	if g.role != nil {
		who = printable(whoIn(g.role.Description))
		kind, _, _ := strings.Cut(who, "/")
		g.Who = core.Who(kind)
		g.say(shutAway(g.roleAddr(), g.role.Description, g.role.Stage == stageDisabled, "its launch stage is DISABLED, so that it gives nothing")...)
		switch {
		case g.account == nil && p.listed(accountList) && withAccount[who]:
			orphan(g.roleAddr(), "the role is left of a grant whose service account is gone")
		case g.pool == nil && p.listed(poolList) && withPool[who]:
			orphan(g.roleAddr(), "the role is left of a grant whose pool is gone")
		}
	}
	if a := g.account; a != nil {
		g.Principal = a.Email
		g.say(shutAway(g.accountAddr(), a.Description, a.Disabled, "is disabled: no key and no token of it works")...)
		if g.role == nil && p.listed(roleList) {
			orphan(g.accountAddr(), "the service account is left of a grant whose role is gone")
		}
	}
	if g.pool != nil {
		g.say(shutAway(g.poolAddr(), g.pool.Description, g.pool.Disabled, "is disabled: nobody comes in")...)
		if g.role == nil && p.listed(roleList) {
			orphan(g.poolAddr(), "the pool is left of a grant whose role is gone")
		}
	}
}

func (g *foundGrant) poolAddr() string { return federation{poolID: poolID(g.grant)}.poolAddr() }

// withAccount and withPool are the identities, as roles name them, for which a
// service account or a pool is made.
var (
	withAccount = map[string]bool{string(core.WhoKey): true, string(core.WhoHMAC): true, string(core.WhoCertificate): true, string(WhoAWSRole) + "/" + impersonate: true}
	withPool    = map[string]bool{string(core.WhoOIDC): true, string(WhoAWSRole): true, string(WhoAWSRole) + "/" + impersonate: true}
)

// shutAway is what is to be said of a door by its mark and by its state.
func shutAway(addr, description string, shut bool, how string) []core.Finding {
	switch revoked := isShut(description); {
	case shut && revoked:
		return []core.Finding{{Kind: core.ShutOut, Addr: addr, Text: "is shut out: the access was revoked", Fix: "restore"}}
	case shut:
		return []core.Finding{{Kind: core.ShutOut, Addr: addr, Text: how}}
	case revoked:
		return []core.Finding{{Kind: core.Differs, Addr: addr, Grave: true, Text: "is marked as revoked and is open: a revocation or a restoration was stopped half-way", Fix: "revoke, or restore"}}
	}
	return nil
}

// unnamed stands for the grants that do not show since a list could not be read.
const unnamed = "?"

// all is every grant, with what could not be read where it is missed. If it is
// missed nowhere, there may be grants that do not show.
func (f *finder) all() []core.Found {
	var all []core.Found
	for _, l := range lists() {
		why := f.unread[l.name]
		if why == nil {
			continue
		}
		missed := false
		for _, g := range f.grants {
			if l.missed(g) {
				g.say(*why)
				missed = true
			}
		}
		if !missed {
			if len(all) == 0 {
				all = append(all, core.Found{Grant: unnamed})
			}
			all[0].Findings = append(all[0].Findings, *why)
		}
	}
	for _, g := range f.grants {
		all = append(all, g.Found)
	}
	return all
}
