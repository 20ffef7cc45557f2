//go:build conformance

// What the models of AWS's clients let pass, and what they must not.
package contract

import (
	"slices"
	"strings"
	"testing"
)

func TestConformanceModelsConvictWhatAWSWouldNotSayOrTake(t *testing.T) {
	aws, err := OfAWS()
	if err != nil {
		t.Fatal(err)
	}
	iam := func(form string, status int, answer string) Exchange {
		return exchange("POST", "https://iam.amazonaws.com/", form, status, answer)
	}
	s3 := func(method, path, sent string, status int, answer string, headers ...string) Exchange {
		e := exchange(method, "https://acme.s3.eu-west-1.amazonaws.com"+path, sent, status, answer)
		for i := 0; i < len(headers); i += 2 {
			e.Request.Header.Set(headers[i], headers[i+1])
		}
		return e
	}
	const (
		list = "Action=ListAccessKeys&Version=2010-05-08&UserName=a"
		fine = "<ListAccessKeysResponse><ListAccessKeysResult><AccessKeyMetadata><member><Status>Active</Status></member></AccessKeyMetadata><IsTruncated>false</IsTruncated></ListAccessKeysResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></ListAccessKeysResponse>"
	)
	for name, c := range map[string]struct {
		e     Exchange
		fault string // "" if all is well
	}{
		"all is well":                {iam(list, 200, fine), ""},
		"an action":                  {iam("Action=ListKeys&Version=2010-05-08", 200, fine), "no action"},
		"a version":                  {iam("Action=ListAccessKeys&Version=2011", 200, fine), "version"},
		"a parameter":                {iam(list+"&Username=b", 200, fine), "no parameter Username"},
		"a parameter that is needed": {iam("Action=CreateUser&Version=2010-05-08", 400, "<ErrorResponse/>"), "UserName is required"},
		"a pattern":                  {iam("Action=ListAccessKeys&Version=2010-05-08&UserName=a%2Fb", 200, fine), "does not match"},
		"a member":                   {iam(list, 200, strings.Replace(fine, "<AccessKeyMetadata>", "<UserName>a</UserName><AccessKeyMetadata>", 1)), "no member <UserName>"},
		"a word that is none of two": {iam(list, 200, strings.Replace(fine, "Active", "On", 1)), "want one of"},
		"a boolean":                  {iam(list, 200, strings.Replace(fine, "false", "no", 1)), "not a boolean"},
		"a request's ID":             {iam(list, 200, strings.Replace(fine, "RequestId", "Id", 2)), "no request ID"},
		"an error's code":            {iam(list, 404, "<ErrorResponse><Error><Code>NoSuchUser</Code><Message>m</Message></Error></ErrorResponse>"), "does not fail with"},
		"a bucket is well":           {s3("PUT", "/?versioning", `<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>`, 200, ""), ""},
		"a header":                   {s3("PUT", "/?versioning", "", 200, "", "X-Amz-Acl", "private"), "header: no x-amz-acl"},
		"a root":                     {s3("PUT", "/?versioning", `<Versioning><Status>Enabled</Status></Versioning>`, 200, ""), "want <VersioningConfiguration>"},
		"a word of a bucket":         {s3("PUT", "/?versioning", `<VersioningConfiguration><Status>On</Status></VersioningConfiguration>`, 200, ""), "want one of"},
		"a parameter of a bucket":    {s3("GET", "/?list-type=2&perfix=a", "", 200, "<ListBucketResult/>"), "no parameter perfix"},
		"an answer of a bucket":      {s3("GET", "/?list-type=2", "", 200, "<ListBucketResult><Keys/></ListBucketResult>"), "no member <Keys>"},
		"an error of a bucket":       {s3("GET", "/?list-type=2", "", 403, "<Errors/>"), "has another form"},
		"a service":                  {exchange("POST", "https://kms.eu-west-1.amazonaws.com/", "", 200, ""), "no model of this service"},
	} {
		if _, got := aws.Check(c.e); c.fault == "" && len(got) > 0 || c.fault != "" && !slices.ContainsFunc(got, func(f string) bool { return strings.Contains(f, c.fault) }) {
			t.Errorf("%s: got %q, want %q", name, got, c.fault)
		}
	}
}
