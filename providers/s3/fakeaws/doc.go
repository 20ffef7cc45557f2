// Package fakeaws is an AWS made of memory: IAM, STS and S3 behind one
// [net/http.Handler].
//
// It authenticates every request (Signature Version 4) and enforces IAM, so
// that whoever holds a credential can do exactly what the policies say and is
// refused the rest, in AWS's own words. Real clients work on it unchanged.
//
// It is written from AWS's documentation and imports neither the core nor the
// provider nor an SDK: two witnesses must not rehearse together.
//
// The world around the account is played as well: further accounts
// ([Cloud.AddAccount]), identity providers that sign tokens
// ([Cloud.IssueClaims]), services that take on roles ([Cloud.AssumeAsService]),
// and the places that requests come from ([Cloud.From]).
//
// A request is served in this order: who asks ([Cloud.ServeHTTP], sigv4.go),
// what is asked (iam.go, sts.go, s3.go hold one table each), may it be done
// ([Evaluate]), and only then does it exist. The order is AWS's, and it is why
// a refusal tells a stranger nothing.
package fakeaws
