// What ARNs and regions say.
package s3

import "testing"

func TestASessionOfARoleIsTheRole(t *testing.T) {
	for principal, want := range map[string]string{
		"arn:aws:sts::111122223333:assumed-role/Admin/1700000000": "arn:aws:sts::111122223333:assumed-role/Admin",
		"arn:aws:iam::111122223333:user/dev/ann":                  "arn:aws:iam::111122223333:user/dev/ann",
	} {
		if got := withoutSession(principal); got != want {
			t.Errorf("%s: got %s, want %s", principal, got, want)
		}
	}
}
