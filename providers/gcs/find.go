// Find: every grant of a project, by the marks that its parts carry.
package gcs

import (
	"context"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"google.golang.org/api/iam/v1"

	"github.com/bucketgrant/bucketgrant/core"
)

var _ core.Finder = (*Provider)(nil)

// Find lists the grants of the project. What is deleted and can be restored is no grant.
func (p *Provider) Find(ctx context.Context, settings map[string]string) (core.Operator, []core.Found, error) {
	s, faults := readSettings(core.Grant{Settings: settings})
	if err := faults.Err(); err != nil {
		return core.Operator{}, nil, err
	}
	who, c, err := p.enter(s.project)
	if err != nil {
		return who, nil, err
	}
	f := &finding{cloud: c, project: s.project}
	if err := f.read(ctx); err != nil {
		return who, nil, err
	}
	return who, f.grants(), nil
}

// finding is what can be seen of a project's grants.
type finding struct {
	cloud     *cloud
	project   string
	accounts  []*iam.ServiceAccount
	roles     []*iam.Role
	pools     []*iam.WorkloadIdentityPool
	buckets   []bucketSeen
	hmacKeys  []hmacMetadata
	keys      map[string][]*iam.ServiceAccountKey // by the account's address
	providers map[string][]*iam.WorkloadIdentityPoolProvider
	bound     map[string][]boundAt // by the role's full name
	unread    error                // why the policy of a bucket without our mark could not be read; nil if all could be
}

// bucketSeen is a bucket as the project's list of them shows it.
type bucketSeen struct {
	Name     string            `json:"name"`
	Location string            `json:"location"`
	Labels   map[string]string `json:"labels"`
	Created  time.Time         `json:"timeCreated"`
}

// boundAt is where a role of ours is bound.
type boundAt struct {
	bucket bucketSeen
	folder string
	rule   rule
}

// listed is one page of any list.
type listed struct {
	Accounts  []*iam.ServiceAccount               `json:"accounts"`
	Roles     []*iam.Role                         `json:"roles"`
	Pools     []*iam.WorkloadIdentityPool         `json:"workloadIdentityPools"`
	Providers []*iam.WorkloadIdentityPoolProvider `json:"workloadIdentityPoolProviders"`
	Next      string                              `json:"nextPageToken"`
}

func (l listed) next() string { return l.Next }

type listedBuckets struct {
	Items []bucketSeen `json:"items"`
	Next  string       `json:"nextPageToken"`
}

func (l listedBuckets) next() string { return l.Next }

type listedHMAC struct {
	Items []hmacMetadata `json:"items"`
	Next  string         `json:"nextPageToken"`
}

func (l listedHMAC) next() string { return l.Next }

// read reads the lists side by side, and then what hangs on what is ours.
func (f *finding) read(ctx context.Context) error {
	at := "projects/" + f.project
	err := core.Together(ctx,
		func(ctx context.Context) error {
			return explain(at, pages(ctx, f.cloud, "iam", "/v1/"+at+"/serviceAccounts?pageSize=100", func(p listed) {
				for _, a := range p.Accounts {
					if grant := grantIn(a.Description); grant != "" && a.Email == accountID(grant)+"@"+accountDomain(f.project) {
						f.accounts = append(f.accounts, a)
					}
				}
			}))
		},
		func(ctx context.Context) error {
			return explain(at, pages(ctx, f.cloud, "iam", "/v1/"+at+"/roles?pageSize=1000", func(p listed) {
				for _, r := range p.Roles {
					if grant := grantIn(r.Description); grant != "" && path.Base(r.Name) == roleID(grant) {
						f.roles = append(f.roles, r)
					}
				}
			}))
		},
		func(ctx context.Context) error {
			return explain(at, pages(ctx, f.cloud, "iam", "/v1/"+at+"/locations/global/workloadIdentityPools?pageSize=1000", func(p listed) {
				for _, one := range p.Pools {
					if grant := grantIn(one.Description); grant != "" && path.Base(one.Name) == poolID(grant) {
						f.pools = append(f.pools, one)
					}
				}
			}))
		},
		func(ctx context.Context) error {
			return explain(at, pages(ctx, f.cloud, "storage", "/storage/v1/b?projection=noAcl&maxResults=1000&project="+url.QueryEscape(f.project), func(p listedBuckets) {
				f.buckets = append(f.buckets, p.Items...)
			}))
		},
		func(ctx context.Context) error {
			return explain(at, pages(ctx, f.cloud, "storage", "/storage/v1/projects/"+url.PathEscape(f.project)+"/hmacKeys?maxResults=1000", func(p listedHMAC) {
				f.hmacKeys = append(f.hmacKeys, p.Items...)
			}))
		},
	)
	if err != nil {
		return err
	}
	return core.Together(ctx, f.readKeys, f.readProviders, f.readBindings)
}

// readKeys asks every account of ours for its keys, a few side by side.
func (f *finding) readKeys(ctx context.Context) error {
	found, err := each(ctx, f.accounts, func(ctx context.Context, a *iam.ServiceAccount) ([]*iam.ServiceAccountKey, error) {
		list, err := fetch[iam.ListServiceAccountKeysResponse](ctx, f.cloud, "iam", "/v1/projects/"+f.project+"/serviceAccounts/"+a.UniqueId+"/keys?keyTypes="+userManaged)
		if isMissing(err) {
			return nil, nil
		}
		return list.Keys, explain("iam:key/"+a.Email, err)
	})
	f.keys = map[string][]*iam.ServiceAccountKey{}
	for n, a := range f.accounts {
		f.keys[a.Email] = found[n]
	}
	return err
}

// readProviders asks every pool of ours whom it lets in.
func (f *finding) readProviders(ctx context.Context) error {
	found, err := each(ctx, f.pools, func(ctx context.Context, pool *iam.WorkloadIdentityPool) (list []*iam.WorkloadIdentityPoolProvider, err error) {
		err = pages(ctx, f.cloud, "iam", "/v1/"+pool.Name+"/providers?pageSize=100", func(p listed) { list = append(list, p.Providers...) })
		if isMissing(err) {
			return nil, nil
		}
		return list, explain("iam:workloadIdentityPool/"+path.Base(pool.Name), err)
	})
	f.providers = map[string][]*iam.WorkloadIdentityPoolProvider{}
	for n, pool := range f.pools {
		f.providers[pool.Name] = found[n]
	}
	return err
}

// readBindings looks for the roles of ours in the buckets with our label, and for
// those that are not bound there in all others, since one that was adopted has no label.
func (f *finding) readBindings(ctx context.Context) error {
	f.bound = map[string][]boundAt{}
	if len(f.roles) == 0 {
		return nil
	}
	labelled := func(b bucketSeen) bool { return b.Labels[managedBy] == ourTool }
	ours, others := slices.Clone(f.buckets), slices.Clone(f.buckets)
	ours = slices.DeleteFunc(ours, func(b bucketSeen) bool { return !labelled(b) })
	others = slices.DeleteFunc(others, labelled)
	if err := f.readPolicies(ctx, ours, false); err != nil {
		return err
	}
	if !slices.ContainsFunc(f.roles, func(r *iam.Role) bool { return len(f.bound[r.Name]) == 0 }) {
		return nil
	}
	return f.readPolicies(ctx, others, true)
}

// readPolicies reads the policies of buckets, and of those managed folders in them
// that a role of ours says it is bound on. strange says that they may be closed to us.
func (f *finding) readPolicies(ctx context.Context, buckets []bucketSeen, strange bool) error {
	folders := map[string]bool{}
	for _, r := range f.roles {
		if mark := folderIn(r.Description); mark != "" && len(f.bound[r.Name]) == 0 {
			folders[mark] = true
		}
	}
	r := &run{cloud: f.cloud}
	found, err := each(ctx, buckets, func(ctx context.Context, b bucketSeen) (all []boundAt, err error) {
		var names []string
		err = core.Together(ctx,
			func(ctx context.Context) error {
				rules, err := r.rulesAt(ctx, bucketPath(b.Name))
				for _, rule := range rules {
					all = append(all, boundAt{bucket: b, rule: rule})
				}
				return err
			},
			func(ctx context.Context) (err error) {
				if len(folders) > 0 {
					names, err = managedFolders(ctx, f.cloud, b.Name)
				}
				return err
			})
		for _, name := range names {
			if err != nil || !folders[folderSum(name)] {
				continue
			}
			var rules []rule
			rules, err = r.rulesAt(ctx, managedFolderPath(b.Name, name))
			for _, rule := range rules {
				all = append(all, boundAt{b, name, rule})
			}
		}
		if strange && refused(err) {
			return all, &closed{err}
		}
		return all, explain("gcs:bucket/"+b.Name, err)
	})
	for _, at := range slices.Concat(found...) {
		if strings.HasPrefix(at.rule.role, "projects/"+f.project+"/roles/"+ourTool+"_") {
			f.bound[at.rule.role] = append(f.bound[at.rule.role], at)
		}
	}
	if c, is := err.(*closed); is { //nolint:errorlint // made right here
		f.unread, err = c.error, nil
	}
	return err
}

// closed is a refusal to show what is none of ours.
type closed struct{ error }
