// Conditions: grammar, logic, and input that nobody would write.
package fakegcp

import (
	"strings"
	"testing"
	"time"
)

func sampleQuestion() question {
	return question{
		Resource: resource{Name: "projects/_/buckets/b/objects/a.json", Type: "storage.googleapis.com/Object", Service: "storage.googleapis.com"},
		Time:     time.Date(2024, 4, 15, 10, 0, 0, 0, time.UTC),
	}
}

func TestConditionsEvaluate(t *testing.T) {
	for _, c := range []struct {
		text string
		want bool
	}{
		{`true`, true},
		{`!true`, false},
		{`!!true`, true},
		{`true || false && false`, true},
		{`(true || false) && false`, false},
		{`resource.type in ["a", "storage.googleapis.com/Object"]`, true},
		{`resource.type in []`, false},
		{`'a' < "b" && "b" >= 'b'`, true},
		{`r"a\d" == "a\\d"`, true},
		{`"caf\u00e9" == "café"`, true},
		{`1 < 2 && -1 < 0`, true},
		{`resource.name.matches("^projects/_/.*[.]json$")`, true},
		{`resource.name.contains("buckets")`, true},
		{`"x".size() == 1`, true},
		{`timestamp("2024-04-15T12:00:00+02:00") == request.time`, true},
		{`request.time - timestamp("2024-04-15T09:00:00Z") == duration("3600s")`, true},
		{"true && // a comment\n true", true},
		{`resource.hasTagKey("123/env") || resource.matchTag("123/env", "prod")`, false},
		// An operand that decides absorbs the other one's error, on either side.
		{`true || resource.nothing == "x"`, true},
		{`resource.nothing == "x" || true`, true},
		{`false && resource.nothing == "x"`, false},
	} {
		got, err := evaluate(c.text, sampleQuestion())
		if err != nil || got != c.want {
			t.Errorf("%s: got %v, %v; want %v", c.text, got, err, c.want)
		}
	}
}

func TestConditionThatCannotBeEvaluatedDoesNotHold(t *testing.T) {
	for _, text := range []string{
		``, `tru`, `resource.name`, `resource.nothing == "x"`, `!resource.nothing`, `"a" && true`, `1 == `, `(true`, `true true`, `resource.name.startsWith(1)`,
		`"open`, `'a" == "a'`, `resource..name == ""`, `resource.name.foo("x")`, `timestamp("x") < request.time`, `duration("5m") == duration("300s")`, `1 < "a"`,
		`request.time.getHours("Nowhere/At_All") > 0`, `resource.name.extract("no template") == ""`, `"a" in "abc"`, `#`, `resource.name.matches("(") `,
	} {
		if got, err := evaluate(text, sampleQuestion()); got || err == nil {
			t.Errorf("%q: got %v, %v; want an error", text, got, err)
		}
	}
}

func TestObjectsAndListsAreLikeNoOther(t *testing.T) {
	claims := map[string]any{"assertion": map[string]any{"o": map[string]any{"a": int64(1)}, "l": []any{"x"}}}
	for _, text := range []string{`assertion.o == assertion.o`, `assertion.l == assertion.l`, `assertion.o in [assertion.o]`, `assertion.l == "x"`} {
		if got, err := evaluateClaims(text, claims); got != false || err != nil {
			t.Errorf("%s: got %v, %v; want false", text, got, err)
		}
	}
}

func TestBothOperandsAreCheckedWhenAConditionIsWritten(t *testing.T) {
	for _, text := range []string{`true || resource.nothing == "x"`, `false && resource.name`, `!(true || "a")`} {
		_, _ = evaluateClaims(text, map[string]any{"assertion": map[string]any{"a": []any{int64(1), "x"}, "b": map[string]any{"c": true}, "s": "text"}})
		if err := checkClaims(text, "assertion"); err == nil {
			referencedClaims(text, nil)
		}
		if err := checkExpression(text); err == nil {
			t.Errorf("%s: accepted", text)
		}
	}
	if err := checkExpression(`resource.name.startsWith("projects/_/buckets/b/objects/p/") && request.time < timestamp("2030-01-01T00:00:00Z")`); err != nil {
		t.Error(err)
	}
}

func TestConditionsAreBounded(t *testing.T) {
	if err := checkExpression("true" + strings.Repeat(" || true", 12)); err != nil {
		t.Errorf("12 logical operators: %v", err)
	}
	if err := checkExpression("true" + strings.Repeat(" || true", 13)); err == nil {
		t.Error("13 logical operators are accepted")
	}
	if err := checkExpression(strings.Repeat("(", 100_000) + "true" + strings.Repeat(")", 100_000)); err == nil {
		t.Error("100,000 parentheses are accepted")
	}
}

// FuzzConditions: whatever is written, evaluation ends, and grants only by a true.
func FuzzConditions(f *testing.F) {
	for _, s := range []string{`resource.name.startsWith("projects/_/buckets/b/objects/")`, `request.time < timestamp("2020-10-01T00:00:00.000Z")`, `!(a.b in [1, "x"])`, `r'\' == "\\"`, `((((`, `-1 - - 1`,
		`assertion.s == assertion ? assertion.a[0] : assertion["b"].c`, `has(assertion.b.c) && "x" in assertion.a || assertion == assertion.b`, `assertion.s.split("x")[0] + "y"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := evaluate(text, sampleQuestion())
		if got && err != nil {
			t.Errorf("%q: holds with error %v", text, err)
		}
		if err := checkExpression(text); err == nil {
			if _, err := parse(text); err != nil {
				t.Errorf("%q: accepted, but cannot be read: %v", text, err)
			}
		}
	})
}
