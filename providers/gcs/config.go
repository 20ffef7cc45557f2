// Configuration: what only Google Cloud asks for, and the gate before foreign endpoints.
package gcs

import (
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// Config is how a [Provider] reaches Google Cloud.
type Config struct {
	core.Connection
	Transport   http.RoundTripper // nil: the real network
	Credentials []byte            // the operator's key file; nil: application default credentials
	StandIn     StandIn           // for grantees that are somebody else's; nil: they cannot be tried
}

// The names of the settings.
const (
	projectSetting    = "project"
	kmsKeySetting     = "kms-key"
	softDeleteSetting = "soft-delete"
)

// defaultSoftDelete is how many days a deleted object can be restored.
const defaultSoftDelete = 7

// settingList is everybody's settings, and then those of each kind of grantee.
func settingList() []core.Setting {
	list := []core.Setting{
		{Name: projectSetting, Usage: "ID of the project that owns the bucket, the role and the service account", Example: "acme-project",
			Env: []string{"GOOGLE_CLOUD_PROJECT"}, Required: true},
		{Name: kmsKeySetting, Usage: "Cloud KMS key that encrypts new objects by default; the project's Cloud Storage service agent must be allowed to use it",
			Example: "projects/acme-project/locations/eu/keyRings/events/cryptoKeys/bucket"},
		{Name: softDeleteSetting, Usage: "days that deleted objects can be restored: 0, or 7 to 90 (default 7)", Example: "7"},
	}
	for _, k := range grantees() {
		for _, s := range k.settings() {
			i := slices.IndexFunc(list, func(have core.Setting) bool { return have.Name == s.Name })
			if i < 0 {
				i = len(list)
				list = append(list, s)
			}
			list[i].Only = append(slices.Clone(list[i].Only), k.identity().Who)
		}
	}
	return list
}

// settingNames are those that a grant of that kind of grantee may have.
func settingNames(w core.Who) string {
	var names []string
	for _, s := range settingList() {
		if s.For(w) {
			names = append(names, s.Name)
		}
	}
	return strings.Join(names, ", ")
}

// settings are a grant's settings, read.
type settings struct {
	project       string
	kmsKey        string
	softDelete    int  // days
	softDeleteSet bool // said by the user, not the default
}

var (
	// An ID, with its domain if the project belongs to one.
	// https://cloud.google.com/resource-manager/docs/creating-managing-projects
	projectID = regexp.MustCompile(`^([a-z0-9-]+(\.[a-z0-9-]+)+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$`)
	keyName   = regexp.MustCompile(`^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$`)
)

// readSettings reads g's settings and names everything wrong with them.
func readSettings(g core.Grant) (settings, core.Faults) {
	var f core.Faults
	known := settingList()
	for name, value := range g.Settings {
		if !slices.ContainsFunc(known, func(s core.Setting) bool { return s.Name == name }) {
			f = append(f, core.Fault{Field: name, Value: value, Rule: "is not a setting of Google Cloud Storage", Accepts: settingNames(g.Who)})
		}
	}
	slices.SortFunc(f, func(a, b core.Fault) int { return strings.Compare(a.Field, b.Field) })
	s := settings{project: g.Settings[projectSetting], kmsKey: g.Settings[kmsKeySetting], softDelete: defaultSoftDelete}
	const project = `a project ID: 6 to 30 of a-z, 0-9 and "-", beginning with a letter, e.g. "acme-project"`
	switch {
	case s.project == "":
		f = append(f, core.Fault{Field: projectSetting, Rule: "is missing", Accepts: project})
	case !projectID.MatchString(s.project):
		f = append(f, core.Fault{Field: projectSetting, Value: s.project, Rule: "is not a project ID", Accepts: project})
	}
	if s.kmsKey != "" && !keyName.MatchString(s.kmsKey) {
		f = append(f, core.Fault{Field: kmsKeySetting, Value: s.kmsKey, Rule: "is not the full name of a key", Accepts: known[1].Example})
	}
	if text := g.Settings[softDeleteSetting]; text != "" {
		days, err := strconv.Atoi(text)
		if err != nil || days != 0 && (days < 7 || days > 90) {
			f = append(f, core.Fault{Field: softDeleteSetting, Value: text, Rule: "is not a number of days that Cloud Storage accepts", Accepts: "0, or 7 to 90"})
		}
		s.softDelete, s.softDeleteSet = days, true
	}
	return s, f
}

const (
	emulatorEnv = "STORAGE_EMULATOR_HOST"
	universeEnv = "GOOGLE_CLOUD_UNIVERSE_DOMAIN"
	universe    = "googleapis.com"
)

// endpoints are the hosts other than Google's own that the environment names.
func endpoints() (list []string, f core.Faults) {
	if host := os.Getenv(emulatorEnv); host != "" {
		list = append(list, host)
		f = append(f, core.Fault{Field: emulatorEnv, Value: host, Rule: "sends Cloud Storage calls to a host that is not Google's",
			Accepts: "the variable unset, or --allow-endpoint"})
	}
	if domain := os.Getenv(universeEnv); domain != "" && domain != universe {
		list = append(list, domain)
		f = append(f, core.Fault{Field: universeEnv, Value: domain, Rule: "names a cloud that is not Google's own",
			Accepts: "the variable unset, or --allow-endpoint"})
	}
	return list, f
}

// endpoint is where the cloud is.
type endpoint struct {
	universe string // the domain of its hosts
	storage  string // where Cloud Storage is, without a path
}

// google is Google's own cloud.
func google() endpoint { return endpoint{universe, "https://storage." + universe} }

// endpointNamed is the one that the environment names.
func endpointNamed() endpoint {
	p := google()
	if domain := os.Getenv(universeEnv); domain != "" {
		p = endpoint{domain, "https://storage." + domain}
	}
	if host := os.Getenv(emulatorEnv); host != "" {
		if !strings.Contains(host, "://") {
			host = "http://" + host
		}
		p.storage = host
		if u, err := url.Parse(host); err == nil {
			p.storage = u.Scheme + "://" + u.Host
		}
	}
	return p
}
