// Source: where the operator's credentials come from, in words, and what is wrong if there are none.
package s3

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/bucketgrant/bucketgrant/core"
)

const (
	instanceTime = 2 * time.Second  // for an instance's own service, which is beside it or not there
	keysTime     = 15 * time.Second // for any other service that hands out credentials
)

// howFound names the ways to credentials. A program that hands them out may ask
// its user, so it gets the time that it takes.
func howFound(s aws.CredentialSource) (words string, most time.Duration) {
	switch s {
	case aws.CredentialSourceEnvVars:
		return "environment variables", keysTime
	case aws.CredentialSourceEnvVarsSTSWebIDToken, aws.CredentialSourceProfileSTSWebIDToken:
		return "web identity token", keysTime
	case aws.CredentialSourceSSO, aws.CredentialSourceSSOLegacy:
		return "IAM Identity Center", keysTime
	case aws.CredentialSourceLogin:
		return "aws login", keysTime
	case aws.CredentialSourceProcess:
		return "credential process", 0
	case aws.CredentialSourceHTTP:
		return "container role", keysTime
	case aws.CredentialSourceIMDS:
		return "instance role", instanceTime
	case aws.CredentialSourceSTSAssumeRole:
		return "assumed role", keysTime
	}
	return "", keysTime
}

// ofProfile are the ways that a profile in AWS's own files names.
func ofProfile(s aws.CredentialSource) bool {
	return slices.Contains([]aws.CredentialSource{
		aws.CredentialSourceProfile, aws.CredentialSourceProfileSourceProfile, aws.CredentialSourceProfileNamedProvider,
		aws.CredentialSourceProfileSTSWebIDToken, aws.CredentialSourceProfileSSO, aws.CredentialSourceProfileSSOLegacy,
		aws.CredentialSourceProfileProcess, aws.CredentialSourceProfileLogin,
	}, s)
}

// sources are the steps by which cfg gets its credentials.
func sources(cfg aws.Config) []aws.CredentialSource {
	if p, ok := cfg.Credentials.(aws.CredentialProviderSource); ok {
		return p.ProviderSources()
	}
	return nil
}

// sourceOf says in words where the credentials of cfg come from; "" for those
// that the program was given by its own code.
func sourceOf(cfg aws.Config) string {
	words := ""
	add := func(more string) {
		if words != "" && more != "" {
			words += ", "
		}
		words += more
	}
	steps := sources(cfg)
	if slices.ContainsFunc(steps, ofProfile) {
		for _, c := range cfg.ConfigSources {
			if shared, ok := c.(config.SharedConfig); ok {
				add("profile " + shared.Profile)
			}
		}
	}
	for _, s := range steps {
		how, _ := howFound(s)
		add(how)
	}
	return words
}

// retrieve gets the credentials of cfg, so that what is wrong with them is told
// before any call.
func retrieve(ctx context.Context, cfg aws.Config) error {
	none := &core.Error{Kind: core.ErrOperator, What: "AWS credentials", Err: errors.New("no credentials were found"), Hint: "aws configure list, aws sso login or AWS_PROFILE"}
	if cfg.Credentials == nil {
		return none
	}
	steps := sources(cfg)
	most := keysTime
	for _, s := range steps {
		_, its := howFound(s)
		most = min(most, its)
	}
	within := ctx
	if most > 0 {
		var cancel context.CancelFunc
		within, cancel = context.WithTimeout(ctx, most)
		defer cancel()
	}
	_, err := cfg.Credentials.Retrieve(within)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case slices.Equal(steps, []aws.CredentialSource{aws.CredentialSourceIMDS}): // where AWS's tools look last
		return none
	case within.Err() != nil:
		err = fmt.Errorf("%s: no answer in time: %w", sourceOf(cfg), err)
	}
	none.Err = plainly(err)
	return none
}

// halfPair refuses an environment with one half of a key. The SDK would pass
// over it and act as somebody else.
func halfPair() error {
	there, missing := "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
	id := os.Getenv(there) + os.Getenv("AWS_ACCESS_KEY") // each has two names
	secret := os.Getenv(missing) + os.Getenv("AWS_SECRET_KEY")
	switch {
	case (id == "") == (secret == ""):
		return nil
	case id == "":
		there, missing = missing, there
	}
	return &core.Error{Kind: core.ErrOperator, What: "AWS credentials", Err: fmt.Errorf("%s is set, but %s is missing", there, missing), Hint: "export " + missing + ", or unset " + there}
}

// bundleVariable names a file with the certificates of the authorities to trust.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-gen-config.html
const bundleVariable = "AWS_CA_BUNDLE"

// bundle finds out what is wrong with that file, of which the SDK tells neither
// name nor variable.
func bundle() core.Faults {
	name := os.Getenv(bundleVariable)
	if name == "" {
		return nil
	}
	fault := core.Fault{Field: bundleVariable, Value: name, Accepts: "a file of certificates in PEM, or unset it"}
	raw, err := os.ReadFile(name) //nolint:gosec // the operator names it
	switch {
	case err != nil:
		fault.Rule = "cannot be read: " + reason(err)
	case !x509.NewCertPool().AppendCertsFromPEM(raw):
		fault.Rule = "holds no certificate"
	default:
		return nil
	}
	return core.Faults{fault}
}
