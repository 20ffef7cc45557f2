// Bucket policies.
package fakeaws

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

func policyS3Ops() []s3Op {
	return []s3Op{
		{name: "GetBucketPolicyStatus", method: "GET", on: onBucket, query: "policyStatus", action: "s3:GetBucketPolicyStatus", run: getPolicyStatus},
		{name: "GetBucketPolicy", method: "GET", on: onBucket, query: "policy", run: getBucketPolicy},
		{name: "PutBucketPolicy", method: "PUT", on: onBucket, query: "policy", write: true, run: putBucketPolicy},
		{name: "DeleteBucketPolicy", method: "DELETE", on: onBucket, query: "policy", write: true, run: deleteBucketPolicy},
	}
}

// maxBucketPolicy is the size of a bucket policy in bytes, of S3's own rendering.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/add-bucket-policy.html
const maxBucketPolicy = 20 * 1024

// mayPolicy lets the owner's root user through whatever the policy denies, and
// nobody of another account.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
func (k *s3Call) mayPolicy(action string) error {
	if k.who.account != nil && isRoot(k.who.ARN) && k.who.account.ID == k.bucket.Owner {
		return nil
	}
	if err := k.may(action); err != nil {
		return err
	}
	if k.who.account == nil || k.who.account.ID != k.bucket.Owner {
		return &apiError{Code: "MethodNotAllowed", Status: 405, Message: "The specified method is not allowed against this resource."}
	}
	return nil
}

// policyFor is the bucket's policy as authorization reads it: while public
// buckets are restricted, a public policy reaches nobody outside the account.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
func (k *s3Call) policyFor(b *bucket) Document {
	d := k.document(b.Policy.Seen())
	outside := k.who.account == nil || k.who.account.ID != b.Owner
	if outside && b.Access != nil && b.Access.RestrictPublicBuckets && isPublic(d) {
		d.Statement = slices.DeleteFunc(slices.Clone(d.Statement), func(s Statement) bool { return s.Effect == "Allow" })
	}
	return d
}

func getBucketPolicy(k *s3Call) error {
	if err := k.mayPolicy("s3:GetBucketPolicy"); err != nil {
		return err
	}
	p := k.bucket.Policy.Seen()
	if p.Text == "" {
		return noBucketPolicy(k.name)
	}
	b, err := json.Marshal(k.document(p)) // S3 gives back its own rendering
	if err != nil {
		return err
	}
	k.w.Header().Set("Content-Type", "application/json")
	_, err = k.w.Write(b)
	return err
}

func noBucketPolicy(name string) error {
	return &apiError{Code: "NoSuchBucketPolicy", Status: 404, Message: "The bucket policy does not exist", Extra: map[string]string{"BucketName": name}}
}

func putBucketPolicy(k *s3Call) error {
	if err := k.mayPolicy("s3:PutBucketPolicy"); err != nil {
		return err
	}
	var compact bytes.Buffer
	if json.Compact(&compact, k.body) == nil && compact.Len() > maxBucketPolicy {
		return malformedBucketPolicy("Policy exceeds the maximum allowed document size.")
	}
	d, err := ParseDocument(string(k.body))
	if err != nil {
		if !json.Valid(k.body) {
			return malformedBucketPolicy("Policies must be valid JSON and the first byte must be '{'")
		}
		return malformedBucketPolicy("Policy has invalid statement or unknown field")
	}
	if err := k.checkBucketPolicy(d); err != nil {
		return err
	}
	if k.bucket.Access != nil && k.bucket.Access.BlockPublicPolicy && isPublic(d) {
		return accessDenied(strings.Replace(deniedMessage(k.who, Verdict{Layer: layerResource}, "s3:PutBucketPolicy", "arn:"+k.state.Partition+":s3:::"+k.name, true),
			"because no resource-based policy allows the s3:PutBucketPolicy action", "because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.", 1))
	}
	k.bucket.Policy.Set(k.pin(d, string(k.body)), k.lag())
	k.w.WriteHeader(204)
	return nil
}

func malformedBucketPolicy(message string) error {
	return &apiError{Code: "MalformedPolicy", Status: 400, Message: message}
}

func (k *s3Call) checkBucketPolicy(d Document) error {
	if d.Version != "" && d.Version != "2012-10-17" && d.Version != "2008-10-17" {
		return malformedBucketPolicy("The policy must contain a valid version string")
	}
	for _, s := range d.Statement {
		switch {
		case s.Effect != "Allow" && s.Effect != "Deny":
			return malformedBucketPolicy("Invalid effect: " + s.Effect)
		case s.NotPrincipal != nil && s.Effect == "Allow":
			// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
			return malformedBucketPolicy("Allow with NotPrincipal is not allowed")
		case (s.Principal == nil) == (s.NotPrincipal == nil):
			return malformedBucketPolicy("Missing required field Principal")
		case (s.Action == nil) == (s.NotAction == nil):
			return malformedBucketPolicy("Missing required field Action")
		case (s.Resource == nil) == (s.NotResource == nil):
			return malformedBucketPolicy("Missing required field Resource")
		}
		for name := range s.Condition {
			if _, known := parseOperator(name); !known {
				return malformedBucketPolicy("Invalid Condition type : " + name)
			}
		}
		for _, a := range slices.Concat(s.Action, s.NotAction) {
			if !actionText.MatchString(a) {
				return malformedBucketPolicy("Policy has invalid action")
			}
		}
		for _, r := range slices.Concat(s.Resource, s.NotResource) {
			own := "arn:" + k.state.Partition + ":s3:::" + k.name
			if r != own && !strings.HasPrefix(r, own+"/") && r != own+"*" && r != "*" {
				return malformedBucketPolicy("Policy has invalid resource")
			}
		}
	}
	for _, name := range principalsOf(d) {
		if !k.principalExists(name) {
			return &apiError{Code: "MalformedPolicy", Status: 400, Message: "Invalid principal in policy", Extra: map[string]string{"Detail": `"AWS" : "` + name + `"`}}
		}
	}
	return nil
}

func deleteBucketPolicy(k *s3Call) error {
	if err := k.mayPolicy("s3:DeleteBucketPolicy"); err != nil {
		return err
	}
	k.bucket.Policy.Set(pinned{}, k.lag())
	k.w.WriteHeader(204)
	return nil
}

func getPolicyStatus(k *s3Call) error {
	p := k.bucket.Policy.Seen()
	if p.Text == "" {
		return noBucketPolicy(k.name)
	}
	return k.reply("PolicyStatus", struct{ IsPublic bool }{isPublic(k.document(p))})
}

// isPublic says whether a statement lets everyone in without pinning them to
// fixed values of a key that tells callers apart.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
func isPublic(d Document) bool {
	return slices.ContainsFunc(d.Statement, func(s Statement) bool {
		if s.Effect != "Allow" {
			return false
		}
		everyone := s.NotPrincipal != nil || s.Principal != nil && slices.Contains(s.Principal.AWS, "*")
		return everyone && !narrowed(s)
	})
}

func narrowed(s Statement) bool {
	fixed := []string{
		"aws:principalorgid", "aws:principalarn", "aws:principalaccount", "aws:sourcearn", "aws:sourceaccount", "aws:sourcevpc",
		"aws:sourcevpce", "aws:sourceowner", "aws:userid", "aws:sourceip", "s3:x-amz-server-side-encryption-aws-kms-key-id", "s3:dataaccesspointaccount", "s3:dataaccesspointarn",
	}
	for name, keys := range s.Condition {
		op, _ := parseOperator(name)
		if op.negated || op.ifExists || op.set == "ForAllValues" || op.name == "Null" {
			continue
		}
		for key, values := range keys {
			wide := slices.ContainsFunc(values, func(v string) bool {
				return strings.Contains(v, "*") && strings.Contains(op.name, "Like") || strings.Contains(v, "${") || strings.HasSuffix(v, "/0")
			})
			if slices.Contains(fixed, strings.ToLower(key)) && !wide {
				return true
			}
		}
	}
	return false
}
