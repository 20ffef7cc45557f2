// Marker: the empty object under a folder's own name, by which consoles show the folder before anything is in it.
package s3

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/bucketgrant/bucketgrant/core"
)

// markerPiece keeps the marker of the grant's folder.
type markerPiece struct{ *session }

// markerAddr is the marker's address.
func (d design) markerAddr() string { return "s3:object/" + d.bucket() + "/" + d.folder() }

func markerResource(d design) core.Resource {
	return core.Resource{Step: core.RoleStep, Addr: d.markerAddr(), What: "an empty object, by which consoles show the folder"}
}

func markerPermissions(d design) []core.Permission {
	p := permit{step: core.RoleStep}
	object := d.bucketARN() + "/" + d.folder()
	p.on(object, verbs(core.ForPlan, core.ForApply, core.ForDestroy), "s3:GetObject")
	p.because("tells whether the folder is there, and who has made it")
	p.on(object, verbs(core.ForApply), "s3:PutObject")
	p.on(object, verbs(core.ForDestroy), "s3:DeleteObjectVersion")
	return p.list
}

// marker is what is under the folder's name.
type marker struct {
	exists  bool
	own     bool // made by this grant, and nobody has put anything into it
	version string
}

// look asks for the object.
func (m *markerPiece) look(ctx context.Context) (marker, error) {
	o, err := m.operator(ctx)
	if err != nil {
		return marker{}, err
	}
	out, err := m.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(m.bucket()), Key: aws.String(m.folder()), ExpectedBucketOwner: aws.String(o.Account)})
	if status(err) == http.StatusNotFound {
		return marker{}, nil
	}
	if err != nil {
		return marker{}, failed(m.markerAddr(), "s3:GetObject", err)
	}
	return marker{exists: true, own: aws.ToInt64(out.ContentLength) == 0 && m.marked(out.Metadata), version: aws.ToString(out.VersionId)}, nil
}

// Diff looks for the marker, unless there is no bucket that it could be in.
func (m *markerPiece) Diff(ctx context.Context, want core.Want) ([]core.Change, error) {
	at, err := m.placeOnce(ctx, &m.placedMarker)
	if err != nil {
		return nil, err
	}
	var there marker
	if away := at.closed && want.Present || at.region != "" && at.region != m.region; at.exists && !away {
		there, err = m.look(ctx)
		if is(err, codeDenied, "Forbidden") && !want.Present {
			if own, asked := (&bucketStep{m.session}).isOwn(ctx); asked == nil && !own {
				return nil, nil
			}
		}
		if err != nil {
			return nil, err
		}
	}
	change := func(a core.Action, why string, needs ...string) ([]core.Change, error) {
		return []core.Change{roleChange(a, m.markerAddr(), why, needs...)}, nil
	}
	switch {
	case want.Present && at.closed:
		return change(core.Refuse, "is in a bucket of another account, or the operator may not list it")
	case want.Present && !there.exists:
		return change(core.Make, "shows the folder "+m.folder(), m.bucketAddr(), m.partAddr(versioning))
	case want.Present && there.own:
		return change(core.Keep, "shows the folder")
	case want.Present:
		return change(core.Keep, "an object of this name is there already, and is left as it is")
	case !there.exists:
		return nil, nil
	case !there.own:
		return change(core.Keep, "not ours, or not empty: left alone")
	}
	return change(core.Drop, "ours and empty")
}

func (m *markerPiece) owns(addr string) bool { return addr == m.markerAddr() }

// Do makes the marker where nothing is, or removes the version that is ours.
func (m *markerPiece) Do(ctx context.Context, c core.Change) error {
	m.wrote.Store(true)
	o, err := m.operator(ctx)
	if err != nil {
		return err
	}
	owner := aws.String(o.Account)
	switch c.Action {
	case core.Make:
		if err := (&bucketStep{m.session}).mayUse(ctx); err != nil {
			return err
		}
		// The condition keeps what somebody else has put there meanwhile.
		_, err := m.s3.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String(m.bucket()), Key: aws.String(m.folder()), ExpectedBucketOwner: owner,
			Body: strings.NewReader(""), Metadata: m.mark(), IfNoneMatch: aws.String("*"),
		})
		if is(err, "PreconditionFailed") {
			return nil
		}
		return failed(m.markerAddr(), "s3:PutObject", err)
	case core.Drop:
		there, err := m.look(ctx)
		if gone(err) || err == nil && !there.exists {
			return nil
		}
		if err == nil && !there.own {
			err = moved(m.markerAddr(), notOursNow)
		}
		if err != nil {
			return err
		}
		// The version by its ID, else a marker of its deletion would stay. Without
		// versioning an object has the version "null".
		// https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html
		_, err = m.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(m.bucket()), Key: aws.String(m.folder()), VersionId: aws.String(cmp.Or(there.version, noVersion)), ExpectedBucketOwner: owner})
		if gone(err) {
			return nil
		}
		return failed(m.markerAddr(), "s3:DeleteObjectVersion", err)
	}
	return fmt.Errorf("folder marker %s: no such action %q", c.Addr, c.Action)
}
