// Promises about the roles that AWS Backup takes on.
package s3

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/bucketgrant/bucketgrant/core"
)

func backupGrant() core.Grant {
	return core.Grant{
		Name: "acme-archive", Profile: "aws-backup", Who: core.WhoService,
		Target: core.Target{Bucket: "acme-archive", Region: "eu-west-1"},
		Native: json.RawMessage(`{"layout":"backup-service"}`),
	}
}

func restoringGrant() core.Grant {
	g := backupGrant()
	g.Settings = map[string]string{setRestoreRole: yes}
	return g
}

func documentedBackup() core.Grant {
	g := backupGrant()
	g.Literal = true
	return g
}

const backupTrust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"backup.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// The document says how many actions there are under each Sid.
func TestDocumentedPoliciesAreTheDocuments(t *testing.T) {
	want := map[string]map[string]int{
		"s3-backup-policy": {
			"S3BucketBackupPermissions": 9, "S3ObjectBackupPermissions": 6, "S3GlobalPermissions": 1,
			"KMSBackupPermissions": 2, "EventsPermissions": 8, "EventsMetricsGlobalPermissions": 2,
		},
		"s3-restore-policy": {"S3BucketRestorePermissions": 6, "S3ObjectRestorePermissions": 11, "S3KMSPermissions": 3},
	}
	sizes := map[string]int{"s3-backup-policy": 1256, "s3-restore-policy": 768}
	for _, p := range backups().Documented.Policies {
		var doc struct {
			Statement []struct {
				Sid    string
				Action []string
			}
		}
		if err := json.Unmarshal(p.Document, &doc); err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		for _, s := range doc.Statement {
			got[s.Sid] = len(s.Action)
		}
		if string(mustJSON(got)) != string(mustJSON(want[p.Name])) || len(mustJSON(p.Document)) != sizes[p.Name] {
			t.Errorf("%s: got %v in %d characters, want %v in %d", p.Name, got, len(mustJSON(p.Document)), want[p.Name], sizes[p.Name])
		}
	}
}

// The fake has AWS's policies from the same pages, read by somebody else.
func TestManagedPoliciesAreAsTheFakeHasThem(t *testing.T) {
	for _, m := range backups().Managed {
		raw, err := os.ReadFile("fakeaws/managed/" + m.Name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var theirs struct {
			Version  string
			Document json.RawMessage
		}
		if err := json.Unmarshal(raw, &theirs); err != nil {
			t.Fatal(err)
		}
		if got, want := slices.Compact(m.actions()), actionsIn(theirs.Document); !slices.Equal(got, want) || m.Version != theirs.Version {
			t.Errorf("%s: got %s with %v, want %s with %v", m.Name, m.Version, got, theirs.Version, want)
		}
	}
}

func TestBackupRolesNameTheBucketAndTheKey(t *testing.T) {
	g := restoringGrant()
	g.Settings[setKMSKey] = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	b, err := core.Compile(New(Config{}), g)
	if err != nil {
		t.Fatal(err)
	}
	everywhere := regexp.MustCompile(`"Resource":"\*"|s3:::\*`)
	for _, d := range b.Documents {
		if !strings.HasSuffix(d.Name, "-policy") || d.Name == "bucket-policy" {
			continue
		}
		for _, raw := range rawStatements(t, d.Body) {
			sid := sidOf(raw)
			if wide := everywhere.Match(raw); wide != (sid == "Buckets" || sid == "Metrics") {
				t.Errorf("%s, statement %s: got %s; only what AWS needs everywhere may be so", d.Name, sid, raw)
			}
		}
	}
}

func rawStatements(t *testing.T, body []byte) []json.RawMessage {
	t.Helper()
	shelf, err := openShelf(string(body))
	if err != nil {
		t.Fatal(err)
	}
	return shelf.statements
}

func TestBackupIsProvenByTheSimulator(t *testing.T) {
	for name, g := range map[string]core.Grant{"backup": backupGrant(), "with restores": restoringGrant(), "documented": documentedBackup()} {
		t.Run(name, func(t *testing.T) {
			inTown(t, func(t *town) {
				r := t.must(t.apply(g, core.ApplyOptions{}))
				if r.How != core.Simulated || len(r.Failures()) > 0 {
					t.Errorf("got proof %s with failures %+v, want simulated, none failed", r.How, r.Failures())
				}
				foreign := 0
				for _, row := range r.Rows {
					if row.Where == core.Elsewhere && row.Action != "" {
						foreign++
					}
				}
				if (foreign > 0) == g.Literal {
					t.Errorf("got %d actions asked for on another bucket; want some in the sound form only", foreign)
				}
				if again := t.again(g); len(again) > 0 {
					t.Errorf("a second apply: got %v, want no change", again)
				}
				d, _ := draw(g)
				if _, _, _, err := t.w.cloud.AssumeAsService(backupService, d.layout.grantee(d, "111122223333")); err != nil {
					t.Errorf("AWS Backup takes the role on: got %v, want success", err)
				}
				if _, _, _, err := t.w.cloud.AssumeAsService("ec2.amazonaws.com", d.layout.grantee(d, "111122223333")); err == nil {
					t.Error("another service takes the role on: got success, want a refusal")
				}
			})
		})
	}
}

func TestRoleForRestoresComesAndGoes(t *testing.T) {
	inTown(t, func(t *town) {
		t.again(backupGrant())
		if got, want := t.again(restoringGrant()), []string{"+ iam:role/acme-archive-restore", "+ iam:role/acme-archive-restore/bucketgrant"}; !slices.Equal(got, want) {
			t.Errorf("with restore-role: got %v, want %v", got, want)
		}
		if got, want := t.again(backupGrant()), []string{"- iam:role/acme-archive-restore", "- iam:role/acme-archive-restore/bucketgrant"}; !slices.Equal(got, want) {
			t.Errorf("without it: got %v, want %v", got, want)
		}
		t.again(restoringGrant())
		t.destroy(backupGrant(), core.Absent)
		for _, name := range []string{"acme-archive-backup", "acme-archive-restore"} {
			if v, err := newSessionOf(t).readRole(t.Context(), name); err != nil || v.role != nil {
				t.Errorf("after a destroy: got role %v, error %v; want neither", v.role, err)
			}
		}
	})
}

func TestNothingIsTakenOutOfADefaultRoleThatIsNotOurs(t *testing.T) {
	inTown(t, func(t *town) {
		name, path := aws.String("AWSBackupDefaultServiceRole"), aws.String("/service-role/")
		t.w.now(func(ctx context.Context) {
			t.w.ok(t.w.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, Path: path, AssumeRolePolicyDocument: aws.String(backupTrust)}))
			t.w.ok(t.w.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: aws.String("theirs"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"rds:DescribeDBSnapshots","Resource":"*"}}`)}))
		})
		want := []string{"+ iam:role/AWSBackupDefaultServiceRole/s3-backup-policy", "+ iam:role/AWSBackupDefaultServiceRole/s3-restore-policy"}
		got := slices.DeleteFunc(t.again(documentedBackup()), func(s string) bool { return strings.Contains(s, "s3:bucket") })
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		t.destroy(documentedBackup(), core.Absent)
		out, err := t.w.iam.ListRolePolicies(t.Context(), &iam.ListRolePoliciesInput{RoleName: name})
		if err != nil || !slices.Equal(out.PolicyNames, []string{"s3-backup-policy", "s3-restore-policy", "theirs"}) { // nothing shows who wrote the document's two
			t.Errorf("after a destroy: got policies %v, error %v; want all of them", out.PolicyNames, err)
		}
	})
}

func TestDefaultRoleOfOneGrantServesAnotherAndStays(t *testing.T) {
	inTown(t, func(t *town) {
		second := documentedBackup()
		second.Name, second.Target.Bucket = "acme-more", "acme-more"
		t.again(documentedBackup())
		for _, change := range t.again(second) {
			if strings.Contains(change, "iam:") && change != "+ iam:role/AWSBackupDefaultServiceRole/used-by/acme-more" {
				t.Errorf("a second grant: got %s, want the role used as it is, and that noted", change)
			}
		}
		if again := t.again(second); len(again) > 0 {
			t.Errorf("a second apply of the second: got %v, want no change", again)
		}
		for _, c := range t.destroy(second, core.Absent) {
			if c.Addr != "iam:role/AWSBackupDefaultServiceRole/used-by/acme-more" {
				t.Errorf("the end of the second: got %s %s, want the role left to the first", c.Action, c.Addr)
			}
		}
		t.must(t.apply(documentedBackup(), core.ApplyOptions{}))
	})
}

func TestDefaultRoleStaysUntilTheLastGrantThatUsesItEnds(t *testing.T) {
	inTown(t, func(t *town) {
		var grants []core.Grant
		for _, name := range []string{"acme-archive", "acme-more", "acme-most"} {
			g := documentedBackup()
			g.Name, g.Target.Bucket = name, name
			t.again(g)
			grants = append(grants, g)
		}
		for i, g := range grants {
			t.destroy(g, core.Absent)
			v, err := newSessionOf(t).readRole(t.Context(), "AWSBackupDefaultServiceRole")
			if last := i == len(grants)-1; err != nil || (v.role == nil) != last {
				t.Fatalf("after the end of %s: got role %v, error %v; want it there: %t", g.Name, v.role, err, !last)
			}
			for _, other := range grants[i+1:] {
				if r := t.must(t.apply(other, core.ApplyOptions{})); len(r.Changes) > 0 || len(r.Failures()) > 0 {
					t.Errorf("%s after the end of %s: got changes %+v, failures %+v; want neither", other.Name, g.Name, r.Changes, r.Failures())
				}
			}
			if again := t.destroy(g, core.Absent); len(again) > 0 {
				t.Errorf("a second end of %s: got %+v, want nothing to do", g.Name, again)
			}
		}
	})
}

func TestPolicyOfTheDocumentsNameThatSaysSomethingElseIsRefused(t *testing.T) {
	inTown(t, func(t *town) {
		name := aws.String("AWSBackupDefaultServiceRole")
		t.w.now(func(ctx context.Context) {
			t.w.ok(t.w.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, Path: aws.String("/service-role/"), AssumeRolePolicyDocument: aws.String(backupTrust)}))
			t.w.ok(t.w.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: aws.String("s3-backup-policy"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}`)}))
		})
		if c := t.refused(documentedBackup()); c.Addr != "iam:role/AWSBackupDefaultServiceRole/s3-backup-policy" || c.Hint == "" {
			t.Errorf("got %+v, want the policy refused with a hint", c)
		}
		for _, c := range t.destroy(documentedBackup(), core.Absent) {
			t.Errorf("a destroy: got %s %s, want what is not ours left", c.Action, c.Addr)
		}
	})
}

func TestAdoptedBucketWithoutVersionsIsRefused(t *testing.T) {
	inTown(t, func(t *town) {
		g := backupGrant()
		g.Target.Adopt = true
		t.w.now(func(ctx context.Context) { t.w.bucket(ctx, t.w.s3, g.Target.Bucket) })
		if c := t.refused(g); !strings.Contains(c.Hint, "put-bucket-versioning") {
			t.Errorf("got %+v, want versioning demanded with the command for it", c)
		}
		t.w.now(func(ctx context.Context) {
			t.w.ok(t.w.s3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: &g.Target.Bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}}))
		})
		t.must(t.apply(g, core.ApplyOptions{}))
		if b := mustCompile(t.T, g); !strings.Contains(strings.Join(b.Notes, "\n"), "no lifecycle rule") {
			t.Errorf("got notes %q, want a word about the lifecycle rule that is missing", b.Notes)
		}
	})
}

func TestPlanTellsHowTheDocumentDiffersFromAWSsOwnPolicies(t *testing.T) {
	literal, err := core.Compile(New(Config{}), documentedBackup())
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(literal.Notes, "\n")
	for _, want := range []string{"without backup:TagResource, s3:GetBucketAcl", "without s3:GetBucketOwnershipControls, s3:PutBucketOwnershipControls", "v4 of 2024-05-17", "3 billion"} {
		if !strings.Contains(text, want) {
			t.Errorf("got notes without %q:\n%s", want, text)
		}
	}
	m := backups().Managed[0]
	if got := difference(m.actions(), append(m.actions(), "s3:GetNew")); got != "without s3:GetNew" {
		t.Errorf("a policy of AWS's that has gained an action: got %q", got)
	}
}

func TestDestroyOfABackupRoleWarnsOfWhatStaysAndCosts(t *testing.T) {
	inTown(t, func(t *town) {
		t.again(backupGrant())
		t.again(restoringGrant())
		for _, c := range t.destroy(restoringGrant(), core.Absent) {
			if got, want := strings.Contains(c.Why, "recovery points"), c.Addr == "iam:role/acme-archive-backup"; got != want {
				t.Errorf("%s: got %q, want a word about recovery points: %t", c.Addr, c.Why, want)
			}
		}
	})
}

func TestWhatTheServiceCannotDoIsRefusedBeforeAnyCall(t *testing.T) {
	for field, change := range map[string]func(*core.Grant){
		"prefix":       func(g *core.Grant) { g.Target.Prefix = "a/" },
		"region":       func(g *core.Grant) { g.Literal, g.Target.Region = true, "cn-north-1" },
		setRestoreRole: func(g *core.Grant) { g.Literal, g.Settings = true, map[string]string{setRestoreRole: yes} },
	} {
		g := backupGrant()
		change(&g)
		if _, faults := draw(g); len(faults) != 1 || faults[0].Field != field || faults[0].Accepts == "" {
			t.Errorf("got %+v, want one fault about %s", faults, field)
		}
	}
}
