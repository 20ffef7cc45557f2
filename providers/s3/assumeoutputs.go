// Outputs of roles: what the grantee must be told, in the words of its own documentation.
package s3

import (
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// vendorOutputs are what a vendor with an account of its own asks for.
func vendorOutputs(d design, v vendor, arn string) []core.Output {
	list := []core.Output{
		{Name: "role_arn", Value: arn, Why: "the role to take on"},
		{Name: "external_id", Value: v.externalID, Why: "what to send when taking it on; it is no secret"},
		{Name: "bucket", Value: d.bucket()},
		{Name: "region", Value: d.region},
		{Name: "prefix", Value: d.grant.Target.Prefix, Why: "keys begin with it"},
	}
	if p, _, _ := strings.Cut(d.grant.Profile, "+"); p == rudderProfile && rudderFits(d, arn) {
		list = append(list, core.Output{Name: "rudder", File: "rudder.yaml", Value: rudderYAML(d, arn), Why: "destination for RudderStack's own tool: rudder-cli apply"})
	}
	return list
}

// rudderProfile is the profile whose grantee reads RudderStack's own files.
const rudderProfile = "event-dump"

// mostRudder is the longest value of a field in characters.
// https://www.rudderstack.com/docs/dev-tools/rudder-cli/destination-types/amazon-s3/
const mostRudder = 100

func rudderPrefix(d design) string { return strings.TrimSuffix(d.grant.Target.Prefix, "/") }

// rudderFits reports whether all values fit into RudderStack's fields.
func rudderFits(d design, arn string) bool {
	return len([]rune(rudderPrefix(d))) <= mostRudder && len(arn) <= mostRudder
}

// rudderYAML is a destination of type s3. Its prefix has no "/" at its end:
// RudderStack joins it and the name of the file by one.
func rudderYAML(d design, arn string) string {
	var y yaml
	y.line(0, "version", "rudder/v1")
	y.line(0, "kind", "destination")
	y.open(0, "metadata")
	y.line(1, "name", d.grant.Name)
	y.open(0, "spec")
	y.line(1, "id", d.grant.Name)
	y.line(1, "display_name", d.grant.Name)
	y.line(1, "type", "s3")
	y.raw(1, "definition_version", "1")
	y.raw(1, "enabled", "true")
	y.open(1, "config")
	y.line(2, "bucket_name", d.bucket())
	if prefix := rudderPrefix(d); prefix != "" {
		y.line(2, "prefix", prefix)
	}
	y.raw(2, "role_based_auth", "true")
	y.line(2, "iam_role_arn", arn)
	y.raw(2, "enable_sse", "false")
	return y.String()
}

// yaml is a document that is written line by line. Every value is quoted as in
// JSON, which YAML reads alike, so that none can become anything but a value.
type yaml struct{ strings.Builder }

func (y *yaml) indent(depth int) { y.WriteString(strings.Repeat("  ", depth)) }

func (y *yaml) line(depth int, key, value string) { y.raw(depth, key, string(mustJSON(value))) }

func (y *yaml) raw(depth int, key, value string) {
	y.indent(depth)
	y.WriteString(key + ": " + value + "\n")
}

func (y *yaml) open(depth int, key string) {
	y.indent(depth)
	y.WriteString(key + ":\n")
}
