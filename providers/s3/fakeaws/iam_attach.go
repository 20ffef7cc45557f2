// Managed policies attached to users, groups and roles.
package fakeaws

import (
	"slices"
	"strings"
)

func attachOps() map[string]iamOp {
	ops := map[string]iamOp{}
	for kind, find := range holders() {
		what := strings.ToUpper(kind[:1]) + kind[1:]
		ops["Attach"+what+"Policy"] = iamOp{kind, true, attachPolicy(what, find)}
		ops["Detach"+what+"Policy"] = iamOp{kind, true, detachPolicy(find)}
		ops["ListAttached"+what+"Policies"] = iamOp{kind, false, listAttached(find)}
	}
	return ops
}

// finder finds the holder that a call names.
type finder func(k *iamCall, reading bool) (*holder, string, error)

func holders() map[string]finder {
	return map[string]finder{
		"user": func(k *iamCall, reading bool) (*holder, string, error) {
			u, err := k.user(reading)
			if err != nil {
				return nil, "", err
			}
			return &u.holder, u.Name, nil
		},
		"group": func(k *iamCall, reading bool) (*holder, string, error) {
			g, err := k.group(reading)
			if err != nil {
				return nil, "", err
			}
			return &g.holder, g.Name, nil
		},
		"role": func(k *iamCall, reading bool) (*holder, string, error) {
			r, err := k.role(reading)
			if err != nil {
				return nil, "", err
			}
			return &r.holder, r.Name, nil
		},
	}
}

func attachPolicy(what string, find finder) func(*iamCall) (any, error) {
	return func(k *iamCall) (any, error) {
		h, _, err := find(k, false)
		if err != nil {
			return nil, err
		}
		arn := k.form.Get("PolicyArn")
		if _, ok := k.managed(k.acct, arn, false); !ok {
			return nil, &apiError{Code: "NoSuchEntity", Status: 404, Message: "Policy " + arn + " does not exist or is not attachable."}
		}
		if slices.Contains(h.Attached.Now, arn) {
			return nil, nil
		}
		if err := k.room(len(h.Attached.Now), "AttachedPoliciesPer"+what+"Quota", "PoliciesPer"+what); err != nil {
			return nil, err
		}
		h.Attached.Set(append(slices.Clone(h.Attached.Now), arn), k.lag())
		return nil, nil
	}
}

func detachPolicy(find finder) func(*iamCall) (any, error) {
	return func(k *iamCall) (any, error) {
		h, _, err := find(k, false)
		if err != nil {
			return nil, err
		}
		arn := k.form.Get("PolicyArn")
		i := slices.Index(h.Attached.Now, arn)
		if i < 0 {
			return nil, &apiError{Code: "NoSuchEntity", Status: 404, Message: "Policy " + arn + " was not found."}
		}
		h.Attached.Set(slices.Delete(slices.Clone(h.Attached.Now), i, i+1), k.lag())
		return nil, nil
	}
}

func listAttached(find finder) func(*iamCall) (any, error) {
	return func(k *iamCall) (any, error) {
		h, _, err := find(k, true)
		if err != nil {
			return nil, err
		}
		type ref struct{ PolicyName, PolicyArn string }
		var list []ref
		for _, arn := range h.Attached.Seen() {
			list = append(list, ref{arn[strings.LastIndex(arn, "/")+1:], arn})
		}
		cut, more, marker, bad := page(k.form, list)
		if bad != nil {
			return nil, bad
		}
		return struct {
			AttachedPolicies members[ref]
			paged
		}{listOf(cut), paged{more, marker}}, nil
	}
}
