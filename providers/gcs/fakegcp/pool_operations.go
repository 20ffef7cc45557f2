// Long-running operations of workload identity pools: begun, looked at, done.
package fakegcp

import (
	"encoding/json"
)

// operation is a change that has been accepted. It is done when it is looked at.
type operation struct {
	Response json.RawMessage `json:"response"`
}

type operationResource struct {
	Name     string          `json:"name"`
	Done     bool            `json:"done,omitempty"`
	Response json.RawMessage `json:"response,omitempty"`
}

// begin starts an operation on a pool or a provider, whose result is known.
// https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools.operations/get
func (q *request) begin(on string, result any) operationResource {
	response, err := json.Marshal(result)
	if err != nil {
		panic("fakegcp: " + err.Error())
	}
	r := operationResource{Name: on + "/operations/" + fingerprint("operation", q.serial(8))[:24]}
	q.state.Operations[r.Name] = &operation{Response: response}
	if q.state.Settings.InstantOperations {
		r.Done, r.Response = true, response
	}
	return r
}

func (q *request) getOperation() (any, error) {
	permission := "iam.workloadIdentityPools.get"
	if q.params["provider"] != "" {
		permission = "iam.workloadIdentityPoolProviders.get"
	}
	p, err := q.needPoolProject(permission)
	if err != nil {
		return nil, err
	}
	name := poolName(p, q.params["pool"])
	if q.params["provider"] != "" {
		name += "/providers/" + q.params["provider"]
	}
	name += "/operations/" + q.params["operation"]
	o := q.state.Operations[name]
	if o == nil {
		return nil, entityNotFound()
	}
	return operationResource{Name: name, Done: true, Response: o.Response}, nil
}
