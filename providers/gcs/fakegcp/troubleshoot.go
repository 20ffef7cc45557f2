// Policy Troubleshooter: whether a principal has a permission, asked by somebody else.
package fakegcp

import (
	"strings"
	"time"
)

func troubleshootRoutes() []route {
	return []route{{
		Method: "POST", Path: "/v3/iam:troubleshoot", Op: "policytroubleshooter.iam.troubleshoot",
		Service: "policytroubleshooter.googleapis.com", Handle: (*request).troubleshoot,
	}}
}

type accessTuple struct {
	Principal      string            `json:"principal"`
	Resource       string            `json:"fullResourceName"`
	Permission     string            `json:"permission"`
	PermissionFQDN string            `json:"permissionFqdn,omitempty"`
	Context        *conditionContext `json:"conditionContext,omitempty"`
}

type conditionContext struct {
	Resource struct {
		Service string `json:"service,omitempty"`
		Name    string `json:"name,omitempty"`
		Type    string `json:"type,omitempty"`
	} `json:"resource,omitzero"`
	Request struct {
		ReceiveTime *time.Time `json:"receiveTime,omitempty"`
	} `json:"request,omitzero"`
}

type troubleshootBody struct {
	Tuple accessTuple `json:"accessTuple"`
}

type troubleshootAnswer struct {
	State string           `json:"overallAccessState"`
	Tuple accessTuple      `json:"accessTuple"`
	Allow allowExplanation `json:"allowPolicyExplanation"`
	Deny  denyExplanation  `json:"denyPolicyExplanation"`
}

type allowExplanation struct {
	State     string            `json:"allowAccessState"`
	Relevance string            `json:"relevance,omitempty"`
	Policies  []explainedPolicy `json:"explainedPolicies,omitempty"`
}

type explainedPolicy struct {
	State    string     `json:"allowAccessState"`
	Resource string     `json:"fullResourceName"`
	Policy   wirePolicy `json:"policy"`
}

type denyExplanation struct {
	State     string `json:"denyAccessState"`
	Deniable  bool   `json:"permissionDeniable"`
	Relevance string `json:"relevance,omitempty"`
}

// troubleshoot answers for the stored policies that the caller may read. A
// condition that needs a resource name which the question does not give leaves
// the answer open.
// https://cloud.google.com/policy-intelligence/docs/troubleshoot-access
func (q *request) troubleshoot() (any, error) {
	var in troubleshootBody
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	t := in.Tuple
	if t.Principal == "" || t.Resource == "" || t.Permission == "" {
		return nil, failed(400, "The access tuple must have a principal, a full resource name and a permission.")
	}
	res, policies, err := q.troubled(t.Resource)
	if err != nil {
		return nil, err
	}
	at := time.Now()
	if t.Context != nil {
		res.Name = or(t.Context.Resource.Name, res.Name)
		res.Type = or(t.Context.Resource.Type, res.Type)
		res.Service = or(t.Context.Resource.Service, res.Service)
		if t.Context.Request.ReceiveTime != nil {
			at = *t.Context.Request.ReceiveTime
		}
	}
	who := principal{Email: strings.ToLower(t.Principal), User: true}
	if a := q.accountByEmail(t.Principal); a != nil {
		who = principal{Email: a.Email, UID: a.UniqueID}
	}
	out := troubleshootAnswer{Tuple: t, Deny: denyExplanation{State: "DENY_ACCESS_STATE_NOT_DENIED"}}
	out.State, out.Allow.State = q.accessState(who, t, res, policies, at)
	for _, p := range policies {
		if p.readable {
			out.Allow.Policies = append(out.Allow.Policies, explainedPolicy{out.Allow.State, p.name, q.show(p.source.Policy, 3)})
		}
	}
	return out, nil
}

// explained is a policy that applies, and whether the caller may read it.
type explained struct {
	name     string
	source   source
	readable bool
}

func (q *request) accessState(who principal, t accessTuple, res resource, policies []explained, at time.Time) (overall, allow string) {
	var sources []source
	open, hidden := false, false
	for _, p := range policies {
		if !p.readable {
			hidden = true
			continue
		}
		sources = append(sources, p.source)
		named := t.Context != nil && t.Context.Resource.Name != ""
		open = open || p.source.Policy.conditional() && !named && strings.HasPrefix(t.Permission, "storage.objects.")
	}
	v := q.decideFor(who, t.Permission, res, sources, at, false)
	switch {
	case v.Allowed:
		return "CAN_ACCESS", "ALLOW_ACCESS_STATE_GRANTED"
	case hidden:
		return "UNKNOWN_INFO", "ALLOW_ACCESS_STATE_UNKNOWN_INFO"
	case open && strings.Contains(v.Because, "condition of"):
		return "UNKNOWN_CONDITIONAL", "ALLOW_ACCESS_STATE_UNKNOWN_CONDITIONAL"
	}
	return "CANNOT_ACCESS", "ALLOW_ACCESS_STATE_NOT_GRANTED"
}

// troubled finds the resource that a full name means, and the policies that apply to it.
// https://cloud.google.com/iam/docs/full-resource-names
func (q *request) troubled(full string) (resource, []explained, error) {
	if rest, ok := strings.CutPrefix(full, "//storage.googleapis.com/projects/_/buckets/"); ok {
		name, objectName, isObject := strings.Cut(rest, "/objects/")
		b := q.state.Buckets[name]
		if b == nil {
			return resource{}, nil, failed(404, "The resource %s does not exist.", full)
		}
		res := bucketResourceName(name)
		if isObject {
			res = objectResourceName(name, objectName)
		}
		s := q.sources(b)
		s[0].Policy = b.Policy.Policy.Now
		out := []explained{{"//storage.googleapis.com/projects/_/buckets/" + name, s[0], q.mayOnBucket("storage.buckets.getIamPolicy", b)}}
		for _, f := range q.folderSources(b, objectName) {
			folder := strings.TrimPrefix(f.Where, "managed folder "+name+"/")
			f.Policy = b.Folders[folder].Policy.Policy.Now
			out = append(out, explained{
				"//storage.googleapis.com/projects/_/buckets/" + name + "/managedFolders/" + folder, f, q.mayOnFolder("storage.managedFolders.getIamPolicy", b, folder),
			})
		}
		if p := q.state.Projects[b.Project]; p != nil {
			out = append(out, q.projectExplained(p, s[1]))
		}
		return res, out, nil
	}
	if id, ok := strings.CutPrefix(full, "//cloudresourcemanager.googleapis.com/projects/"); ok {
		p := q.projectNamed(id)
		if p == nil {
			return resource{}, nil, failed(404, "The resource %s does not exist.", full)
		}
		return projectResource(p), []explained{q.projectExplained(p, projectSource(p))}, nil
	}
	return resource{}, nil, failed(400, "Invalid full resource name: %q", full)
}

func (q *request) projectExplained(p *project, s source) explained {
	s.Policy = p.Policy.Policy.Now
	return explained{"//cloudresourcemanager.googleapis.com/projects/" + p.ID, s, q.mayOnProject("resourcemanager.projects.getIamPolicy", p)}
}
