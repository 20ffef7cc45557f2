// Partitions: which part of AWS a region belongs to, and how that part names things.
package s3

import (
	"regexp"
	"strings"
)

// partition is one of the separate clouds that AWS runs. Accounts, names and
// credentials of one are unknown in the others.
type partition struct {
	name   string // second field of every ARN
	suffix string // of host names
}

var regionName = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+){1,3}-[0-9]{1,2}$`)

// partitionOf derives the partition from a region's name.
// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
func partitionOf(region string) partition {
	for _, p := range []struct{ prefix, name, suffix string }{
		{"cn-", "aws-cn", "amazonaws.com.cn"},
		{"us-gov-", "aws-us-gov", "amazonaws.com"},
		{"eusc-", "aws-eusc", "amazonaws.eu"},
		{"us-iso-", "aws-iso", "c2s.ic.gov"},
		{"us-isob-", "aws-iso-b", "sc2s.sgov.gov"},
		{"eu-isoe-", "aws-iso-e", "cloud.adc-e.uk"},
		{"us-isof-", "aws-iso-f", "csp.hci.ic.gov"},
	} {
		if strings.HasPrefix(region, p.prefix) {
			return partition{p.name, p.suffix}
		}
	}
	return partition{"aws", "amazonaws.com"}
}

// arnField is one of the fields of an ARN, counted from 0; "" if there is none.
func arnField(arn string, n int) string {
	fields := strings.SplitN(arn, ":", 6)
	if n >= len(fields) || fields[0] != "arn" {
		return ""
	}
	return fields[n]
}

// withoutSession is the ARN of a caller whenever it signs in. A session of an
// assumed role has a name that many tools make anew each time.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
func withoutSession(arn string) string {
	before, session, ok := strings.Cut(arn, ":assumed-role/")
	if !ok {
		return arn
	}
	role, _, _ := strings.Cut(session, "/")
	return before + ":assumed-role/" + role
}
