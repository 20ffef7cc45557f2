// Claim: which run is at work on a grant, in the description of its role.
package gcs

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

// claimMark begins the claim in a description. What a revocation has shut ends with its own mark.
const claimMark = "; run="

// claimIn is the claim that a description bears; "" for none.
func claimIn(description string) string {
	_, rest, _ := strings.Cut(description, claimMark)
	claim, _, _ := strings.Cut(rest, ";")
	return claim
}

// bearing is a description with that claim in the place of any other.
func bearing(description, claim string) string {
	rest, shut := strings.CutSuffix(description, shutMark)
	rest, _, _ = strings.Cut(rest, claimMark)
	if claim != "" {
		rest += claimMark + claim
	}
	if shut {
		rest += shutMark
	}
	return rest
}

// claimRoom is how much a description has left for a claim.
func claimRoom(description string) int {
	return mostDescribed - len(strings.TrimSuffix(bearing(description, ""), shutMark)) - len(shutMark) - len(claimMark)
}

// claimer keeps the claim on the role, which every grant has, and which is
// written only over the revision that was read: of two runs one is told.
type claimer struct {
	*role
	mu   sync.Mutex
	seen *iam.Role // nil if there is none of ours
}

// Claimed is the claim as the plan's reads have shown it.
func (c *claimer) Claimed(ctx context.Context) (string, error) {
	have, err := c.readOnce(ctx, &c.roleMemo.minded)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen = have; err != nil || !c.bears(have) {
		c.seen = nil
		return "", err
	}
	return claimIn(have.Description), nil
}

func (c *claimer) bears(have *iam.Role) bool {
	return have != nil && !have.Deleted && c.ours(have.Description) && !c.another(have)
}

// Claim writes over the revision that the plan has seen. A role that another
// run has written since is looked at again.
func (c *claimer) Claim(ctx context.Context, claim core.Claiming) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.claiming.Store(&claim)
	if c.seen == nil {
		return nil // the call that makes the role brings it along
	}
	return c.put(ctx, c.seen, func(have *iam.Role) (string, error) {
		return claim.Text(claimRoom(have.Description)), claim.Against(claimIn(have.Description))
	})
}

// Note has nothing left to write.
func (c *claimer) Note(context.Context) error { return nil }

// Release says that the run has ended, if the role still bears its claim.
func (c *claimer) Release(ctx context.Context) (not bool, err error) {
	have, claim := c.roleMemo.wrote.Load(), c.claiming.Load()
	if have == nil || claim == nil {
		return true, nil // this run has not written the role, or has dropped it
	}
	return false, c.put(ctx, have, func(have *iam.Role) (string, error) {
		if !claim.Own(claimIn(have.Description)) {
			return "", nil
		}
		return claim.Over(claimRoom(have.Description)), nil
	})
}

// put writes what text says of the role as it is: nothing for "". What the role's
// own changes refuse is left to them.
func (c *claimer) put(ctx context.Context, have *iam.Role, text func(*iam.Role) (string, error)) error {
	service, err := c.cloud.iam()
	if err != nil {
		return err
	}
	return explainWrite(c.roleAddr(), until(ctx, isConflict, func() error {
		if have == nil {
			if have, err = c.readRole(ctx); err != nil || !c.bears(have) {
				return err
			}
		}
		claim, err := text(have)
		if err != nil || claim == "" || claim == claimIn(have.Description) {
			return err
		}
		next, err := repeat(ctx, func() (*iam.Role, error) {
			return service.Projects.Roles.Patch(c.roleName, &iam.Role{Description: bearing(have.Description, claim), Etag: have.Etag}).UpdateMask("description").Context(ctx).Do()
		})
		have = nil
		if isMissing(err) {
			return nil
		}
		if err == nil {
			c.roleMemo.wrote.Store(next)
		}
		return err
	}))
}

// contested is why this run stops at a role that was there before it could make it.
func (r *run) contested(have *iam.Role) error {
	if c := r.claiming.Load(); c != nil {
		return c.Against(claimIn(have.Description))
	}
	return nil
}

// bearsOwn reports whether a role bears this run's claim, if the run has one.
func (r *run) bearsOwn(have *iam.Role) bool {
	c := r.claiming.Load()
	return c == nil || c.Own(claimIn(have.Description)) || c.Text(claimRoom(have.Description)) == ""
}

// claimed is a description of what this run writes, with its claim.
func (r *run) claimed(description string) string {
	if c := r.claiming.Load(); c != nil {
		return bearing(description, c.Text(claimRoom(description)))
	}
	return description
}

// roleMemo is what the run knows of the role. A plan's two readers share one answer.
type roleMemo struct {
	turn           turn
	diffed, minded atomic.Bool // whether a reader has had its look at what the plan has seen
	have           *iam.Role
	read           bool
	wrote          atomic.Pointer[iam.Role] // by a call of this run, last
}

// readOnce is readRole; each reader shares the other's answer the first time only.
func (r *role) readOnce(ctx context.Context, asked *atomic.Bool) (*iam.Role, error) {
	m := &r.roleMemo
	if asked.Swap(true) {
		return r.readRole(ctx)
	}
	end, err := m.turn.take(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	if m.read {
		return m.have, nil
	}
	m.have, err = r.readRole(ctx)
	m.read = err == nil
	return m.have, err
}
