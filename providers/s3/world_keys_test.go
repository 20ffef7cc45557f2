// What the world does to the keys and the sessions of a grant behind the provider's back.
package s3

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// doorsOf are the principals of b's grant, as the account's operator reads them.
func (w *world) doorsOf(b core.Blueprint) []door {
	w.t.Helper()
	d, _ := draw(b.Grant)
	return newSession(New(Config{}), d, &clients{iam: w.iam, s3: w.s3}).doors()
}

// Shut reports whether everything is denied to every principal of b's grant.
func (w *world) Shut(b core.Blueprint) bool {
	w.t.Helper()
	any, shut := false, true
	w.now(func(ctx context.Context) {
		for _, d := range w.doorsOf(b) {
			v, err := d.look(ctx, true)
			w.ok(v, err)
			if !v.there || !v.ours {
				continue
			}
			s, err := d.note(ctx)
			w.ok(s, err)
			any, shut = true, shut && s.closed
		}
	})
	return any && shut
}

// AddKey makes a further key of b's user by hand and returns its ID.
func (w *world) AddKey(b core.Blueprint) (id string) {
	w.t.Helper()
	if b.Grant.Who != core.WhoKey {
		return ""
	}
	d, _ := draw(b.Grant)
	w.now(func(ctx context.Context) {
		out, err := w.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String(d.userName())})
		w.ok(out, err)
		id = *out.AccessKey.AccessKeyId
	})
	return id
}

// UseKey makes a call with a key, which changes nothing.
func (w *world) UseKey(_ core.Blueprint, id string) {
	w.t.Helper()
	w.now(func(ctx context.Context) {
		w.ok(w.asKey(id).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}))
	})
}

// asKey calls STS with a key of the account, beside the transport.
func (w *world) asKey(id string) *sts.Client {
	secret, _ := at(map[string]any(w.facts()), "Keys", id, "Secret").(string)
	beside := &cloudsim.Transport{Handler: w.cloud}
	return sts.NewFromConfig(aws.Config{Region: worldRegion, HTTPClient: newCaller(beside, nil), Credentials: credentials.NewStaticCredentialsProvider(id, secret, "")})
}

// Session acts with temporary credentials that were made with the key of that
// ID, or, if it is "", by the grantee when it took its role on.
func (w *world) Session(b core.Blueprint, id string) core.Actor {
	w.t.Helper()
	p := w.Provider().(*Provider)
	ctx := context.WithoutCancel(w.t.Context())
	if id == "" {
		a, err := p.becoming(ctx, b.Grant)
		w.ok(a, err)
		inside, err := a.(*entrant).entered(ctx)
		w.ok(inside, err)
		return inside
	}
	out, err := w.asKey(id).GetSessionToken(ctx, &sts.GetSessionTokenInput{DurationSeconds: aws.Int32(int32(userSession.Seconds()))})
	w.ok(out, err)
	clients, err := p.connect(ctx, b.Grant.Target.Region, credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken))
	w.ok(clients, err)
	return newActorOf(clients)
}
