// Chapters: what is done on a disk that fails.
package clitest

// chapter is one command, and what was done before it.
type chapter struct {
	name   string
	before [][]string
	run    []string
	tough  bool // what has failed once is tried again by the program itself
}

// chapters are the commands that write to a disk. @state is where they find the
// cloud and the journal.
func chapters() []chapter {
	apply := words("apply @grant @state --to $TO --no-verify --yes")
	start := words("rotate start @grant @state --to $TO --no-verify --yes")
	finish := words("rotate finish @grant @state --force --grace 1h --yes")
	return []chapter{
		{name: "apply", run: apply},
		{name: "apply not sealed", run: words("apply @grant @state --plain --no-verify --yes")},
		{name: "apply without a secret", run: words("apply @grant @keyless @state --yes")},
		{name: "apply a plan", before: [][]string{words("plan @grant @state --to $TO --out reviewed.plan")}, run: words("apply reviewed.plan @state --no-verify --yes")},
		{name: "apply to many", run: words("apply -f sites.yaml @state --no-verify --yes"), tough: true},
		{name: "apply in a sandbox's file", run: words("apply @grant --sandbox-file cloud.json --to $TO --no-verify --yes")},
		{name: "rotate start", before: [][]string{apply}, run: start},
		{name: "rotate finish", before: [][]string{apply, start}, run: finish},
		{name: "rotate abort", before: [][]string{apply, start}, run: words("rotate abort @grant @state --force --yes")},
		{name: "reissue", before: [][]string{apply}, run: words("reissue @grant @state --key $KEY --to $TO --no-verify --yes")},
		{name: "revoke", before: [][]string{apply}, run: words("revoke @grant @state --yes")},
		{name: "restore", before: [][]string{apply, words("revoke @grant @state --yes")}, run: words("restore @grant @state --yes")},
		{name: "destroy", before: [][]string{apply}, run: words("destroy @grant @state --yes")},
		{name: "plan", run: words("plan @grant @state --to $TO --out reviewed.plan")},
		{name: "receive", before: [][]string{apply}, run: words("receive $SEALED --identity key.txt --out received.json --format json")},
		{name: "receive with what to tell", before: [][]string{apply}, run: words("receive $SEALED --identity key.txt --out received")},
		{name: "doctor", before: [][]string{apply}, run: words("doctor $MANIFEST --error AccessDenied --report report.json")},
		{name: "man", run: words("man pages")},
		{name: "demo", run: words("demo")},
	}
}
