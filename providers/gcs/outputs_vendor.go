// What a vendor needs who has an identity of its own: names, and a credentials file without a secret.
package gcs

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/bucketgrant/bucketgrant/core"
)

// placeOutputs say where the bucket is.
func placeOutputs(d design) []core.Output {
	list := []core.Output{{Name: "bucket", Value: d.bucket, Why: "where to upload"}}
	if d.prefix != "" {
		list = append(list, core.Output{Name: "prefix", Value: d.prefix, Why: "what every name must begin with"})
	}
	return append(list, core.Output{Name: "gs_uri", Value: "gs://" + d.bucket + "/" + d.prefix, Why: "both in one"})
}

// vendorOutputs are for a vendor with a service account.
func vendorOutputs(d design, email string) []core.Output {
	return append(placeOutputs(d), core.Output{Name: "principal", Value: email, Why: "the account of yours that has access"})
}

// awsRoleOutputs are for a vendor with a role on AWS. The names of the first
// four are those of the settings that event pipelines have for it.
func awsRoleOutputs(f federation, a awsRole, number string) []core.Output {
	file := externalAccountFor(f, number, awsType)
	// What comes from the machine itself is asked for at the addresses that every
	// instance on EC2 has; elsewhere AWS's own environment variables go first.
	const metadata = "http://169.254.169.254/latest/"
	file.Source = credentialSource{
		Environment:  "aws1",
		RegionURL:    metadata + "meta-data/placement/availability-zone",
		URL:          metadata + "meta-data/iam/security-credentials",
		SessionURL:   metadata + "api/token",
		Verification: "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15",
	}
	list := append(placeOutputs(f.design),
		core.Output{Name: "project_number", Value: number, Why: "of the project that has the pool"},
		core.Output{Name: "pool_id", Value: f.poolID, Why: "the pool that lets your role in"},
		core.Output{Name: "provider_id", Value: f.providerID, Why: "its provider for your AWS account"},
		core.Output{Name: "provider", Value: f.providerName(number), Why: "the same three as one name"},
		core.Output{Name: "aws_identity", Value: a.arn(), Why: "who may come in: your role, under this session name and no other"})
	if a.impersonate {
		file.Impersonation = impersonationURL(google(), f.email)
		list = append(list, core.Output{Name: "target_service_account", Value: f.email, Why: "whom your role acts as"})
	}
	return append(list, core.Output{Name: "external-account", File: externalAccountFile, Value: string(indented(file)) + "\n",
		Why: "GOOGLE_APPLICATION_CREDENTIALS where your role runs; it holds no secret. " + sessionNote(a)})
}

// sessionNote says how the session comes by its name, which nothing on AWS does by itself.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-roles-for-amazon-ec2.html
func sessionNote(a awsRole) string {
	return "On a machine of EC2 the session of the machine's own role is called by the machine's ID, and is refused: assume the role as the session " + strconv.Quote(a.session) +
		" (aws sts assume-role --role-arn … --role-session-name " + a.session + ") and export AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_REGION from its answer, which go first"
}

// indented is a document for people.
func indented(v any) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic("gcs: a document that is no JSON: " + err.Error())
	}
	return bytes.TrimRight(out.Bytes(), "\n")
}
