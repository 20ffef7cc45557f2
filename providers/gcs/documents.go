// Documents: the JSON that Google Cloud is given, as types.
package gcs

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/bucketgrant/bucketgrant/core"
)

// roleDocument is the body of a custom role.
type roleDocument struct {
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Permissions []string `json:"includedPermissions"`
	Stage       string   `json:"stage"`
}

// bindingDocument is our one binding in the bucket's policy.
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
	Name       string              `json:"name,omitempty"`
	Location   string              `json:"location,omitempty"`
	Labels     map[string]string   `json:"labels,omitempty"`
	IAM        *iamDocument        `json:"iamConfiguration,omitempty"`
	Lifecycle  *lifecycleDocument  `json:"lifecycle,omitempty"`
	SoftDelete *softDeleteDocument `json:"softDeletePolicy,omitempty"`
	Versioning *enabledDocument    `json:"versioning,omitempty"`
	Encryption *encryptionDocument `json:"encryption,omitempty"`
}

type iamDocument struct {
	Public  string          `json:"publicAccessPrevention"`
	Uniform enabledDocument `json:"uniformBucketLevelAccess"`
}

type enabledDocument struct {
	Enabled bool `json:"enabled"`
}

// lifecycleDocument keeps rules that are not ours as the bytes they came in.
type lifecycleDocument struct {
	Rules []json.RawMessage `json:"rule"`
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
	Seconds string `json:"retentionDurationSeconds"`
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
		Description: description(g),
		Permissions: permissions(g.Can),
		Stage:       stageGA, // a missing stage means ALPHA
	}
}

func bindingFor(g core.Grant, n names) bindingDocument {
	b := bindingDocument{Role: n.roleName, Members: []string{n.member()}}
	if expression := condition(g); expression != "" {
		b.Condition = &conditionDocument{Title: core.Stem(g.Name, 100), Description: description(g), Expression: expression}
	}
	return b
}

func bucketFor(g core.Grant, s settings) bucketDocument {
	b := bucketDocument{
		Name:       g.Target.Bucket,
		Location:   location(g.Target.Region),
		Labels:     labels(g),
		IAM:        &iamDocument{Public: pap, Uniform: enabledDocument{true}},
		Lifecycle:  &lifecycleDocument{Rules: []json.RawMessage{abortRule()}},
		SoftDelete: &softDeleteDocument{strconv.Itoa(s.softDelete * daySeconds)},
		Versioning: &enabledDocument{false},
	}
	if s.kmsKey != "" {
		b.Encryption = &encryptionDocument{s.kmsKey}
	}
	return b
}

// abortRule removes the parts of uploads by the XML API that nobody finished.
func abortRule() json.RawMessage {
	return body(lifecycleRule{lifecycleAction{abortAction}, lifecycleCondition{abortAfter}})
}

// body marshals a document; the types above cannot fail to.
func body(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("gcs: a document that is no JSON: %v", err))
	}
	return raw
}
