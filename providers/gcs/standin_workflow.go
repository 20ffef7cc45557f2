// Inside a workflow: where this runs in GitHub Actions, the run's own token is exchanged.
package gcs

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"cloud.google.com/go/auth/credentials/externalaccount"

	"github.com/bucketgrant/bucketgrant/core"
	"github.com/bucketgrant/bucketgrant/providers/internal/github"
)

// What a run finds in its environment. The last is the variable that was handed over.
// https://docs.github.com/en/actions/reference/security/oidc
const (
	requestURLEnv   = "ACTIONS_ID_TOKEN_REQUEST_URL"
	requestTokenEnv = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
	providerOutput  = "GCP_WORKLOAD_IDENTITY_PROVIDER"
)

// insideWorkflow is the run that this is a part of.
func (p *Provider) insideWorkflow(at endpoint, f federation) (core.Actor, error) {
	address := os.Getenv(requestURLEnv)
	if address == "" || os.Getenv(requestTokenEnv) == "" {
		return nil, &core.Error{Kind: core.ErrOperator, What: "workflow", Err: errors.New("this job gets no token from GitHub"),
			Hint: "permissions: {id-token: write}"}
	}
	ask, ok := github.TokenURL(address, p.config.AllowEndpoint)
	if !ok { // its value may hold somebody's password
		return nil, core.Faults{{Field: requestURLEnv, Rule: "is not an address of GitHub's", Accepts: github.TokenForm}}
	}
	number, err := givenNumber(f, "env: {"+providerOutput+": ${{ vars."+providerOutput+" }}}")
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: base(p.config.Transport), Timeout: callFor, CheckRedirect: stay}
	token := func(ctx context.Context, forgery string) (string, error) {
		audience := "https:" + f.audience(number)
		if forgery == github.WrongAudience {
			audience += "-other"
		}
		t, err := runToken(ctx, client, ask, audience)
		if err != nil {
			return "", err
		}
		return altered(t, forgery)
	}
	names := []string{github.WrongAudience, github.UnsignedToken, github.ForgedSignature}
	return p.visitor(at, f, number, "", names, func(forgery string) externalaccount.Options {
		return externalaccount.Options{SubjectTokenType: jwtType, SubjectTokenProvider: subjectToken(func(ctx context.Context) (string, error) { return token(ctx, forgery) })}
	})
}

// givenNumber is the project's number by the provider's name that was handed
// over: no name of the grant's tells it, and another project may have the same names.
func givenNumber(f federation, hint string) (string, error) {
	name := os.Getenv(providerOutput)
	if number := numberIn(name); number != "" && name == f.providerName(number) {
		return number, nil
	}
	return "", &core.Error{Kind: core.ErrInvalid, What: providerOutput, Err: fmt.Errorf("%q is not the provider of this grant: %w", name, errNoNumber), Hint: hint}
}

// runToken asks GitHub for a token of this run.
func runToken(ctx context.Context, client *http.Client, ask *url.URL, audience string) (string, error) {
	address := *ask
	query := address.Query()
	query.Set("audience", audience)
	address.RawQuery = query.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil) //nolint:gosec // GitHub says where it is to be asked
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer "+os.Getenv(requestTokenEnv))
	resp, err := client.Do(r) //nolint:gosec // as above
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	const most = 1 << 20
	raw, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return "", err
	}
	var said struct{ Value string }
	if resp.StatusCode != http.StatusOK || json.Unmarshal(raw, &said) != nil || said.Value == "" {
		return "", errors.New("GitHub gives no token: " + resp.Status)
	}
	return said.Value, nil
}

// altered is a good token made bad.
func altered(token, forgery string) (string, error) {
	if forgery != github.UnsignedToken && forgery != github.ForgedSignature {
		return token, nil
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", errors.New("GitHub's token is none")
	}
	at, key, value := 1, "repository", "somebody/else"
	if forgery == github.UnsignedToken {
		at, key, value, parts[2] = 0, "alg", "none", ""
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[at])
	if err != nil {
		return "", errors.New("GitHub's token is none")
	}
	var fields map[string]any
	if json.Unmarshal(raw, &fields) != nil {
		return "", errors.New("GitHub's token is none")
	}
	fields[key] = value
	parts[at] = base64.RawURLEncoding.EncodeToString(body(fields))
	return strings.Join(parts, "."), nil
}
