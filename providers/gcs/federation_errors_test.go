// What is said where an organisation, or Google, does not let somebody in.
package gcs

import (
	"errors"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

// refusedWith applies g and returns the error.
func (w *world) refusedWith(g core.Grant) error {
	w.t.Helper()
	_, _, err := w.reach(g, core.Present)
	if err == nil {
		w.t.Fatal("got success, want a refusal")
	}
	return err
}

func TestOrganisationsThatForbidAreNamedWithTheCure(t *testing.T) {
	for name, c := range map[string]struct {
		grant      core.Grant
		constraint string
		says, hint string
	}{
		"issuer":         {workflow(), "constraints/iam.workloadIdentityPoolProviders", "https://token.actions.githubusercontent.com", "org-policies allow iam.workloadIdentityPoolProviders https://token.actions.githubusercontent.com"},
		"AWS account":    {fromAWS(), "constraints/iam.workloadIdentityPoolAwsAccounts", "422074288268", "org-policies allow iam.workloadIdentityPoolAwsAccounts 422074288268"},
		"vendor":         {toVendor(), "constraints/iam.allowedPolicyMemberDomains", "allowedPolicyMemberDomains", "customer ID"},
		"managed vendor": {toVendor(), "constraints/iam.managed.allowedPolicyMembers", "managed.allowedPolicyMembers", "principalSet://cloudresourcemanager.googleapis.com/organizations/"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.fake.SetConstraints(c.constraint)
				err := w.refusedWith(c.grant)
				if !errors.Is(err, core.ErrBlocked) || !strings.Contains(err.Error(), c.says) || !strings.Contains(hintOf(err), c.hint) {
					t.Errorf("got %v [%s], want one of kind %q that says %q [%q]", err, hintOf(err), core.ErrBlocked, c.says, c.hint)
				}
			})
		})
	}
}

func TestVendorsThatDoNotExistAreSaidSoAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		// Nobody stands in for accounts of the project itself, so this one is not made.
		err := w.refusedWith(toVendor(vendorSetting, "serviceAccount:nobody@acme-project.iam.gserviceaccount.com"))
		if !errors.Is(err, core.ErrInvalid) || !strings.Contains(err.Error(), "nobody@acme-project") || !strings.Contains(hintOf(err), vendorSetting) {
			t.Errorf("got %v [%s], want the missing account named", err, hintOf(err))
		}
	})
}

func TestSwitchedOffAPIsAreNamed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fake.DisableAPI(SandboxProject, "iam.googleapis.com")
		if err := w.refusedWith(workflow()); !errors.Is(err, core.ErrOperator) || !strings.Contains(hintOf(err), "iam.googleapis.com") {
			t.Errorf("got %v [%s], want the address where the API is switched on", err, hintOf(err))
		}
	})
}
