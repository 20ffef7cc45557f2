// What status and verify say of what is not as it should be.
package cli

import (
	"testing"
)

func TestStatusOfAGrantThatDoesNotExistSaysSo(t *testing.T) {
	s := newStage(t, &toy{})
	s.run(with("status")...).wants(t, 0, "there is no such grant here: toygrant apply makes it")
	s.run(with("apply", "--to", s.key(), "--yes")...).wants(t, 0)
	s.run(with("status")...).lacks(t, "no such grant")
}

func TestVerifyDoesNotAdviseAnApplyThatWouldRefuse(t *testing.T) {
	cloud := &toy{}
	s := newStage(t, cloud)
	s.run(with("apply", "--name", "acme", "--to", s.key(), "--yes")...).wants(t, 0)
	verify := with("verify", "--name", "acme", "--bundle", "handoff/acme.AKIAIOSFODNN7EXAMPLE.age", "--identity", "key.txt")
	cloud.Wide = true
	s.run(verify...).wants(t, 5, "the key still works: end the grant with toygrant destroy, or repair it with toygrant apply")
	cloud.Foreign = true
	r := s.run(verify...)
	r.wants(t, 5, "apply would refuse to repair it; first see to toy:bucket/acme, which exists and is not ours (--adopt)")
	r.lacks(t, "or repair it with")
}

func TestTheBundleOfAnotherGrantIsNamedAndNotTried(t *testing.T) {
	s := newStage(t, &toy{})
	s.run(with("apply", "--name", "acme", "--to", s.key(), "--yes")...).wants(t, 0)
	r := s.run(with("verify", "--name", "other", "--bundle", "handoff/acme.AKIAIOSFODNN7EXAMPLE.age", "--identity", "key.txt")...)
	r.wants(t, 2, "is of grant acme", "the bundle of grant other")
	r.lacks(t, "still works")
}
