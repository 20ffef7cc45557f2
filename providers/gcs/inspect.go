// Inspector: ways in and permissions beside what a plan compares.
package gcs

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

// inspector looks as the operator. What it may not read is a finding as well.
type inspector struct{ *run }

// Inspect looks at everything side by side. Its order is always the same.
func (i *inspector) Inspect(ctx context.Context) ([]core.Finding, error) {
	looks := []look{
		{i.roleAddr(), i.role},
		{"projects/" + i.project, i.inProject},
		{i.bucketAddr(), i.onBucket},
		{i.bucketAddr(), i.guards},
		{i.bucketAddr() + "/folders", i.inFolders},
	}
	if accountOf(i.design) {
		looks = append(looks, look{i.accountAddr(), i.account}, look{i.accountAddr(), i.trust})
	}
	if g, is := i.whom.(*guest); is {
		looks = append(looks, look{g.federation.poolAddr(), func(ctx context.Context) ([]core.Finding, error) { return i.pool(ctx, g) }})
	}
	if ring := i.whom.keyring(); ring != nil {
		looks = append(looks, look{i.accountAddr(), func(ctx context.Context) ([]core.Finding, error) { return i.keys(ctx, ring) }})
	}
	return together(ctx, looks)
}

// look is one thing to be read, and what is found in it.
type look struct {
	addr string
	read func(context.Context) ([]core.Finding, error)
}

// together takes all looks. One that fails is an [core.Unread], unless nothing can be read at all.
func together(ctx context.Context, looks []look) ([]core.Finding, error) {
	found := make([][]core.Finding, len(looks))
	all := make([]func(context.Context) error, len(looks))
	for n, l := range looks {
		all[n] = func(ctx context.Context) (err error) {
			found[n], err = l.read(ctx)
			switch {
			case err != nil && hopeless(ctx, err):
				return explain(l.addr, err)
			case err != nil:
				why, fix := unread(l.addr, err)
				found[n] = []core.Finding{{Kind: core.Unread, Addr: l.addr, Text: "cannot be looked at: " + why, Fix: fix}}
			}
			return nil
		}
	}
	if err := core.Together(ctx, all...); err != nil {
		return nil, err
	}
	return slices.Concat(found...), nil
}

// role compares what our role gives with what the grant says, by name.
func (i *inspector) role(ctx context.Context) ([]core.Finding, error) {
	have, err := (&role{i.run}).readRole(ctx)
	if err != nil || have == nil || have.Deleted || !i.ours(have.Description) {
		return nil, err
	}
	return roleFindings(i.roleAddr(), i.roleID, i.project, have, roleFor(i.grant).Permissions), nil
}

func roleFindings(addr, id, project string, have *iam.Role, want []string) []core.Finding {
	var list []core.Finding
	less := func(a, b []string) []string {
		return slices.DeleteFunc(ordered(slices.Clone(a)), func(p string) bool { return slices.Contains(b, p) })
	}
	update := "gcloud iam roles update " + id + " --project " + project
	if extra := less(have.IncludedPermissions, want); len(extra) > 0 {
		list = append(list, core.Finding{Kind: core.ExtraPermission, Addr: addr, Grave: true, Text: "gives more than the grant says: " + printable(strings.Join(extra, ", ")),
			Fix: update + " --remove-permissions " + printable(strings.Join(extra, ","))})
	}
	if missing := less(want, have.IncludedPermissions); len(missing) > 0 {
		list = append(list, core.Finding{Kind: core.MissingPermission, Addr: addr, Text: "gives less than the grant says: " + strings.Join(missing, ", "),
			Fix: update + " --add-permissions " + strings.Join(missing, ",")})
	}
	switch have.Stage {
	case stageGA:
	case "DISABLED":
		list = append(list, core.Finding{Kind: core.ShutOut, Addr: addr, Text: "its launch stage is DISABLED, so that it gives nothing"})
	default:
		list = append(list, core.Finding{Kind: core.Differs, Addr: addr, Text: "its launch stage is not GA", Fix: update + " --stage GA"})
	}
	return list
}

// inProject looks for what reaches every bucket of the project: roles of the
// grantee's, and of those who may become every service account.
func (i *inspector) inProject(ctx context.Context) ([]core.Finding, error) {
	rules, err := i.projectRules(ctx)
	if err != nil {
		return nil, err
	}
	var list []core.Finding
	at := "projects/" + i.project
	for _, r := range rules {
		for _, m := range r.members {
			fix := "gcloud projects remove-iam-policy-binding " + i.project + " --role " + printable(r.role) + " --member '" + printable(m) + "' --all"
			switch gone := strings.HasPrefix(m, "deleted:"); {
			case i.whom.owns(m) && gone:
				list = append(list, orphan(at, r.role, m, fix))
			case i.whom.owns(m):
				list = append(list, core.Finding{Kind: core.ExtraPermission, Addr: at, Grave: true, Fix: fix,
					Text: printable(m) + " has " + printable(r.role) + " on the whole project: it reaches every bucket"})
			case accountOf(i.design) && !gone && slices.Contains([]string{workloadUser, "roles/iam.serviceAccountTokenCreator"}, r.role):
				list = append(list, core.Finding{Kind: core.WideTrust, Addr: i.accountAddr(), Grave: true, Fix: fix,
					Text: printable(m) + " has " + r.role + " on the whole project, and may act as each of its service accounts"})
			}
		}
	}
	return list, nil
}

// orphan is a member whom nobody can be any more.
// https://cloud.google.com/iam/docs/policies#handle-deleted-members
func orphan(addr, role, member, fix string) core.Finding {
	return core.Finding{Kind: core.OrphanPrincipal, Addr: addr, Text: printable(member) + " has " + printable(role) + " and exists no more", Fix: fix}
}

// onBucket looks for further bindings of the grantee, and for everybody's.
func (i *inspector) onBucket(ctx context.Context) ([]core.Finding, error) {
	rules, err := i.cloud.rulesAt(ctx, bucketPath(i.bucket))
	return i.bindings(i.bucketAddr(), rules, i.folder == "", func(role, member string) string {
		return "gcloud storage buckets remove-iam-policy-binding gs://" + i.bucket + " --role " + role + " --member '" + member + "' --all"
	}), err
}

// bindings are what a policy of the bucket or in it gives beside the grant. ours says that our own binding belongs there.
func (i *inspector) bindings(addr string, rules []rule, ours bool, remove func(role, member string) string) []core.Finding {
	var list []core.Finding
	for _, r := range rules {
		own := ours && r.role == i.roleName
		for _, m := range r.members {
			fix := remove(printable(r.role), printable(m))
			switch {
			case m == "allUsers", m == "allAuthenticatedUsers":
				list = append(list, core.Finding{Kind: core.PublicAccess, Addr: addr, Grave: true, Fix: fix, Text: "everybody has " + printable(r.role) + ", as " + m})
			case strings.HasPrefix(m, "deleted:"):
				list = append(list, orphan(addr, r.role, m, fix))
			case own && !i.whom.owns(m):
				list = append(list, core.Finding{Kind: core.WideTrust, Addr: addr, Grave: true, Fix: fix, Text: printable(m) + " has the grant's own role as well"})
			case own && r.condition == condition(i.grant), !i.whom.owns(m), i.anothers(r.role):
			case own:
				list = append(list, core.Finding{Kind: core.ExtraPermission, Addr: addr, Grave: true, Fix: fix, Text: printable(m) + " has the grant's role with another condition: " + unlimited(r.condition)})
			default:
				list = append(list, core.Finding{Kind: core.ExtraPermission, Addr: addr, Grave: true, Fix: fix, Text: printable(m) + " has " + printable(r.role) + " as well"})
			}
		}
	}
	return list
}

func unlimited(condition string) string {
	if condition == "" {
		return "none"
	}
	return printable(strconv.Quote(condition))
}

// anothers reports whether a role is that of another grant of ours, which a
// vendor's account may have beside this one.
func (i *inspector) anothers(role string) bool {
	return i.grant.Who == core.WhoAccount && strings.HasPrefix(role, "projects/"+i.project+"/roles/"+ourTool+"_") && role != i.roleName
}
