// Found marks: what belongs together becomes one grant, and what is left alone is said.
package gcs

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

// grantIn and profileIn are what the mark in a description says.
func grantIn(description string) string {
	rest, is := strings.CutPrefix(description, managedBy+"="+ourTool+"; grant=")
	grant, _, whole := strings.Cut(rest, "; ")
	if !is || !whole || !grantName.MatchString(grant) {
		return ""
	}
	return grant
}

// grantName is what core lets a grant be called.
var grantName = regexp.MustCompile(`^[a-z][a-z0-9-]{1,98}[a-z0-9]$`)

func profileIn(description string) string {
	_, rest, _ := strings.Cut(description, "; profile=")
	profile, _, _ := strings.Cut(rest, ";")
	return printable(profile)
}

// one is the parts of a grant.
type one struct {
	role    *iam.Role
	account *iam.ServiceAccount
	pool    *iam.WorkloadIdentityPool
}

// grants puts the parts together, by name.
func (f *finding) grants() []core.Found {
	all := map[string]*one{}
	of := func(description string) *one {
		name := grantIn(description)
		if all[name] == nil {
			all[name] = &one{}
		}
		return all[name]
	}
	for _, r := range f.roles {
		of(r.Description).role = r
	}
	for _, a := range f.accounts {
		of(a.Description).account = a
	}
	for _, p := range f.pools {
		of(p.Description).pool = p
	}
	var list []core.Found
	for name, parts := range all {
		list = append(list, f.found(name, parts))
	}
	slices.SortFunc(list, func(a, b core.Found) int { return cmp.Compare(a.Grant, b.Grant) })
	return list
}

// found is what the parts of one grant tell.
func (f *finding) found(name string, o *one) core.Found {
	n := namesOf(core.Grant{Name: name}, f.project)
	g := core.Found{Grant: name}
	said := core.Finding{Text: "is shut out: the access was revoked", Fix: "restore", Kind: core.ShutOut}
	shut := func(addr, description string, off bool) {
		switch {
		case isShut(description):
			said.Addr = addr
			g.Findings = append(g.Findings, said)
		case off:
			g.Findings = append(g.Findings, core.Finding{Kind: core.ShutOut, Addr: addr, Text: "is disabled, and not by a revocation: whoever did it had a reason"})
		}
	}
	left := func(addr, text string) {
		g.Findings = append(g.Findings, core.Finding{Kind: core.OrphanPrincipal, Addr: addr, Text: text, Fix: "destroy, with the grant's own settings"})
	}
	pool := "iam:workloadIdentityPool/" + poolID(name)
	who := ""
	if o.role != nil {
		who = whoIn(o.role.Description)
		g.Profile, g.Who = profileIn(o.role.Description), core.Who(strings.TrimSuffix(printable(who), "/"+impersonate))
		shut(n.roleAddr(), o.role.Description, o.role.Stage == "DISABLED")
		f.place(&g, n, o.role)
	}
	if o.account != nil {
		g.Profile, g.Principal = cmp.Or(g.Profile, profileIn(o.account.Description)), o.account.Email
		shut(n.accountAddr(), o.account.Description, o.account.Disabled)
		f.keysOf(&g, n)
	}
	if o.pool != nil {
		g.Profile = cmp.Or(g.Profile, profileIn(o.pool.Description))
		shut(pool, o.pool.Description, o.pool.Disabled)
		f.doors(&g, o.pool, shut)
	}
	switch own := ownAccountOf(who); {
	case o.role == nil && o.account != nil:
		left(n.accountAddr(), "the service account is left of a grant whose role is gone")
	case o.role != nil && own && o.account == nil:
		left(n.roleAddr(), "the role is left of a grant whose service account is gone")
	}
	switch guest := strings.HasPrefix(who, string(WhoAWSRole)) || who == string(core.WhoOIDC); {
	case o.role == nil && o.pool != nil:
		left(pool, "the pool is left of a grant whose role is gone")
	case guest && o.pool == nil:
		left(n.roleAddr(), "the role is left of a grant whose pool is gone")
	}
	return g
}

// ownAccountOf reports whether a grant of that identity has a service account of ours.
func ownAccountOf(who string) bool {
	switch who {
	case string(core.WhoKey), string(core.WhoHMAC), string(core.WhoCertificate), string(WhoAWSRole) + "/" + impersonate:
		return true
	}
	return false
}

var (
	// What [condition] writes.
	prefixSaid = regexp.MustCompile(`resource\.name\.startsWith\(("(?:[^"\\]|\\.)*")\)`)
	endSaid    = regexp.MustCompile(`request\.time < timestamp\("([^"]+)"\)`)
)

// place fills in what the bindings of a role tell of the place, the end and the grantee.
func (f *finding) place(g *core.Found, n names, role *iam.Role) {
	all := f.bound[role.Name]
	for _, at := range all {
		living := slices.DeleteFunc(slices.Clone(at.rule.members), func(m string) bool { return strings.HasPrefix(m, "deleted:") })
		for _, m := range at.rule.members {
			if strings.HasPrefix(m, "deleted:") {
				g.Findings = append(g.Findings, core.Finding{Kind: core.OrphanPrincipal, Addr: n.roleAddr(), Text: printable(m) + " has the role on gs://" + at.bucket.Name + " and exists no more"})
			}
		}
		if g.Bucket != "" && at.folder == "" { // of a grant on a folder that was on the bucket before
			continue
		}
		g.Bucket, g.Region, g.Prefix = at.bucket.Name, at.bucket.Location, at.folder
		if m := prefixSaid.FindStringSubmatch(at.rule.condition); m != nil && at.folder == "" {
			whole, _ := strconv.Unquote(m[1])
			g.Prefix = printable(strings.TrimPrefix(whole, "projects/_/buckets/"+at.bucket.Name+"/objects/"))
		}
		if m := endSaid.FindStringSubmatch(at.rule.condition); m != nil {
			g.Expires, _ = time.Parse(time.RFC3339, m[1])
		}
		if n.ourLabels(at.bucket.Labels) {
			g.Created = at.bucket.Created
		}
		if len(living) > 0 {
			g.Principal = printable(strings.TrimPrefix(living[0], "serviceAccount:"))
		}
	}
	if len(all) > 0 {
		return
	}
	if f.unread != nil {
		why, fix := unread(n.roleAddr(), f.unread)
		g.Findings = append(g.Findings, core.Finding{Kind: core.Unread, Addr: n.roleAddr(), Text: "where it is bound does not show: " + why, Fix: fix})
		return
	}
	g.Findings = append(g.Findings, core.Finding{Kind: core.MissingPermission, Addr: n.roleAddr(), Text: "is bound on no bucket of the project, so that it gives nothing", Fix: "apply, with the grant's own settings"})
}

// keysOf adds the keys of the account, oldest first, with those that Google has switched off.
func (f *finding) keysOf(g *core.Found, n names) {
	for _, k := range f.keys[n.email] {
		id, err := n.keyID(k)
		if err != nil || k.KeyType != "" && k.KeyType != userManaged {
			continue
		}
		key := coreKey(id, k)
		g.Keys = append(g.Keys, key)
		if key.Off == exposed || key.Off == compromised {
			g.Findings = append(g.Findings, leaked(n, n.keyAddr(id), key))
		}
	}
	for _, k := range f.hmacKeys {
		if k.Email == n.email && accessIDs.MatchString(k.AccessID) {
			g.Keys = append(g.Keys, core.Key{ID: k.AccessID, Created: k.Created, Active: k.State == active})
		}
	}
	slices.SortStableFunc(g.Keys, func(a, b core.Key) int { return a.Created.Compare(b.Created) })
}

// leaked is what is said of a key that Google has switched off.
func leaked(n names, addr string, k core.Key) core.Finding {
	return core.Finding{Kind: core.Exposed, Addr: addr, Grave: true, Text: "Google has found it where it does not belong and switched it off: " + k.Off,
		Fix: "gcloud iam service-accounts keys delete " + k.ID + " --iam-account " + n.email + " --project " + n.project}
}

// doors looks at the providers of a pool: whoever adds one lets more in.
func (f *finding) doors(g *core.Found, pool *iam.WorkloadIdentityPool, shut func(addr, description string, off bool)) {
	addr := "iam:workloadIdentityPool/" + path.Base(pool.Name)
	ours := 0
	for _, p := range f.providers[pool.Name] {
		id := printable(path.Base(p.Name))
		if grantIn(p.Description) != g.Grant {
			g.Findings = append(g.Findings, core.Finding{Kind: core.WideTrust, Addr: addr, Grave: true, Text: "lets others in by a provider that is not ours: " + id,
				Fix: "gcloud iam workload-identity-pools providers delete " + id + " --workload-identity-pool " + path.Base(pool.Name) + " --location global --project " + f.project})
			continue
		}
		ours++
		shut(addr+"/provider/"+id, "", p.Disabled)
	}
	if ours == 0 {
		g.Findings = append(g.Findings, core.Finding{Kind: core.Differs, Addr: addr, Text: "lets nobody in: its provider is gone", Fix: "apply, with the grant's own settings"})
	}
}
