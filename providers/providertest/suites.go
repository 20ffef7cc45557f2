// Suites: what a test tool calls the cases that enumerate something as a whole.
package providertest

// suites are the names under which cases are announced as an attribute of
// their test. A case without one is counted by its own name alone.
var suites = map[string]string{
	// What is too wide, or wider than it has to be, must not pass the proof.
	"WidenedPolicyIsConvicted":     "M3",
	"EveryExcessIsConvicted":       "M3",
	"EveryMissingPowerIsConvicted": "M3",
	"PolicyIsMinimal":              "M3",
}
