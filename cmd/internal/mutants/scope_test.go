// Package mutants breaks the code that decides, one small piece at a time, and
// asks whether a test goes red.
package mutants

// least is the share of the mutants, in percent, that some test must kill.
const least = 85

// room is a package with the files that decide something, and who judges them.
type room struct {
	dir    string
	files  []string // patterns
	judges []judge  // the quick ones first: the others are asked only if those see nothing
}

// judge is a package of tests.
type judge struct {
	dir  string
	test string // the subtests of this one; "" is every test of the package
}

// scope is what is broken. Everything that is not named here may be tested as
// well, but nobody has measured how.
func scope() []room {
	return []room{
		{
			dir: "core",
			files: []string{
				"ability.go", "grant.go", "blueprint.go", "probe.go", // the policy: what is granted, and what must be refused
				"prove.go", "verify.go", "simulate.go", "opened.go", "who.go", // the proof
				"secret.go", "credential.go", // the secret
				"issue.go", "holds.go", // what the journal tells of keys
			},
			judges: []judge{{dir: "core"}, {"providers/providertest", "TestConformance"}},
		},
		{
			dir:    "core/journal",
			files:  []string{"*.go"},
			judges: []judge{{dir: "core/journal"}},
		},
		{
			dir:    "core/internal/safefile",
			files:  []string{"*.go"},
			judges: []judge{{dir: "core/internal/safefile"}, {dir: "core/journal"}},
		},
	}
}
