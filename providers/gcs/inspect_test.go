// Inspections: every way in and every permission beside the grant is found, and what cannot be read is said.
package gcs

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bucketgrant/bucketgrant/core"
)

// findings are what an inspection of g shows, as the operator of p, after a plan by the same steps.
func (w *world) findings(p core.Provider, g core.Grant) []core.Finding {
	w.t.Helper()
	steps, err := p.Open(w.t.Context(), compiled(w.t, g))
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := steps.Role.Diff(w.t.Context(), core.Present); err != nil {
		w.t.Logf("the plan comes to %v", err)
	}
	list, err := steps.Inspector.Inspect(w.t.Context())
	if err != nil {
		w.t.Fatalf("an inspection finds what it can: got %v", err)
	}
	return list
}

func TestInspectionOfASoundGrantFindsNothingAndOnlyReads(t *testing.T) {
	for name, g := range joined(ownGrants(), keylessGrants()) {
		inWorld(t, func(t *testing.T, w *world) {
			w.apply(g)
			before := len(w.transport.Calls())
			b := compiled(t, g)
			p := w.operatorWith(New(Config{}).OperatorPolicy(b, needsFor(b, verbs()[core.ForStatus])), "")
			if list := w.findings(p, g); len(list) > 0 {
				t.Errorf("%s: got %+v, want nothing to be found, by an operator who may do what a status takes", name, list)
			}
			for _, c := range w.transport.Calls()[before:] {
				if c.Op.Write {
					t.Errorf("%s: an inspection only reads: got %s", name, c.Op.Name)
				}
			}
		})
	}
}

// tampering is something that somebody does past the program, and what an inspection says of it.
type tampering struct {
	name  string
	grant core.Grant
	do    func(w *world, n names)
	kind  core.FindingKind
	grave bool
	text  string
	fix   string
}

// editSA adds a binding to the service account's own policy.
func (w *world) editSA(n names, role, member string) {
	w.ask(w.owner, "POST", iamAPI+"/v1/"+n.accountName+":setIamPolicy", dict{"policy": dict{"version": 3, "bindings": []any{dict{"role": role, "members": []string{member}}}}}, nil)
}

func (w *world) bind(n names, role, member string) {
	w.editPolicy(n.bucket, func(p []bindingDocument) []bindingDocument {
		return append(p, bindingDocument{Role: role, Members: []string{member}})
	})
}

func tamperings() []tampering {
	const ada = "user:ada@example.com"
	patchRole := func(field string, value any) func(w *world, n names) {
		return func(w *world, n names) {
			w.ask(w.owner, "PATCH", iamAPI+"/v1/"+n.roleName+"?updateMask="+field, dict{field: value}, nil)
		}
	}
	return []tampering{
		{"a role on the project", eventDump(), func(w *world, n names) { w.fake.Grant(SandboxProject, n.member(), "storage.objects.get") },
			core.ExtraPermission, true, "on the whole project", "gcloud projects remove-iam-policy-binding"},
		{"a vendor's role on the project", toVendor(), func(w *world, n names) {
			w.fake.Grant(SandboxProject, toVendor().Settings[vendorSetting], "storage.objects.get")
		},
			core.ExtraPermission, true, "on the whole project", "gcloud projects remove-iam-policy-binding"},
		{"another role on the bucket", eventDump(), func(w *world, n names) { w.bind(n, "roles/storage.objectAdmin", n.member()) },
			core.ExtraPermission, true, "roles/storage.objectAdmin as well", "gcloud storage buckets remove-iam-policy-binding gs://acme-events --role roles/storage.objectAdmin"},
		{"the role without its condition", eventDump(), func(w *world, n names) { w.bind(n, n.roleName, n.member()) },
			core.ExtraPermission, true, "another condition: none", "remove-iam-policy-binding"},
		{"the role for others", eventDump(), func(w *world, n names) { w.bind(n, n.roleName, ada) },
			core.WideTrust, true, "the grant's own role as well", "remove-iam-policy-binding"},
		{"a managed folder", eventDump(), func(w *world, n names) { w.folder(n, "events/inside/", "roles/storage.objectViewer", n.member()) },
			core.ExtraPermission, true, "roles/storage.objectViewer as well", "gcloud storage managed-folders remove-iam-policy-binding gs://acme-events/events/inside/"},
		{"a public folder", clickhouse(), func(w *world, n names) {
			w.ask(w.owner, "PATCH", storageAPI+"/storage/v1/b/"+n.bucket, dict{"iamConfiguration": dict{"publicAccessPrevention": "inherited"}}, nil)
			w.folder(n, "public/", "roles/storage.objectViewer", "allUsers")
		},
			core.PublicAccess, true, "as allUsers", "managed-folders remove-iam-policy-binding"},
		{"everybody on the bucket", eventDump(), func(w *world, n names) {
			w.ask(w.owner, "PATCH", storageAPI+"/storage/v1/b/"+n.bucket, dict{"iamConfiguration": dict{"publicAccessPrevention": "inherited"}}, nil)
			w.bind(n, "roles/storage.objectViewer", "allAuthenticatedUsers")
		},
			core.PublicAccess, true, "as allAuthenticatedUsers", "remove-iam-policy-binding"},
		{"no prevention", eventDump(), func(w *world, n names) {
			w.ask(w.owner, "PATCH", storageAPI+"/storage/v1/b/"+n.bucket, dict{"iamConfiguration": dict{"publicAccessPrevention": "inherited"}}, nil)
		},
			core.PublicAccess, false, "not prevented", "--public-access-prevention"},
		{"access control lists", whole(eventDump()), func(w *world, n names) {
			w.ask(w.owner, "PATCH", storageAPI+"/storage/v1/b/"+n.bucket, dict{"iamConfiguration": dict{"uniformBucketLevelAccess": dict{"enabled": false}}}, nil)
		},
			core.PublicAccess, true, "access control lists are in force", "--uniform-bucket-level-access"},
		{"a deleted account of others", eventDump(), func(w *world, n names) {
			w.ask(w.owner, "POST", iamAPI+"/v1/projects/"+SandboxProject+"/serviceAccounts", dict{"accountId": "stranger"}, nil)
			stranger := "stranger@" + SandboxProject + ".iam.gserviceaccount.com"
			w.bind(n, "roles/storage.objectViewer", "serviceAccount:"+stranger)
			w.ask(w.owner, "DELETE", iamAPI+"/v1/projects/"+SandboxProject+"/serviceAccounts/"+stranger, nil, nil)
		},
			core.OrphanPrincipal, false, "deleted:serviceAccount:stranger", "remove-iam-policy-binding"},
		{"the grantee deleted", eventDump(), func(w *world, n names) { w.ask(w.owner, "DELETE", iamAPI+"/v1/"+n.accountName, nil, nil) },
			core.OrphanPrincipal, false, "exists no more", "remove-iam-policy-binding"},
		{"a role with more", eventDump(), patchRole("includedPermissions", append(slices.Clone(roleFor(eventDump()).Permissions), "storage.objects.delete")),
			core.ExtraPermission, true, "storage.objects.delete", "--remove-permissions storage.objects.delete"},
		{"a role with less", eventDump(), patchRole("includedPermissions", []string{"storage.objects.create"}),
			core.MissingPermission, false, "gives less", "--add-permissions"},
		{"a role that is off", eventDump(), patchRole("stage", "DISABLED"), core.ShutOut, false, "DISABLED", ""},
		{"a role that is early", eventDump(), patchRole("stage", "BETA"), core.Differs, false, "not GA", "--stage GA"},
		{"others as the account", eventDump(), func(w *world, n names) { w.editSA(n, "roles/iam.serviceAccountTokenCreator", ada) },
			core.WideTrust, true, ada, "gcloud iam service-accounts remove-iam-policy-binding"},
		{"others as every account", eventDump(), func(w *world, n names) { w.projectRole("roles/iam.serviceAccountTokenCreator", ada) },
			core.WideTrust, true, "each of its service accounts", "gcloud projects remove-iam-policy-binding"},
		{"a disabled account", eventDump(), func(w *world, n names) { w.ask(w.owner, "POST", iamAPI+"/v1/"+n.accountName+":disable", dict{}, nil) },
			core.ShutOut, false, "is disabled", ""},
		{"a wider condition", workflow(), func(w *world, n names) { w.openWide(compiled(w.t, workflow())) },
			core.WideTrust, true, "others than the grant says", "update-oidc"},
		{"another provider", workflow(), func(w *world, n names) {
			w.ask(w.owner, "POST", iamAPI+"/v1/"+federationOf(designOf(workflow(), settings{project: SandboxProject}), "x", providerDocument{}).poolName(SandboxProject)+"/providers?workloadIdentityPoolProviderId=strangers",
				dict{"attributeMapping": dict{"google.subject": "assertion.sub"}, "oidc": dict{"issuerUri": "https://issuer.example"}}, nil)
		},
			core.WideTrust, true, "strangers", "providers delete strangers"},
		{"a key in public", eventDump(), func(w *world, n names) { w.fake.Expose(w.Keys(compiled(w.t, eventDump()))[0]) },
			core.Exposed, true, "EXPOSED", "gcloud iam service-accounts keys delete"},
	}
}

// folder makes a managed folder with one binding.
func (w *world) folder(n names, name, role, member string) {
	w.ask(w.owner, "POST", storageAPI+"/storage/v1/b/"+n.bucket+"/managedFolders", dict{"name": name}, nil)
	w.ask(w.owner, "PUT", storageAPI+managedFolderPath(n.bucket, name)+"/iam", dict{"version": 3, "bindings": []any{dict{"role": role, "members": []string{member}}}}, nil)
}

// projectRole binds a role on the project.
func (w *world) projectRole(role, member string) {
	var p wirePolicy
	at := "https://cloudresourcemanager.googleapis.com/v1/projects/" + SandboxProject
	w.ask(w.owner, "POST", at+":getIamPolicy", dict{"options": dict{"requestedPolicyVersion": 3}}, &p)
	p.Version, p.Bindings = 3, append(p.Bindings, bindingDocument{Role: role, Members: []string{member}})
	w.ask(w.owner, "POST", at+":setIamPolicy", dict{"policy": p}, nil)
}

func TestInspectionFindsEveryTampering(t *testing.T) {
	for _, c := range tamperings() {
		inWorld(t, func(t *testing.T, w *world) {
			w.apply(c.grant)
			c.do(w, namesOf(c.grant, SandboxProject))
			list := w.findings(w.Provider(), c.grant)
			if !slices.ContainsFunc(list, func(f core.Finding) bool {
				return f.Kind == c.kind && f.Grave == c.grave && f.Addr != "" && strings.Contains(f.Text, c.text) && strings.Contains(f.Fix, c.fix) && (f.Fix == "") == (c.fix == "")
			}) {
				t.Errorf("%s: got %+v, want %s (grave %v) with %q and the fix %q", c.name, list, c.kind, c.grave, c.text, c.fix)
			}
		})
	}
}

func TestWhatAnInspectionMayNotReadIsAFinding(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := eventDump()
		w.apply(g)
		needs := needsFor(compiled(t, g), verbs()[core.ForStatus])
		for i, missing := range needs {
			if !slices.Contains(missing.Verbs, core.ForStatus) || slices.Contains(missing.Verbs, core.ForPlan) {
				continue
			}
			w.projectFolder(g)
			list := w.findings(w.ProviderAs(slices.Delete(slices.Clone(needs), i, i+1)), g)
			if len(list) != 1 || list[0].Kind != core.Unread || !strings.Contains(list[0].Text, missing.Action) {
				t.Errorf("without %s: got %+v, want that it cannot be looked at, and why", missing.Action, list)
			}
		}
		w.fake.DisableAPI(SandboxProject, "cloudresourcemanager.googleapis.com")
		list := w.findings(w.Provider(), g)
		if len(list) != 1 || list[0].Kind != core.Unread || !strings.Contains(fmt.Sprint(list[0].Text, list[0].Fix), "console.developers.google.com") {
			t.Errorf("an API that is off: got %+v, want where it is enabled", list)
		}
	})
}

// projectFolder makes a managed folder of somebody else's, with nobody in it.
func (w *world) projectFolder(g core.Grant) {
	w.ask(w.owner, "POST", storageAPI+"/storage/v1/b/"+g.Target.Bucket+"/managedFolders", dict{"name": fmt.Sprintf("other-%d/", w.operators)}, nil)
}
