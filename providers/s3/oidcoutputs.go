// Outputs for workflows: the variables under the document's names, and files that hold them already.
package s3

import (
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/github"
)

// workflowOutputs are what a workflow needs. IAM_ROLE is the role's name: the
// document's workflow puts the ARN together from the account and the name.
// https://neon.com/docs/manage/backups-aws-s3-backup-part-2
func workflowOutputs(d design, w workflow, account, arn string) []core.Output {
	const why = "none of it is secret; the document's workflow reads it from secrets"
	return []core.Output{
		{Name: "AWS_ACCOUNT_ID", Value: account, Why: "secret of the repository, under this name"},
		{Name: "S3_BUCKET_NAME", Value: d.bucket(), Why: "secret of the repository, under this name"},
		{Name: "IAM_ROLE", Value: d.roleName(), Why: "secret of the repository, under this name: the role's name, not its ARN"},
		{Name: "AWS_REGION", Value: d.region, Why: "the bucket's region"},
		{Name: "role_arn", Value: arn, Why: "for workflows that take the whole ARN"},
		{Name: "workflow", File: "workflow.yml", Value: workflowYAML(d, w, arn), Why: "goes to .github/workflows in " + w.Name()},
		{Name: "secrets", File: "github-secrets.sh", Value: github.SecretScript(w.Name(), []github.Variable{
			{Name: "AWS_ACCOUNT_ID", Value: account}, {Name: "S3_BUCKET_NAME", Value: d.bucket()}, {Name: "IAM_ROLE", Value: d.roleName()},
		}) + strings.TrimPrefix(github.VariableScript(w.Name(), []github.Variable{{Name: "AWS_REGION", Value: d.region}}), "#!/bin/sh\nset -eu\n"),
			Why: "sets them with GitHub's own tool; " + why},
	}
}

// workflowYAML is a workflow that dumps a database each night. Values stand in
// quoted scalars and reach the shell through the environment, never as its text.
func workflowYAML(d design, w workflow, arn string) string {
	var y yaml
	y.line(0, "name", d.grant.Name)
	y.open(0, "on")
	if w.Tag != "" {
		y.open(1, "push")
		y.raw(2, "tags", "["+string(mustJSON(github.Filter(w.Tag, w.Wildcard)))+"]")
	} else {
		y.open(1, "schedule")
		y.WriteString("    - cron: \"0 5 * * *\"\n")
		y.raw(1, "workflow_dispatch", "{}")
	}
	y.open(0, "permissions")
	y.raw(1, "id-token", "write")
	y.raw(1, "contents", "read")
	y.open(0, "jobs")
	y.open(1, "backup")
	y.raw(2, "runs-on", "ubuntu-latest")
	switch {
	case w.Environment != "":
		y.line(2, "environment", w.Environment)
	case w.Branch != "" && !w.HasWildcard():
		y.line(2, "if", "github.ref == '"+strings.ReplaceAll(w.Ref(), "'", "''")+"'")
	}
	y.open(2, "steps")
	y.WriteString("      - uses: aws-actions/configure-aws-credentials@v4\n")
	y.open(4, "with")
	y.line(5, "role-to-assume", arn)
	y.line(5, "aws-region", d.region)
	y.WriteString("      - name: Dump the database into the bucket\n")
	y.open(4, "env")
	y.raw(5, "DATABASE_URL", "${{ secrets.DATABASE_URL }}")
	y.line(5, "FOLDER", "s3://"+d.bucket()+"/"+d.grant.Target.Prefix)
	y.WriteString(`        run: |
          set -euo pipefail
          pg_dump "$DATABASE_URL" | gzip | aws s3 cp - "${FOLDER}$(date -u +%Y-%m-%dT%H%M%SZ).sql.gz"
`)
	return y.String()
}
