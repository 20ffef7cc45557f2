// Places: the buckets and managed folders on which the roles of the found grants are bound, and until when.
package gcs

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// placeListed is a policy that was read, of a bucket or of a managed folder in it.
type placeListed struct {
	bucket  bucketListed
	folder  string // "": the bucket itself
	created time.Time
	rules   []rule
}

func (p placeListed) addr() string {
	addr := "gcs:bucket/" + printable(p.bucket.Name)
	if p.folder != "" {
		addr += "/folder/" + printable(p.folder)
	}
	return addr
}

// places looks at the buckets that carry our label, and at the others only if
// a role is bound on none of those: it may be on a bucket that was adopted.
func (f *finder) places(ctx context.Context) error {
	var labelled, others []bucketListed
	for _, b := range f.buckets {
		if b.Labels[managedBy] == ourTool {
			labelled = append(labelled, b)
		} else {
			others = append(others, b)
		}
	}
	missing, err := f.search(ctx, labelled)
	if err == nil && len(f.homeless()) > 0 {
		var more []core.Finding
		more, err = f.search(ctx, others)
		missing = append(missing, more...)
	}
	if err != nil || !f.listed(bucketList) {
		return err
	}
	for _, g := range f.homeless() {
		if len(missing) == 0 {
			g.say(core.Finding{Kind: core.MissingPermission, Addr: g.roleAddr(), Text: "the role is bound on no bucket of the project: it gives nothing"})
			continue
		}
		one := missing[0]
		if len(missing) > 1 {
			one.Text += fmt.Sprintf("; and %d more, in one of which the role is bound", len(missing)-1)
		}
		g.say(one)
	}
	return nil
}

// homeless are the grants whose role was seen nowhere.
func (f *finder) homeless() []*foundGrant {
	return slices.DeleteFunc(slices.Clone(f.grants), func(g *foundGrant) bool { return g.role == nil || g.Bucket != "" })
}

// search reads the policies of buckets, and of those managed folders that a
// role's description may mean. It returns what could not be read.
func (f *finder) search(ctx context.Context, buckets []bucketListed) (missing []core.Finding, err error) {
	inFolders, inBuckets := map[string]bool{}, false
	for _, g := range f.homeless() {
		if hash := folderIn(g.role.Description); hash != "" {
			inFolders[hash] = true
		} else {
			inBuckets = true
		}
	}
	var folders []placeListed
	type seen struct {
		folders  []folderItem
		rules    []rule
		unlisted error
		unread   error
	}
	looks, err := each(ctx, buckets, func(ctx context.Context, b bucketListed) (s seen, err error) {
		at := placeListed{bucket: b}
		err = core.Together(ctx,
			func(ctx context.Context) error {
				if inBuckets {
					s.rules, s.unread = f.cloud.rulesAt(ctx, bucketPath(b.Name))
				}
				return onlyHopeless(ctx, at.addr(), s.unread)
			},
			func(ctx context.Context) error {
				if len(inFolders) > 0 {
					s.folders, s.unlisted = managedFolders(ctx, f.cloud, b.Name)
				}
				return onlyHopeless(ctx, at.addr(), s.unlisted)
			})
		return s, err
	})
	if err != nil {
		return nil, err
	}
	for n, s := range looks {
		at := placeListed{bucket: buckets[n], rules: s.rules, created: buckets[n].Created}
		for _, err := range []error{s.unread, s.unlisted} {
			if err != nil {
				missing = append(missing, notRead(at.addr(), err))
			}
		}
		f.settle(at)
		for _, one := range s.folders {
			if inFolders[folderHash(one.Name)] {
				folders = append(folders, placeListed{bucket: buckets[n], folder: one.Name, created: one.Created})
			}
		}
	}
	policies, err := each(ctx, folders, func(ctx context.Context, at placeListed) (found[[]rule], error) {
		rules, err := f.cloud.rulesAt(ctx, managedFolderPath(at.bucket.Name, at.folder))
		return found[[]rule]{value: rules, err: err}, onlyHopeless(ctx, at.addr(), err)
	})
	if err != nil {
		return nil, err
	}
	for n, at := range folders {
		if err := policies[n].err; err != nil {
			missing = append(missing, notRead(at.addr(), err))
		}
		at.rules = policies[n].value
		f.settle(at)
	}
	return missing, nil
}

// settle gives every grant its place whose role is bound there.
func (f *finder) settle(at placeListed) {
	for _, r := range at.rules {
		i := slices.IndexFunc(f.grants, func(g *foundGrant) bool { return g.role != nil && g.roleName == r.role })
		if i >= 0 {
			f.grants[i].bound(at, r)
		}
	}
}

// bound says what one binding of the grant's role tells.
func (g *foundGrant) bound(at placeListed, r rule) {
	for _, m := range r.members {
		switch {
		case strings.HasPrefix(m, "deleted:"):
			g.say(orphan(at.addr(), r.role, m, at.unbind(r.role, m)))
		case g.Principal == "" && !withAccount[whoIn(g.role.Description)]:
			g.Principal = printable(emailOf(m))
		}
	}
	if g.Bucket != "" {
		g.say(core.Finding{Kind: core.ExtraPermission, Addr: at.addr(), Grave: true, Text: "the grant's role is bound here as well", Fix: at.unbind(r.role, strings.Join(r.members, ","))})
		return
	}
	g.Bucket, g.Region = printable(at.bucket.Name), printable(at.bucket.Location)
	if at.folder != "" || g.ourLabels(at.bucket.Labels) {
		g.Created = at.created
	}
	prefix, end, ours := limitsIn(at.bucket.Name, at.folder, r.condition)
	if !ours {
		g.say(core.Finding{Kind: core.Differs, Addr: at.addr(), Grave: true, Text: "the role is bound with a condition that no grant has: " + unlimited(r.condition), Fix: "apply, with the grant's own settings"})
		return
	}
	g.Prefix, g.Expires = printable(prefix), end
}

// unbind is the command that takes a role from a member.
func (p placeListed) unbind(role, member string) string {
	what, at, all := "buckets", "gs://"+printable(p.bucket.Name), " --all"
	if p.folder != "" {
		what, at, all = "managed-folders", at+"/"+printable(p.folder), ""
	}
	return "gcloud storage " + what + " remove-iam-policy-binding " + at + " --role " + printable(role) + " --member '" + printable(member) + "'" + all
}

// limitsIn reads a condition; false if it is none that [condition] writes.
func limitsIn(bucket, folder, expression string) (prefix string, end time.Time, ours bool) {
	g := core.Grant{Target: core.Target{Bucket: bucket, Prefix: folder}}
	if folder == "" {
		g.Target.Prefix = strings.TrimPrefix(quotedAfter(expression, "resource.name.startsWith("), "projects/_/buckets/"+bucket+"/objects/")
	}
	g.Limits.Expires, _ = time.Parse(time.RFC3339, quotedAfter(expression, "request.time < timestamp("))
	shapes := [][]core.Ability{nil, {core.Locate}}
	if folder != "" {
		shapes = [][]core.Ability{{core.List}}
	}
	for _, g.Can = range shapes {
		ours = ours || condition(g) == expression
	}
	return g.Target.Prefix, g.Limits.Expires, ours
}

// quotedAfter is the string that stands behind the first what in an expression; "" if none does.
func quotedAfter(expression, what string) string {
	_, rest, _ := strings.Cut(expression, what)
	quoted, err := strconv.QuotedPrefix(rest)
	if err != nil {
		return ""
	}
	s, _ := strconv.Unquote(quoted)
	return s
}
