// The profiles beside the main one, as grants that the tests and the judge take through their lives.
package gcs

import (
	"maps"
	"slices"

	"github.com/bucketgrant/bucketgrant/core"
)

// ownGrants are grants to service accounts of the project's own.
func ownGrants() map[string]core.Grant {
	readOnly := clickhouse()
	readOnly.Name, readOnly.Can = "clickhouse-acme-archive", []core.Ability{core.Read, core.List}
	everything := clickhouse()
	everything.Name, everything.Target.Prefix = "clickhouse-acme-all", ""
	everything.Can = append(slices.Clone(everything.Can), core.Locate, core.Uploads, core.Resume)
	putOnly := strict(siteBackup("b.example"))
	return map[string]core.Grant{
		"event-dump certificate":  withCertificate(goodCertificate()),
		"clickhouse":              clickhouse(),
		"clickhouse read-only":    readOnly,
		"clickhouse whole bucket": everything,
		"site-backup":             siteBackup("a.example"),
		"site-backup put-only":    putOnly,
	}
}

func joined(all ...map[string]core.Grant) map[string]core.Grant {
	out := map[string]core.Grant{}
	for _, some := range all {
		maps.Copy(out, some)
	}
	return out
}
