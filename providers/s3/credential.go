// Credential: the user's access keys. The only room where a secret is born.
package s3

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/bucketgrant/bucketgrant/core"
)

// issuer makes and retires the access keys of one user.
type issuer struct {
	*session
	mu     sync.Mutex
	issued map[string]time.Time // keys of this session, which IAM may not show yet
	shown  map[string]bool      // keys that this session has seen in the hands of a user that is ours
}

// Addr is the address of a key.
func (i *issuer) Addr(id string) string { return i.keyAddr(id) }

// Needs is everything: a key is born last.
func (i *issuer) Needs() []string {
	var list []string
	for _, r := range resources(i.design) {
		if r.Step != core.CredentialStep {
			list = append(list, r.Addr)
		}
	}
	return list
}

// List returns the user's keys with their last use, oldest first. A user that
// is not ours has keys that are none of our business.
func (i *issuer) List(ctx context.Context) ([]core.Key, error) {
	u, err := i.userOnce(&i.listed)(ctx)
	if err != nil || u == nil || !(&roleStep{i.session}).ownUser(u) {
		return nil, err
	}
	out, err := i.iam.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: aws.String(i.userName())})
	if gone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, failed(i.keyAddr(""), "iam:ListAccessKeys", err)
	}
	keys := make([]core.Key, len(out.AccessKeyMetadata))
	var reads []func(context.Context) error
	for n, m := range out.AccessKeyMetadata {
		keys[n] = core.Key{ID: aws.ToString(m.AccessKeyId), Created: aws.ToTime(m.CreateDate), Active: m.Status == types.StatusTypeActive}
		reads = append(reads, func(ctx context.Context) error { return i.lastUse(ctx, &keys[n]) })
	}
	if err := gather(ctx, reads...); err != nil {
		return nil, err
	}
	keys = slices.DeleteFunc(keys, func(k core.Key) bool { return k.ID == "" })
	i.mu.Lock()
	for _, k := range keys {
		i.shown[k.ID] = true
	}
	i.mu.Unlock()
	slices.SortStableFunc(keys, func(a, b core.Key) int { return a.Created.Compare(b.Created) })
	return keys, nil
}

// lastUse fills in when a key was used. IAM refuses the question for a key that
// was deleted although lists still show it; such a key is blanked.
func (i *issuer) lastUse(ctx context.Context, k *core.Key) error {
	out, err := i.iam.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: aws.String(k.ID)})
	if gone(err) || is(err, codeDenied) && strings.Contains(err.Error(), "resource: access key") {
		*k = core.Key{}
		return nil
	}
	if err != nil {
		return failed(i.keyAddr(k.ID), "iam:GetAccessKeyLastUsed", err)
	}
	if u := out.AccessKeyLastUsed; u != nil {
		k.Used = aws.ToTime(u.LastUsedDate)
	}
	return nil
}

// Issue makes one key. The SDK would send the request up to three times and
// leave keys behind whose secrets nobody has; here it is sent once, and again
// only after a clear answer that the user is not visible yet.
func (i *issuer) Issue(ctx context.Context) (core.Credential, error) {
	name := i.userName()
	if name == "" {
		// Without a name IAM makes a key of the caller itself.
		return core.Credential{}, &core.Error{Kind: core.ErrInvalid, What: i.keyAddr(""), Err: errors.New("the user has no name")}
	}
	o, err := i.operator(ctx)
	if err != nil {
		return core.Credential{}, err
	}
	if err := i.unchanged(ctx); err != nil {
		return core.Credential{}, err
	}
	var out *iam.CreateAccessKeyOutput
	err = await(ctx, patience, i.unseen, func() (err error) {
		out, err = i.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String(name)}, once)
		return err
	})
	if err != nil {
		return core.Credential{}, i.notIssued(ctx, err)
	}
	k := out.AccessKey
	if k == nil || aws.ToString(k.AccessKeyId) == "" || aws.ToString(k.SecretAccessKey) == "" {
		return core.Credential{}, &core.Error{Kind: core.ErrUnknown, What: i.keyAddr(""), Err: errors.New("iam:CreateAccessKey: the answer holds no key")}
	}
	id := *k.AccessKeyId
	if !accessKeyID.MatchString(id) {
		return core.Credential{}, &core.Error{Kind: core.ErrUnknown, What: i.keyAddr(""), Err: fmt.Errorf("iam:CreateAccessKey: the answer names %q, which is not the ID of an access key", id)}
	}
	i.mu.Lock()
	i.issued[id] = time.Now()
	i.mu.Unlock()
	return core.Credential{
		ID: id, Form: core.PairForm, Secret: core.NewSecret([]byte(*k.SecretAccessKey)), Created: aws.ToTime(k.CreateDate),
		Holder: i.iamARN(o.Account, "user"),
		Revoke: "aws iam delete-access-key --user-name " + name + " --access-key-id " + id,
	}, nil
}

// accessKeyID is what an ID must be before it becomes part of a file's name and
// of a command that people run.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKey.html
var accessKeyID = regexp.MustCompile(`^[A-Z0-9]{16,128}$`)

// once makes a call be sent one time only.
func once(o *iam.Options) { o.Retryer = aws.NopRetryer{} }

// twice makes a question be repeated once only: that nobody answers it is an answer as well.
func twice(o *iam.Options) { o.RetryMaxAttempts = 2 }

// notIssued tells a clear refusal from an answer that leaves open whether a key was made.
func (i *issuer) notIssued(ctx context.Context, err error) error {
	switch s := status(err); {
	case is(err, codeLimit): // the plan saw room for it
		e := &core.Error{Kind: core.ErrMoved, What: i.keyAddr(""), Err: brief{"iam:CreateAccessKey", err}, Hint: "look at the keys with status"}
		if keys, listed := i.List(ctx); listed == nil {
			e.Err = fmt.Errorf("%w (%s)", e.Err, ages(keys))
		}
		return e
	case i.unseen(err):
		return &core.Error{Kind: core.ErrNotConverged, What: i.keyAddr(""), Err: brief{"iam:CreateAccessKey", err}, Hint: "run the same command again in some minutes"}
	case code(err) != "" && s >= 400 && s < 500:
		return failed(i.keyAddr(""), "iam:CreateAccessKey", err)
	}
	return &core.Error{Kind: core.ErrUnknown, What: i.keyAddr(""), Err: brief{"iam:CreateAccessKey", err}, Hint: "run the same command again: it finds out"}
}

// ages names keys and when they were made.
func ages(keys []core.Key) string {
	var list []string
	for _, k := range keys {
		list = append(list, k.ID+" of "+k.Created.UTC().Format(time.DateOnly))
	}
	return strings.Join(list, ", ")
}

// Retire makes a key useless: inactive at once, then gone. A key goes with its
// user and comes with no other, so that one which this session has seen needs no
// second look; any other is retired only if the user is ours.
func (i *issuer) Retire(ctx context.Context, id string) error {
	if err := i.complete(id); err != nil {
		return err
	}
	if !i.knows(id) {
		if err := i.stillOwner(ctx); err != nil {
			if gone(err) {
				return nil
			}
			return err
		}
	}
	i.wrote.Store(true)
	name := aws.String(i.userName())
	err := i.whenKnown(ctx, id, func() error {
		_, err := i.iam.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: name, AccessKeyId: aws.String(id), Status: types.StatusTypeInactive})
		return err
	})
	if gone(err) {
		return i.retired(id)
	}
	if err != nil {
		return failed(i.keyAddr(id), "iam:UpdateAccessKey", err)
	}
	_, err = i.iam.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: name, AccessKeyId: aws.String(id)})
	if err != nil && !gone(err) {
		return failed(i.keyAddr(id), "iam:DeleteAccessKey", err)
	}
	return i.retired(id)
}

// knows reports whether this session has issued the key, or has seen it with a user that is ours.
func (i *issuer) knows(id string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	_, born := i.issued[id]
	return born || i.shown[id]
}

// unseenKey is how long a key that was issued a moment ago may be unknown to
// IAM. It is less than the time that the engine gives a retirement.
const unseenKey = 100 * time.Second

// whenKnown does not take "no such key" for an answer about a key that was issued a moment ago.
func (i *issuer) whenKnown(ctx context.Context, id string, do func() error) error {
	i.mu.Lock()
	born, young := i.issued[id]
	i.mu.Unlock()
	if !young || time.Since(born) > settleTime {
		return do()
	}
	err := await(ctx, unseenKey, func(err error) bool { return is(err, codeNoEntity) }, do)
	if is(err, codeNoEntity) {
		return &core.Error{Kind: core.ErrUnknown, What: i.keyAddr(id), Err: errors.New("was issued a moment ago and cannot be seen yet")}
	}
	return err
}

func (i *issuer) retired(id string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.issued, id)
	return nil
}
