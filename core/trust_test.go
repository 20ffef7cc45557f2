// Whom an access is for is said from what was set of it.
package core

import (
	"slices"
	"strings"
	"testing"
)

func TestWhomAnAccessIsForIsSaid(t *testing.T) {
	info := Info{Title: "Gate", Identities: []Identity{{Who: WhoAccount}, {Who: WhoKey, Form: PairForm}, {Who: WhoOIDC}}, Settings: []Setting{
		{Name: "account", Usage: "whose it is", Only: []Who{WhoAccount, WhoOIDC}},
		{Name: "certificate", File: true, Only: []Who{WhoAccount}},
		{Name: "unset", Only: []Who{WhoAccount}},
		{Name: "project"}, // of every identity, so it says nothing of one
		{Name: "key-age", Only: []Who{WhoKey}},
	}}
	g := Grant{Who: WhoAccount, Settings: map[string]string{"account": "one", "certificate": "pem", "project": "p", "key-age": "90"}}
	if got, want := info.Trusts(g), []Output{{Name: "account", Value: "one", Why: "whose it is"}}; !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := info.Form(WhoKey) + info.Form(WhoAccount); got != PairForm {
		t.Errorf("got forms %q, want %q for a key and none else", got, PairForm)
	}
	faults := whoFaults(Grant{Who: WhoKey, Settings: map[string]string{"account": "one"}}, info)
	if len(faults) != 1 || !strings.Contains(faults[0].Accepts, "account or oidc") {
		t.Errorf("got %v, want one that says where the setting belongs", faults)
	}
	if faults = whoFaults(Grant{Who: "telepathy"}, info); len(faults) != 1 || faults[0].Accepts != "account, key, oidc" {
		t.Errorf("got %v, want one that names every way", faults)
	}
}
