// Access keys.
package fakeaws

import (
	"slices"
	"strings"
)

func keyOps() map[string]iamOp {
	return map[string]iamOp{
		"CreateAccessKey":      {"user", true, createAccessKey},
		"ListAccessKeys":       {"user", false, listAccessKeys},
		"UpdateAccessKey":      {"user", true, updateAccessKey},
		"DeleteAccessKey":      {"user", true, deleteAccessKey},
		"GetAccessKeyLastUsed": {"key's user", false, getAccessKeyLastUsed},
	}
}

type keyXML struct {
	UserName        string `xml:",omitempty"`
	AccessKeyID     string `xml:"AccessKeyId"`
	Status          string
	SecretAccessKey string `xml:",omitempty"`
	CreateDate      string
}

// keyOwner is the named user, or the caller if none is named.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html
func (k *iamCall) keyOwner(reading bool) (display, lower string, err error) {
	if k.form.Get("UserName") == "" {
		switch {
		case k.who.key.Session != nil:
			return "", "", &apiError{Code: "ValidationError", Status: 400, Message: "Must specify userName when calling with non-User credentials"}
		case k.who.key.User == "":
			return "", "", nil
		}
		u := k.acct.Users[k.who.key.User]
		return u.Name, k.who.key.User, nil
	}
	u, err := k.user(reading)
	if err != nil {
		return "", "", err
	}
	return u.Name, strings.ToLower(u.Name), nil
}

// keysOf lists a user's keys, oldest first: as readers see them, or as they are.
func (k *iamCall) keysOf(name string, seen bool) []*accessKey {
	var list []*accessKey
	for _, key := range k.state.Keys {
		status := key.Status.Now
		if seen {
			status = key.Status.Seen()
		}
		if key.Account == k.acct.ID && key.Session == nil && key.User == strings.ToLower(name) && status != "" {
			list = append(list, key)
		}
	}
	slices.SortFunc(list, func(a, b *accessKey) int {
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list
}

func createAccessKey(k *iamCall) (any, error) {
	display, owner, err := k.keyOwner(false)
	if err != nil {
		return nil, err
	}
	if err := k.room(len(k.keysOf(owner, false)), "AccessKeysPerUserQuota", "AccessKeysPerUser"); err != nil {
		return nil, err
	}
	key := k.newKey(k.acct, owner, k.lag())
	return struct{ AccessKey keyXML }{keyXML{display, key.ID, "Active", key.Secret, stamp(key.Created)}}, nil
}

func listAccessKeys(k *iamCall) (any, error) {
	display, owner, err := k.keyOwner(true)
	if err != nil {
		return nil, err
	}
	var list []keyXML
	for _, key := range k.keysOf(owner, true) {
		list = append(list, keyXML{UserName: display, AccessKeyID: key.ID, Status: key.Status.Seen(), CreateDate: stamp(key.Created)})
	}
	cut, more, marker, bad := page(k.form, list)
	if bad != nil {
		return nil, bad
	}
	return struct {
		AccessKeyMetadata members[keyXML]
		paged
	}{listOf(cut), paged{more, marker}}, nil
}

// key finds the key of the call, which has to be its owner's.
func (k *iamCall) key() (*accessKey, error) {
	_, owner, err := k.keyOwner(false)
	if err != nil {
		return nil, err
	}
	id := k.form.Get("AccessKeyId")
	key := k.state.Keys[id]
	if key == nil || key.Account != k.acct.ID || key.User != owner || key.Session != nil || key.Status.Now == "" {
		return nil, &apiError{Code: "NoSuchEntity", Status: 404, Message: "The Access Key with id " + id + " cannot be found."}
	}
	return key, nil
}

func updateAccessKey(k *iamCall) (any, error) {
	key, err := k.key()
	if err != nil {
		return nil, err
	}
	status := k.form.Get("Status")
	if status != "Active" && status != "Inactive" {
		return nil, invalid("status", status, "Member must satisfy enum value set: [Active, Inactive]")
	}
	key.Status.Set(status, k.lag())
	return nil, nil
}

// deleteAccessKey keeps the key until nobody sees it any more.
func deleteAccessKey(k *iamCall) (any, error) {
	key, err := k.key()
	if err != nil {
		return nil, err
	}
	key.Status.Set("", k.lag())
	return nil, nil
}

func getAccessKeyLastUsed(k *iamCall) (any, error) {
	id := k.form.Get("AccessKeyId")
	key := k.state.Keys[id]
	if key == nil || key.Account != k.acct.ID || key.Status.Now == "" {
		return nil, &apiError{Code: "AccessDenied", Status: 403, Message: "User: " + k.who.ARN + " is not authorized to perform: iam:GetAccessKeyLastUsed on resource: access key " + id}
	}
	type lastUsed struct {
		LastUsedDate string `xml:",omitempty"`
		ServiceName  string
		Region       string
	}
	used := lastUsed{ServiceName: "N/A", Region: "N/A"}
	if key.Used != nil {
		used = lastUsed{stamp(key.Used.At), key.Used.Service, key.Used.Region}
	}
	name := ""
	if u := k.acct.Users[key.User]; u != nil {
		name = u.Name
	}
	return struct {
		UserName          string
		AccessKeyLastUsed lastUsed
	}{name, used}, nil
}
