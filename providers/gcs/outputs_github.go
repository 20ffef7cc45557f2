// What a workflow needs: three names, a part of its file, and a script that sets its variables.
package gcs

import (
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/github"
)

// externalAccount is a credentials file of Google's that holds no secret: it
// says where a proof of identity is and who takes it.
// https://google.aip.dev/auth/4117
type externalAccount struct {
	Type          string           `json:"type"`
	Universe      string           `json:"universe_domain"`
	Audience      string           `json:"audience"`
	SubjectType   string           `json:"subject_token_type"`
	TokenURL      string           `json:"token_url"`
	Impersonation string           `json:"service_account_impersonation_url,omitempty"`
	Source        credentialSource `json:"credential_source"`
}

// credentialSource is where the proof of identity is.
type credentialSource struct {
	File   string        `json:"file,omitempty"`
	Format *sourceFormat `json:"format,omitempty"`

	Environment  string `json:"environment_id,omitempty"`
	RegionURL    string `json:"region_url,omitempty"`
	URL          string `json:"url,omitempty"`
	SessionURL   string `json:"imdsv2_session_token_url,omitempty"`
	Verification string `json:"regional_cred_verification_url,omitempty"`
}

type sourceFormat struct {
	Type  string `json:"type"`
	Field string `json:"subject_token_field_name"`
}

func externalAccountFor(f federation, number, kind string) externalAccount {
	return externalAccount{Type: "external_account", Universe: universe, Audience: f.audience(number), SubjectType: kind,
		TokenURL: "https://sts." + universe + "/v1/token"}
}

const (
	externalAccountFile = "external-account.json"
	runTokenFile        = "github-token.json" //nolint:gosec // the name of a file
)

// workflowOutputs are what google-github-actions/auth and the upload need.
func workflowOutputs(f federation, w github.Workflow, number string) []core.Output {
	provider := f.providerName(number)
	file := externalAccountFor(f, number, jwtType)
	file.Source = credentialSource{File: runTokenFile, Format: &sourceFormat{"json", "value"}}
	list := []core.Output{
		{Name: "GCP_PROJECT_ID", Value: f.project, Why: "the project of the bucket"},
		{Name: "GCP_PROJECT_NUMBER", Value: number, Why: "its number, as it is in the provider's name"},
		{Name: providerOutput, Value: provider, Why: "workload_identity_provider of google-github-actions/auth; no service account is needed"},
		{Name: "GCS_BUCKET_NAME", Value: f.bucket, Why: "where the dumps go"},
	}
	if f.prefix != "" {
		list = append(list, core.Output{Name: "GCS_PREFIX", Value: f.prefix, Why: "what their names begin with"})
	}
	var variables []github.Variable
	for _, o := range list {
		variables = append(variables, github.Variable{Name: o.Name, Value: o.Value})
	}
	return append(list,
		core.Output{Name: "workflow", File: "workflow.yml", Value: workflowFile(w), Why: "a workflow that uploads; put your dump where it says so"},
		core.Output{Name: "variables", File: "set-variables.sh", Value: github.VariableScript(w.Name(), variables), Why: "sets the repository's variables; none of them is secret"},
		core.Output{Name: "external-account", File: externalAccountFile, Value: string(indented(file)) + "\n",
			Why: "GOOGLE_APPLICATION_CREDENTIALS for programs beside google-github-actions/auth; the job puts GitHub's answer into " + runTokenFile})
}

// workflowFile is a workflow whose runs are the trusted ones. All that differs
// from grant to grant comes from variables, or is quoted.
func workflowFile(w github.Workflow) string {
	on := "  workflow_dispatch:\n  schedule:\n    - cron: \"0 3 * * *\"\n"
	guard, environment := "", ""
	switch {
	case w.Tag != "":
		on = "  push:\n    tags: [" + github.YAML(github.Filter(w.Tag, w.Wildcard)) + "]\n"
	case w.Environment != "":
		environment = "    environment: " + github.YAML(w.Environment) + "\n"
	default:
		guard = "    # trusted on the branch " + github.YAML(w.Branch) + " only; a schedule runs on the default branch\n"
	}
	return strings.Join([]string{
		"name: backup\n",
		"on:\n" + on,
		"permissions:\n  id-token: write\n  contents: read\n",
		"jobs:\n  backup:\n    runs-on: ubuntu-latest\n" + guard + environment + `    steps:
      - uses: actions/checkout@v4
      - uses: google-github-actions/auth@v3
        with:
          project_id: ${{ vars.GCP_PROJECT_ID }}
          workload_identity_provider: ${{ vars.` + providerOutput + ` }}
      - uses: google-github-actions/setup-gcloud@v3
      - name: dump
        env:
          DATABASE_URL: ${{ secrets.DATABASE_URL }}
        shell: bash
        run: |
          set -euo pipefail
          pg_dump "$DATABASE_URL" | gzip > dump.sql.gz
      - name: upload
        env:
          TO: gs://${{ vars.GCS_BUCKET_NAME }}/${{ vars.GCS_PREFIX }}
          CLOUDSDK_STORAGE_PARALLEL_COMPOSITE_UPLOAD_ENABLED: "False" # its parts would have to be deleted
        run: gcloud storage cp --no-clobber dump.sql.gz "$TO$(date -u +%Y-%m-%dT%H-%M-%SZ).sql.gz"
`}, "\n")
}
