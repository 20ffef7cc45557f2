// Documents: the JSON that Google Cloud is given, as types.
package gcs

import (
	"encoding/json"
	"fmt"
	"time"

	"cloud.google.com/go/storage"

	"github.com/bucketgrant/bucketgrant/core"
)

// roleDocument is the body of a custom role.
type roleDocument struct {
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Permissions []string `json:"includedPermissions"`
	Stage       string   `json:"stage"`
}

// bindingDocument is our one binding in a policy.
type bindingDocument struct {
	Role      string             `json:"role"`
	Members   []string           `json:"members"`
	Condition *conditionDocument `json:"condition,omitempty"`
}

type conditionDocument struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	Expression  string `json:"expression"`
}

// bucketDocument is the body of a bucket. Deleting objects is left to people,
// so its lifecycle only gives up uploads that nobody finishes.
type bucketDocument struct {
	Name       string              `json:"name"`
	Location   string              `json:"location"`
	Labels     map[string]string   `json:"labels"`
	IAM        iamDocument         `json:"iamConfiguration"`
	Lifecycle  lifecycleDocument   `json:"lifecycle"`
	SoftDelete softDeleteDocument  `json:"softDeletePolicy"`
	Versioning enabledDocument     `json:"versioning"`
	Encryption *encryptionDocument `json:"encryption,omitempty"`
}

type iamDocument struct {
	Public  string          `json:"publicAccessPrevention"`
	Uniform enabledDocument `json:"uniformBucketLevelAccess"`
}

type enabledDocument struct {
	Enabled bool `json:"enabled"`
}

type lifecycleDocument struct {
	Rules []lifecycleRule `json:"rule"`
}

type lifecycleRule struct {
	Action    lifecycleAction    `json:"action"`
	Condition lifecycleCondition `json:"condition"`
}

type lifecycleAction struct {
	Type string `json:"type"`
}

type lifecycleCondition struct {
	Age int64 `json:"age"`
}

type softDeleteDocument struct {
	Seconds int64 `json:"retentionDurationSeconds,string"`
}

type encryptionDocument struct {
	Key string `json:"defaultKmsKeyName"`
}

const (
	stageGA     = "GA"
	pap         = "enforced"
	abortAction = "AbortIncompleteMultipartUpload"
	abortAfter  = 7 // days
	daySeconds  = 24 * 60 * 60
)

func roleFor(g core.Grant) roleDocument {
	const longestTitle = 100
	return roleDocument{
		Title:       core.Stem(g.Name, longestTitle),
		Description: roleDescription(g),
		Permissions: permissions(g.Can, g.Who),
		Stage:       stageGA, // a missing stage means ALPHA
	}
}

// bindingFor binds the role to these members.
func bindingFor(d design, members []string) bindingDocument {
	b := bindingDocument{Role: d.roleName, Members: members}
	if expression := condition(d.grant); expression != "" {
		b.Condition = &conditionDocument{Title: core.Stem(d.names.grant, 100), Description: description(d.grant), Expression: expression}
	}
	return b
}

func bucketFor(g core.Grant, s settings) bucketDocument {
	b := bucketDocument{
		Name:       g.Target.Bucket,
		Location:   location(g.Target.Region),
		Labels:     labels(g),
		IAM:        iamDocument{Public: pap, Uniform: enabledDocument{true}},
		Lifecycle:  lifecycleDocument{Rules: []lifecycleRule{abortRule()}},
		SoftDelete: softDeleteDocument{int64(s.softDelete) * daySeconds},
		Versioning: enabledDocument{false},
	}
	if s.kmsKey != "" {
		b.Encryption = &encryptionDocument{s.kmsKey}
	}
	return b
}

// abortRule removes the parts of uploads by the XML API that nobody finished.
func abortRule() lifecycleRule {
	return lifecycleRule{lifecycleAction{abortAction}, lifecycleCondition{abortAfter}}
}

// attrs is the document as the client library's type.
func (d bucketDocument) attrs() *storage.BucketAttrs {
	a := &storage.BucketAttrs{
		Location:                 d.Location,
		Labels:                   d.Labels,
		UniformBucketLevelAccess: storage.UniformBucketLevelAccess{Enabled: d.IAM.Uniform.Enabled},
		SoftDeletePolicy:         &storage.SoftDeletePolicy{RetentionDuration: time.Duration(d.SoftDelete.Seconds) * time.Second},
		VersioningEnabled:        d.Versioning.Enabled,
	}
	if d.IAM.Public == pap {
		a.PublicAccessPrevention = storage.PublicAccessPreventionEnforced
	}
	for _, r := range d.Lifecycle.Rules {
		a.Lifecycle.Rules = append(a.Lifecycle.Rules, storage.LifecycleRule{
			Action:    storage.LifecycleAction{Type: r.Action.Type},
			Condition: storage.LifecycleCondition{AgeInDays: r.Condition.Age},
		})
	}
	if d.Encryption != nil {
		a.Encryption = &storage.BucketEncryption{DefaultKMSKeyName: d.Encryption.Key}
	}
	return a
}

// body marshals a document; the types above cannot fail to.
func body(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("gcs: a document that is no JSON: %v", err))
	}
	return raw
}
