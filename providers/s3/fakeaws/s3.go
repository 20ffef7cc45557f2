// S3's table of calls, and the way of each call through region, owner and authorization.
package fakeaws

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/bucketgrant/bucketgrant/providers/internal/cloudsim"
)

// level is what a call of S3 is about.
type level int

const (
	onService level = iota
	onBucket
	onObject
)

// s3Op is one call of S3. The first row that fits a request names it.
type s3Op struct {
	name   string
	method string
	on     level
	query  string // parameters that must be there, space-separated
	header string // a header that must be there
	write  bool
	action string // "" if the call asks for itself what it needs
	run    func(*s3Call) error
}

// s3Call is one call under way.
type s3Call struct {
	*Cloud
	who     *caller
	r       *http.Request
	w       http.ResponseWriter
	id      string
	q       url.Values
	name    string // of the bucket
	key     string
	body    []byte
	trailer http.Header
	bucket  *bucket
}

func s3Ops() []s3Op {
	return slices.Concat(configOps(), policyS3Ops(), multipartOps(), listOps(), objectOps(), bucketOps())
}

func (c *Cloud) s3Match(r *http.Request) (op s3Op, bucketName, key string, ok bool) {
	bucketName, key = split(r)
	on := onObject
	switch {
	case bucketName == "":
		on = onService
	case key == "":
		on = onBucket
	}
	q := r.URL.Query()
	for _, op := range c.s3 {
		fits := hasAll(q, op.query) && (op.header == "" || r.Header.Get(op.header) != "") && (op.query != "" || !subresource(q))
		if op.method == r.Method && op.on == on && fits {
			return op, bucketName, key, true
		}
	}
	return s3Op{name: r.Method}, bucketName, key, false
}

// subresource says whether a query names a part of a bucket or object, as
// "?cors" does: a parameter without a value that is no listing's parameter.
func subresource(q url.Values) bool {
	mayBeEmpty := []string{
		"prefix", "delimiter", "marker", "encoding-type", "start-after", "continuation-token", "key-marker",
		"version-id-marker", "upload-id-marker", "versionId", "x-id", "max-keys", "bucket-region", "fetch-owner",
	}
	for name, v := range q {
		if v[0] == "" && !slices.Contains(mayBeEmpty, name) && !strings.HasPrefix(name, "X-Amz-") {
			return true
		}
	}
	return false
}

func hasAll(q url.Values, names string) bool {
	for n := range strings.FieldsSeq(names) {
		if !q.Has(n) {
			return false
		}
	}
	return true
}

func (c *Cloud) serveS3(w http.ResponseWriter, r *http.Request, body []byte) {
	k := &s3Call{Cloud: c, r: r, w: w, id: strings.ToUpper(opaque(16)), q: r.URL.Query()}
	h := w.Header()
	h.Set("X-Amz-Request-Id", k.id)
	h.Set("X-Amz-Id-2", opaque(40))
	h.Set("Server", "AmazonS3")
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	if err := k.serve(body); err != nil {
		writeS3Error(w, r, k.id, asAPIError(err))
	}
}

func (k *s3Call) serve(body []byte) error {
	op, name, key, ok := k.s3Match(k.r)
	k.name, k.key = name, key
	k.bucket = k.state.Buckets[name]
	if k.bucket != nil && op.on == onBucket { // even strangers learn the region
		k.w.Header().Set("X-Amz-Bucket-Region", k.bucket.Region)
	}
	if s := scopeOf(k.r); s.service != "" && s.service != "s3" {
		return malformedAuth("The authorization header is malformed; incorrect service \"" + s.service + "\". This endpoint belongs to \"s3\".")
	}
	if err := k.rightRegion(op); err != nil {
		return err
	}
	who, plain, trailer, err := k.authenticate(k.r, body)
	if err != nil {
		return err
	}
	k.who, k.body, k.trailer = who, plain, trailer
	switch {
	case !ok && subresource(k.q):
		return &apiError{Code: "NotImplemented", Status: 501, Message: "A header or query you provided implies functionality that is not implemented"}
	case !ok:
		return &apiError{Code: "MethodNotAllowed", Status: 405, Message: "The specified method is not allowed against this resource."}
	case op.on != onService && op.name != "CreateBucket":
		if err := k.find(); err != nil {
			return err
		}
	}
	if op.action != "" {
		if err := k.may(op.action); err != nil {
			return err
		}
	}
	if op.write && op.on == onBucket && op.name != "DeleteObjects" && op.name != "CreateBucket" {
		if err := k.occupy(); err != nil {
			return err
		}
	}
	return op.run(k)
}

// occupy keeps writes to one bucket's configuration apart.
func (k *s3Call) occupy() error {
	now := time.Now()
	if now.Before(k.bucket.Busy) {
		return &apiError{Code: "OperationAborted", Status: 409, Message: "A conflicting conditional operation is currently in progress against this resource. Please try again."}
	}
	k.bucket.Busy = now.Add(k.state.Settle)
	return nil
}

// find finds the bucket and checks that it is whose the client thinks it is.
func (k *s3Call) find() error {
	if k.bucket == nil {
		return &apiError{Code: "NoSuchBucket", Status: 404, Message: "The specified bucket does not exist", Extra: map[string]string{"BucketName": k.name}}
	}
	if want := k.r.Header.Get("X-Amz-Expected-Bucket-Owner"); want != "" && want != k.bucket.Owner {
		return accessDenied("Access Denied")
	}
	return nil
}

// may asks for an action on the call's own bucket or object.
func (k *s3Call) may(action string) error { return k.mayOn(action, k.bucket, k.key) }

// mayOn asks for an action on a bucket (key "") or on an object.
func (k *s3Call) mayOn(action string, b *bucket, key string) error {
	v, resource := k.ask(action, b, key)
	if v.Allowed {
		return nil
	}
	return k.denied(v, action, resource, b)
}

func (k *s3Call) ask(action string, b *bucket, key string) (Verdict, string) {
	resource := "arn:" + k.state.Partition + ":s3:::" + b.Name
	if key != "" {
		resource += "/" + key
	}
	q := Request{Action: action, Resource: resource, ResourceAccount: b.Owner, Context: k.context(action, b, key)}
	if p := b.Policy.Seen(); p.Text != "" {
		q.Attached = &Policy{"policy of bucket " + b.Name, k.policyFor(b)}
	}
	return k.authorize(k.who, k.r, q), resource
}

// denied words a refusal. Between accounts S3 gives no reason.
func (k *s3Call) denied(v Verdict, action, resource string, b *bucket) error {
	if k.who.account == nil || k.who.account.ID != b.Owner {
		return accessDenied("Access Denied")
	}
	return accessDenied(deniedMessage(k.who, v, action, resource, true))
}

func accessDenied(message string) *apiError {
	return &apiError{Code: "AccessDenied", Status: 403, Message: message}
}

// reply writes an XML answer.
func (k *s3Call) reply(root string, v any) error {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	start := xml.StartElement{Name: xml.Name{Space: s3Namespace, Local: root}}
	if err := xml.NewEncoder(&b).EncodeElement(v, start); err != nil {
		return err
	}
	k.w.Header().Set("Content-Type", "application/xml")
	_, err := k.w.Write(b.Bytes())
	return err
}

const s3Namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// parse reads an XML request.
func (k *s3Call) parse(v any) error {
	if err := xml.Unmarshal(k.body, v); err != nil {
		return malformedXML()
	}
	return nil
}

func malformedXML() *apiError {
	return &apiError{Code: "MalformedXML", Status: 400, Message: "The XML you provided was not well-formed or did not validate against our published schema"}
}

func writeS3Error(w http.ResponseWriter, r *http.Request, id string, err *apiError) {
	h := w.Header()
	for k, v := range err.Header {
		h.Set(k, v)
	}
	if r.Method == http.MethodHead || err.Status == http.StatusNotModified {
		w.WriteHeader(err.Status)
		return
	}
	var b strings.Builder
	b.WriteString(xml.Header + "<Error>")
	element := func(name, value string) {
		b.WriteString("<" + name + ">")
		_ = xml.EscapeText(&b, []byte(value))
		b.WriteString("</" + name + ">")
	}
	element("Code", err.Code)
	element("Message", err.Message)
	for name, value := range err.Extra {
		element(name, value)
	}
	element("Resource", r.URL.Path)
	element("RequestId", id)
	element("HostId", h.Get("X-Amz-Id-2"))
	b.WriteString("</Error>")
	h.Set("Content-Type", "application/xml")
	w.WriteHeader(err.Status)
	_, _ = w.Write([]byte(b.String()))
}

// Classify names the operation of a request without consuming its body.
func (c *Cloud) Classify(r *http.Request) cloudsim.Op {
	if strings.Contains(r.URL.Path, "/.well-known/") && scopeOf(r).service == "" {
		return cloudsim.Op{Name: "oidc:GetKeys"}
	}
	service := serviceOf(r)
	if service == "s3" {
		op, _, _, _ := c.s3Match(r)
		return cloudsim.Op{Name: "s3:" + op.name, Write: op.write}
	}
	action := form(r, peek(r)).Get("Action")
	if service == "iam" {
		return cloudsim.Op{Name: "iam:" + action, Write: c.iam[action].write}
	}
	return cloudsim.Op{Name: service + ":" + action}
}
