// Simulator: asking Policy Troubleshooter what the grantee may do, where nobody can become the grantee.
package gcs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/api/option"
	policytroubleshooter "google.golang.org/api/policytroubleshooter/v3"

	"github.com/bucketgrant/bucketgrant/core"
)

// simulator asks about the grantee without a key of its.
type simulator struct{ *run }

const (
	canAccess    = "CAN_ACCESS"
	cannotAccess = "CANNOT_ACCESS"
)

// probePermissions is what trying an ability needs; what no profile grants is
// not in the table of abilities.
func probePermissions(a core.Ability, who core.Who) []string {
	switch a {
	case core.Erase:
		return []string{"storage.objects.delete"}
	case core.Inspect:
		return []string{"storage.buckets.getIamPolicy"}
	case core.Administer:
		return []string{"storage.buckets.setIamPolicy"}
	case core.Identify:
		return []string{"iam.serviceAccounts.list"}
	}
	return permissions([]core.Ability{a}, who)
}

// Simulate is allowed if every permission is held, denied if one is not, and
// unclear if the troubleshooter does not say.
func (s *simulator) Simulate(ctx context.Context, p core.Probe) (core.Outcome, error) {
	var states []string
	for _, permission := range probePermissions(p.Ability, s.design.grant.Who) {
		state, err := s.ask(ctx, p, permission)
		if err != nil {
			return core.Unclear, explain(s.bucketAddr(), err)
		}
		states = append(states, state)
	}
	switch {
	case slices.Contains(states, cannotAccess):
		return core.Denied, nil
	case len(states) > 0 && !slices.ContainsFunc(states, func(state string) bool { return state != canAccess }):
		return core.Allowed, nil
	case len(states) == 0:
		return core.Unclear, errors.New("no permission stands for it")
	}
	return core.Unclear, fmt.Errorf("the answer is %s", strings.Join(states, ", "))
}

// ask returns the overall access state of one permission.
// https://cloud.google.com/policy-intelligence/docs/troubleshoot-access
func (s *simulator) ask(ctx context.Context, p core.Probe, permission string) (string, error) {
	service, err := policytroubleshooter.NewService(ctx, option.WithHTTPClient(s.cloud.http), option.WithLogger(quiet()), option.WithUniverseDomain(s.cloud.at.universe))
	if err != nil {
		return "", err
	}
	bucket := "projects/_/buckets/" + p.Bucket
	principal, err := s.whom.principal(ctx)
	if err != nil {
		return "", err
	}
	if g, is := s.whom.(*guest); is && principal == "" {
		return g.read(ctx, p, permission)
	}
	tuple := &policytroubleshooter.GoogleCloudPolicytroubleshooterIamV3AccessTuple{
		Principal:        principal,
		Permission:       permission,
		FullResourceName: "//storage.googleapis.com/" + bucket,
	}
	info, _ := core.DescribeAbility(p.Ability)
	switch {
	case info.Reach == core.OwnerReach:
		tuple.FullResourceName = "//cloudresourcemanager.googleapis.com/projects/" + s.project
	case info.Reach == core.ObjectReach && p.Ability != core.List:
		tuple.ConditionContext = resource(bucket+"/objects/"+p.Key, "storage.googleapis.com/Object")
	default:
		tuple.ConditionContext = resource(bucket, "storage.googleapis.com/Bucket")
	}
	if info.Reach == core.ObjectReach && p.Key != "" {
		tuple.FullResourceName += "/objects/" + p.Key // only so are the policies of the managed folders around it asked, too
	}
	answer, err := repeat(ctx, func() (*policytroubleshooter.GoogleCloudPolicytroubleshooterIamV3TroubleshootIamPolicyResponse, error) {
		return service.Iam.Troubleshoot(&policytroubleshooter.GoogleCloudPolicytroubleshooterIamV3TroubleshootIamPolicyRequest{AccessTuple: tuple}).Context(ctx).Do()
	})
	if err != nil {
		return "", err
	}
	return answer.OverallAccessState, nil
}

// resource is what the condition of a binding looks at.
func resource(name, kind string) *policytroubleshooter.GoogleCloudPolicytroubleshooterIamV3ConditionContext {
	return &policytroubleshooter.GoogleCloudPolicytroubleshooterIamV3ConditionContext{
		Resource: &policytroubleshooter.GoogleCloudPolicytroubleshooterIamV3ConditionContextResource{Name: name, Type: kind, Service: "storage.googleapis.com"},
	}
}
