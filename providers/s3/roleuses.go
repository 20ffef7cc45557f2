// Role uses: a role that one grant has made and others use, which stays until the last of them ends.
package s3

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/bucketgrant/bucketgrant/core"
)

// tagUsedBy begins the tags of a role by which grants note that they use it
// besides the one that has made it. The grant's name follows.
const tagUsedBy = "bucketgrant-used-by-"

// usesAddr is the address of this grant's note on a role.
func (d design) usesAddr(r wantedRole) string { return roleAddr(r.name) + "/used-by/" + d.grant.Name }

// passAddr is the address of the mark that says whose a role is.
func passAddr(r wantedRole) string { return roleAddr(r.name) + "/mark" }

// roleUsers are the other grants that have noted that they use the role.
func (d design) roleUsers(v roleSeen) []string {
	var names []string
	for k := range sortedTags(iamTags(v.role.Tags)) {
		if name, ok := strings.CutPrefix(k, tagUsedBy); ok && name != d.grant.Name {
			names = append(names, name)
		}
	}
	return names
}

// notesUse reports whether this grant has noted on the role that it uses it.
func (d design) notesUse(v roleSeen) bool {
	_, noted := iamTags(v.role.Tags)[tagUsedBy+d.grant.Name]
	return noted
}

// presentUse notes the use of a role that another grant has made.
func (a *assumeStep) presentUse(r wantedRole, v roleSeen) []core.Change {
	if !r.lends || v.role == nil || a.otherGrant(iamTags(v.role.Tags)) == "" || a.notesUse(v) {
		return nil
	}
	return []core.Change{roleChange(core.Make, a.usesAddr(r), "a tag, so that the role stays while this grant uses it")}
}

// absentUse takes the note back.
func (a *assumeStep) absentUse(r wantedRole, v roleSeen) []core.Change {
	if !a.notesUse(v) {
		return nil
	}
	return []core.Change{roleChange(core.Drop, a.usesAddr(r), "the grant ends")}
}

// passOn leaves a role of this grant to the first of the grants that use it.
func (a *assumeStep) passOn(r wantedRole, heirs []string) []core.Change {
	return []core.Change{
		roleChange(core.Keep, roleAddr(r.name), "stays: other grants use it: "+strings.Join(heirs, ", ")),
		roleChange(core.Alter, passAddr(r), "passes to the grant "+heirs[0]),
	}
}

// doUse writes tags, after a look at whose the role is by now.
func (a *assumeStep) doUse(ctx context.Context, r wantedRole, c core.Change) error {
	v, err := a.readRole(ctx, r.name)
	switch {
	case err != nil:
		return err
	case v.role == nil && c.Action == core.Drop:
		return nil
	case v.role == nil:
		return moved(c.Addr, "is gone")
	}
	own, heirs := a.ownRole(r, v.role), a.roleUsers(v)
	switch {
	case c.Action == core.Make && a.otherGrant(iamTags(v.role.Tags)) == "":
		return moved(c.Addr, "the role belongs to no other grant any more")
	case c.Action == core.Make:
		return a.tagRole(ctx, r, c.Addr, tagUsedBy+a.grant.Name, yes)
	case c.Action == core.Drop:
		return a.untagRole(ctx, r, c.Addr, tagUsedBy+a.grant.Name)
	case !own:
		return moved(c.Addr, notOursNow)
	case len(heirs) == 0:
		return moved(c.Addr, "no other grant uses it any more")
	}
	if err := a.tagRole(ctx, r, c.Addr, tagGrant, heirs[0]); err != nil {
		return err
	}
	return a.untagRole(ctx, r, c.Addr, tagUsedBy+heirs[0])
}

func (a *assumeStep) tagRole(ctx context.Context, r wantedRole, addr, key, value string) error {
	_, err := a.iam.TagRole(ctx, &iam.TagRoleInput{RoleName: &r.name, Tags: []types.Tag{{Key: aws.String(key), Value: &value}}})
	return failed(addr, "iam:TagRole", err)
}

func (a *assumeStep) untagRole(ctx context.Context, r wantedRole, addr, key string) error {
	_, err := a.iam.UntagRole(ctx, &iam.UntagRoleInput{RoleName: &r.name, TagKeys: []string{key}})
	if gone(err) {
		return nil
	}
	return failed(addr, "iam:UntagRole", err)
}
