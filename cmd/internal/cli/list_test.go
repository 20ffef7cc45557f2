// Every grant of an account, by its marks.
package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bucketgrant/bucketgrant/core"
)

// born is when a bubble's clock begins.
var born = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func someGrants() []core.Found {
	return []core.Found{
		{Grant: "zebra", Profile: "event-dump", Who: core.WhoAccount, Bucket: "zoo", Expires: born.AddDate(1, 0, 0)},
		{Grant: "acme", Profile: "event-dump", Who: core.WhoKey, Principal: "doll", Bucket: "acme", Prefix: "events/", Keys: []core.Key{
			{ID: "OLD", Created: born.AddDate(0, 0, -100), Active: true, Used: born.AddDate(0, 0, -1)},
			{ID: "OFF", Created: born.AddDate(0, 0, -10)},
		}},
		{Grant: "ghost", Findings: []core.Finding{{Kind: core.OrphanPrincipal, Addr: "toy:role/ghost", Text: "names a doll that is gone", Fix: "toy bury ghost", Grave: true}}},
	}
}

func TestAListIsInOrderAndShowsKeysEndsAndFindings(t *testing.T) {
	s := newStage(t, &toy{look: toyLook{Grants: someGrants()}})
	r := s.run("list")
	r.wants(t, 0, "3 grants on Toy, box box-7",
		"acme   event-dump  key      acme/events/  1 of 2 on  100 days  1999-12-31  1999-12-22  -           2",
		"zebra  event-dump  account  zoo           -          -         -           -           2001-01-01  0",
		"1 ORPHAN", "! orphan-principal toy:role/ghost: names a doll that is gone", "fix: toy bury ghost", "old-key OLD", "disabled-key OFF", "3 findings")
	if a, g, z := strings.Index(r.out, "\n  acme"), strings.Index(r.out, "\n  ghost"), strings.Index(r.out, "\n  zebra"); a < 0 || g < a || z < g {
		t.Errorf("got another order than that of the names:\n%s", r.out)
	}
}

func TestAListTellsASchedulerWhetherSomethingIsAmiss(t *testing.T) {
	s := newStage(t, &toy{look: toyLook{Grants: someGrants()}})
	s.run("list", "--exit-code").wants(t, 3)
	r := s.run("list", "--exit-code", "--json")
	r.wants(t, 3)
	var doc listJSON
	if err := json.Unmarshal([]byte(r.out), &doc); err != nil || doc.Findings != 3 || len(doc.Grants) != 3 || len(doc.Grants[0].Keys) != 2 || !doc.Grants[1].Orphan || doc.Grants[0].RotateBy == nil {
		t.Errorf("got %+v %v", doc, err)
	}
	s.cloud = toyCloud(&toy{look: toyLook{Grants: someGrants()[:1]}})
	s.run("list", "--exit-code").wants(t, 0, "nothing was found that is not as it should be")
	s.cloud = toyCloud(&toy{})
	s.run("list", "--exit-code").wants(t, 0, "nothing here carries the mark of a grant")
	s.run("list", "--json").wants(t, 0, `"grants": []`)
}

func TestAListAsksForNothingButTheAccount(t *testing.T) {
	cloud := &toy{}
	s := newStage(t, cloud)
	s.run("list", "--owner", "bob").wants(t, 0)
	if len(cloud.look.Asked) != 1 || cloud.look.Asked["owner"] != "bob" {
		t.Errorf("got %v, want the owner", cloud.look.Asked)
	}
	s.run("list").wants(t, 0) // the environment says it
	delete(s.env, "TOY_OWNER")
	s.run("list").wants(t, 2, "owner: is missing")
	s.run("list", "--bucket", "acme").wants(t, 2, "unknown flag")
	s.cloud.Connect = gcsToy(s.cloud) // stands in front of it and has no further powers
	s.run("list", "--owner", "bob").wants(t, 2, "no marks by which they could be found")
}

func TestTwoHundredGrantsAreTwoHundredLines(t *testing.T) {
	var grants []core.Found
	for i := range 200 {
		grants = append(grants, core.Found{Grant: fmt.Sprintf("site-%03d", i), Profile: "site-backup", Who: core.WhoKey, Bucket: "sites", Prefix: fmt.Sprintf("%d/", i),
			Keys: []core.Key{{ID: "K", Created: born, Active: true}}})
	}
	r := newStage(t, &toy{look: toyLook{Grants: grants}}).run("list")
	if n := strings.Count(r.out, "\n"); n != 203 {
		t.Errorf("got %d lines, want one for each grant and three more", n)
	}
}

func TestANameOfAGrantSteersNoTerminal(t *testing.T) {
	r := newStage(t, &toy{look: toyLook{Grants: []core.Found{{Grant: "a\x1b[31m", Findings: []core.Finding{{Kind: core.Differs, Text: "b\x1b[2J"}}}}}}).run("list")
	r.wants(t, 0)
	r.lacks(t, "\x1b")
}
