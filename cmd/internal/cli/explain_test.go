// What a refused program's message leads to.
package cli

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestAnActionIsExplainedByWhoAsksForIt(t *testing.T) {
	s := newStage(t, &toy{})
	s.run("explain", "toy:Put").wants(t, 0, "toy:Put on the object lets somebody put new objects: putting is Put", "event-dump ", "site-backup+put-only", "each batch of events")
	s.run("explain", "toy:Paint").wants(t, 0, "toy:Paint belongs to no ability here")
}

func TestAWordThatIsNoActionIsAnsweredWithTheRightOne(t *testing.T) {
	s := newStage(t, &toy{})
	s.run("explain", "toy:PutToy").wants(t, 0, "toy:PutToy is no deed of Toy: it is the name of a call", "toy:Put is what was probably meant", "2026-01-02, https://toys.example/", "toy:Put on the object")
	s.run("explain", "nonsense").wants(t, 2, `word "nonsense": names no deed of Toy: nothing is near`, "such as toy:Put")
	s.run("explain").wants(t, 2, "missing WORD")
	s.run("explain", strings.Repeat("long ", 9000)).wants(t, 2, "is longer than any message")
}

func TestARefusedProgramsMessageNamesWhatIsMissingAndWhichFormHasIt(t *testing.T) {
	s := newStage(t, &toy{})
	for _, message := range []string{
		`AccessDenied: User: doll/x is not authorized to perform: toy:Unfinished on resource: "box/y" because nothing allows it`,
		"Permission 'toy:Unfinished' denied on resource (or it may not exist).",
		"doll does not have toy:Unfinished access to the box.",
	} {
		s.run("explain", "--profile", "site-backup", message).wants(t, 0,
			"site-backup lacks it: to list the unfinished uploads of the whole bucket is not granted", "--profile site-backup+uploads has it: the plugin looks for interrupted uploads")
	}
	s.run("explain", "when", "calling", "the", "PutToy", "operation:", "Access", "Denied").wants(t, 0, "PutToy is no deed", "toy:Put is what was probably meant")
	s.run("explain", "--profile", "site-backup+uploads", "toy:Unfinished").wants(t, 0, "site-backup+uploads has it: if it is refused all the same")
	s.run("explain", "--profile", "mysql", "toy:Put").wants(t, 2, `profile "mysql"`)
}

func TestAnExplanationIsJSONIfAsked(t *testing.T) {
	r := newStage(t, &toy{}).run("explain", "toy:PutToy", "--json")
	var e explanation
	if err := json.Unmarshal([]byte(r.out), &e); err != nil {
		t.Fatal(err, r.out)
	}
	if e.Said != "toy:PutToy" || e.Known || e.Meant != "toy:Put" || e.Action != "toy:Put" || len(e.Abilities) != 1 || len(e.Profiles) == 0 || e.Date == "" {
		t.Errorf("got %+v", e)
	}
}

func TestProfilesSayWhereTheyAreAvailableAndInWhichForms(t *testing.T) {
	s := newStage(t, &toy{})
	s.run("profiles").wants(t, 0, "who: account (no secret), key", "forms: event-dump+replay", "who: oidc (no secret)")
	s.run("profiles", "show", "clickhouse").wants(t, 0, "other forms of it", "--profile clickhouse+read-only", "less: to put new objects", "what the source document asks for (--as-documented)", "risk: its holder can delete the bucket", "--accept-risk", "weak in the source")
	s.run("profiles", "explain", "site-backup+uploads").wants(t, 0, "this form: a plugin such as BackWPup", "needed because the plugin looks for interrupted uploads", "toy:Unfinished on the bucket")
	s.cloud.Connect = gcsToy(toyCloud(&toy{}))
	s.run("profiles").wants(t, 0, "not on Toy: see profiles show aws-backup")
	s.run("profiles", "explain", "aws-backup").wants(t, 0, "not available on Toy, because", "Storage Transfer Service")
	s.run("profiles", "show", "site-backup").wants(t, 0, "the source document says nothing of Toy")
}
