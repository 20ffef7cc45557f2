// Policy piece: the grant's statements read in the bucket's policy, compared, merged and taken out again.
package s3

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/bucketgrant/bucketgrant/core"
)

// policyPiece keeps the statements of one principal in the bucket's policy.
type policyPiece struct {
	*session
	holder string // the address of the principal
}

// policyView is the bucket's policy as a plan sees it.
type policyView struct {
	account string
	there   *shelf
	away    bool // the bucket is not the operator's, or in another region: its policy is none of our business
}

// read asks for the policy, unless there is no bucket yet.
func (p *policyPiece) read(ctx context.Context) (policyView, error) {
	v := policyView{}
	var at place
	err := gather(ctx,
		func(ctx context.Context) error { o, err := p.operator(ctx); v.account = o.Account; return err },
		func(ctx context.Context) (err error) { at, err = p.placeOnce(ctx, &p.placedRole); return })
	if err != nil {
		return v, err
	}
	v.there, _ = openShelf("")
	if v.away = at.region != "" && at.region != p.region; !at.exists || v.away {
		return v, nil
	}
	b := &bucketStep{p.session}
	text, err := b.readPolicy(ctx, aws.String(v.account))
	switch {
	case is(err, codeDenied):
		if own, asked := b.isOwn(ctx); asked == nil && !own {
			v.away = true
			return v, nil
		}
		return v, err
	case gone(err):
		return v, nil
	case err != nil:
		return v, err
	}
	v.there, err = openShelf(text)
	return v, p.unreadable(err)
}

func (p *policyPiece) unreadable(err error) error {
	if err == nil {
		return nil
	}
	return &core.Error{What: p.statementAddr(), Err: err}
}

func (p *policyPiece) wanted(account string) []statement {
	return p.provider.bucketStatements(p.design, p.layout.grantee(p.design, account))
}

// present is the change that leads to the wanted statements. anew says that the
// principal is about to be made: a policy means the one that there was when it was written.
func (p *policyPiece) present(v policyView, anew bool) core.Change {
	want := p.wanted(v.account)
	own := v.there.own(p.ownSid)
	orphans := v.there.orphans(p.ownSid)
	settled := v.there.says(want, p.ownSid)
	after := shelf{v.there.doc, slices.Clone(v.there.statements)}
	after.put(want, p.ownSid)
	size := len(after.text())
	needs := []string{p.holder, p.bucketAddr(), p.partAddr(policyPart)}
	refuse := func(why, hint string) core.Change {
		c := p.statementsChange(core.Refuse, why)
		c.Hint = hint
		return c
	}
	switch {
	case settled && !anew:
		return p.statementsChange(core.Keep, strings.Join(append([]string{"the bucket's policy names the grantee"}, reported(orphans)...), "; "))
	case len(orphans) > 0:
		return refuse("S3 does not take the bucket's policy again as it is: "+strings.Join(orphans, ", ")+", which no longer exists", "mend or remove what is not ours in the policy of "+p.bucket())
	case size > mostPolicy:
		return refuse(fmt.Sprintf("the bucket's policy would have %d bytes; S3 takes %d", size, mostPolicy), "--bucket with another name")
	case len(own) == 0:
		return p.statementsChange(core.Make, "the bucket's policy allows the grantee what the grant says", needs...)
	}
	why := "does not say what the grant says"
	if anew {
		why = "its principal is made anew, and a policy means the one that it was written for"
	}
	for _, one := range own {
		if dead := deadIn(one); len(dead) > 0 {
			why = "names " + strings.Join(dead, ", ") + ", a principal that no longer exists"
		}
	}
	c := p.statementsChange(core.Alter, why, needs...)
	c.Before, c.After = string(mustJSON(own)), string(mustJSON(want))
	return c
}

// reported tells of what others have left in the policy.
func reported(orphans []string) []string {
	if len(orphans) == 0 {
		return nil
	}
	return []string{"not ours, and left alone: " + strings.Join(orphans, ", ") + ", which no longer exists"}
}

// absent takes the statements out.
func (p *policyPiece) absent(v policyView) []core.Change {
	if len(v.there.own(p.ownSid)) == 0 {
		return nil
	}
	if orphans := v.there.orphans(p.ownSid); len(orphans) > 0 {
		return []core.Change{p.statementsChange(core.Keep, "left: S3 does not take the bucket's policy again as it is: "+strings.Join(orphans, ", ")+", which no longer exists")}
	}
	return []core.Change{p.statementsChange(core.Drop, "the grant ends")}
}

func (p *policyPiece) owns(addr string) bool { return addr == p.statementAddr() }

// do writes one change.
func (p *policyPiece) do(ctx context.Context, c core.Change) error {
	o, err := p.operator(ctx)
	if err != nil {
		return err
	}
	switch c.Action {
	case core.Make, core.Alter:
		return p.write(ctx, o.Account, p.wanted(o.Account))
	case core.Drop:
		return p.write(ctx, o.Account, nil)
	}
	return fmt.Errorf("bucket policy %s: no such action %q", c.Addr, c.Action)
}

// mostWrites is how often the policy is written when somebody else writes it too.
const mostWrites = 6

// errRaced marks a policy that is not what was written.
var errRaced = errors.New("is not what was written")

// write merges want into the policy until it is there. S3 has no condition on
// such a write, so it is read again and compared.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
func (p *policyPiece) write(ctx context.Context, account string, want []statement) error {
	p.wrote.Store(true)
	b := &bucketStep{p.session}
	known, blind := p.freshPolicy.Load().(string)
	force := p.bornHere(p.holder)
	for try := 1; ; try++ {
		err := await(ctx, patience, p.passing, func() error {
			text, first := known, blind
			blind = false
			err := p.turn(ctx, func() error { return p.writeOnce(ctx, b, account, text, first, want, force) })
			force = force && err != nil
			return err
		})
		switch {
		case gone(err) && want == nil:
			return nil
		case p.stranger(err) && p.passing(err) && ctx.Err() == nil:
			return notSeen(p.statementAddr(), "s3:PutBucketPolicy", err)
		case !errors.Is(err, errRaced):
			return failed(p.statementAddr(), "s3:PutBucketPolicy", err)
		case try == mostWrites:
			return b.overwritten(policyPart)
		}
		if err := pause(ctx, time.Duration(try)*200*time.Millisecond); err != nil {
			return err
		}
	}
}

// passing reports whether a refused write may go through by itself: another
// configuration is being written, or S3 does not know a principal yet that was
// made a moment ago. One that nobody has made stays unknown for ever.
func (p *policyPiece) passing(err error) bool {
	return is(err, codeAborted) || p.stranger(err) && p.young(p.holder)
}

// stranger reports whether S3 does not know a principal that the policy names.
func (p *policyPiece) stranger(err error) bool {
	return is(err, codeBadPolicy) && strings.Contains(err.Error(), "Invalid principal")
}

// writeOnce reads, merges, writes and reads again. A policy that this session
// has just written into a bucket of its own making needs neither reading.
func (p *policyPiece) writeOnce(ctx context.Context, b *bucketStep, account, known string, blind bool, want []statement, force bool) error {
	owner := aws.String(account)
	text, err := known, error(nil)
	if want != nil {
		err = b.mayUse(ctx)
	}
	if err != nil {
		return err
	}
	if !blind {
		if text, err = b.readPolicy(ctx, owner); err != nil {
			return err
		}
	}
	there, err := openShelf(text)
	if err != nil {
		return p.unreadable(err)
	}
	if there.says(want, p.ownSid) && !force {
		return nil
	}
	there.put(want, p.ownSid)
	after := there.text()
	if len(after) > mostPolicy {
		return &core.Error{What: p.statementAddr(), Err: fmt.Errorf("the bucket's policy would have %d bytes; S3 takes %d", len(after), mostPolicy), Hint: "--bucket with another name"}
	}
	if after == "" {
		_, err = p.s3.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: aws.String(p.bucket()), ExpectedBucketOwner: owner})
		if err != nil {
			return failed(p.statementAddr(), "s3:DeleteBucketPolicy", err)
		}
	} else if _, err = p.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String(p.bucket()), ExpectedBucketOwner: owner, Policy: aws.String(after)}); err != nil {
		return failed(p.statementAddr(), "s3:PutBucketPolicy", err)
	}
	if blind {
		return nil
	}
	return p.settled(ctx, b, owner, text, want)
}

// readBack is how long a policy that was written may not be shown yet.
const readBack = 20 * time.Second

// settled reads the policy again. While it is as it was before, it is only not
// shown yet; if it is something else, somebody else has written it.
func (p *policyPiece) settled(ctx context.Context, b *bucketStep, owner *string, before string, want []statement) error {
	err := await(ctx, readBack, isNotSeen, func() error {
		text, err := b.readPolicy(ctx, owner)
		if err != nil {
			return err
		}
		there, err := openShelf(text)
		switch {
		case err != nil:
			return p.unreadable(err)
		case there.says(want, p.ownSid):
			return nil
		case text == before || samePolicy([]byte(text), []byte(before)):
			return errNotSeen
		}
		return errRaced
	})
	if isNotSeen(err) {
		return errRaced
	}
	return err
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
