// Further credentials of a user: MFA devices, SSH keys, passwords for one service, certificates to sign with.
package fakeaws

import (
	"slices"
	"time"
)

// door is one credential of a user that is neither a password nor an access key.
// What is in it, this cloud does not keep.
type door struct {
	Kind    string // one of the names below
	ID      string
	Detail  string `json:",omitempty"` // the service that it is for, or the body of a certificate
	Created time.Time
}

// The kinds of them.
const (
	doorMFA         = "MFADevice"
	doorSSH         = "SSHPublicKey"
	doorService     = "ServiceSpecificCredential"
	doorCertificate = "SigningCertificate"
)

func doorOps() map[string]iamOp {
	return map[string]iamOp{
		"EnableMFADevice":                 {"user", true, enableMFA},
		"DeactivateMFADevice":             {"user", true, closeDoor(doorMFA, "SerialNumber")},
		"ListMFADevices":                  {"user", false, listMFA},
		"UploadSSHPublicKey":              {"user", true, uploadSSHKey},
		"DeleteSSHPublicKey":              {"user", true, closeDoor(doorSSH, "SSHPublicKeyId")},
		"ListSSHPublicKeys":               {"user", false, listSSHKeys},
		"CreateServiceSpecificCredential": {"user", true, createServiceCredential},
		"DeleteServiceSpecificCredential": {"user", true, closeDoor(doorService, "ServiceSpecificCredentialId")},
		"ListServiceSpecificCredentials":  {"user", false, listServiceCredentials},
		"UploadSigningCertificate":        {"user", true, uploadCertificate},
		"DeleteSigningCertificate":        {"user", true, closeDoor(doorCertificate, "CertificateId")},
		"ListSigningCertificates":         {"user", false, listCertificates},
	}
}

// open gives the user another credential.
func (k *iamCall) open(kind, id, detail string) (*user, door, error) {
	u, err := k.user(false)
	if err != nil {
		return nil, door{}, err
	}
	d := door{kind, id, detail, time.Now().UTC().Truncate(time.Second)}
	u.Doors = append(u.Doors, d)
	return u, d, nil
}

// doors are the user's credentials of one kind.
func (k *iamCall) doors(kind string) (*user, []door, error) {
	u, err := k.user(true)
	if err != nil {
		return nil, nil, err
	}
	return u, slices.DeleteFunc(slices.Clone(u.Doors), func(d door) bool { return d.Kind != kind }), nil
}

func closeDoor(kind, param string) func(*iamCall) (any, error) {
	return func(k *iamCall) (any, error) {
		u, err := k.user(false)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(u.Doors, func(d door) bool { return d.Kind == kind && d.ID == k.form.Get(param) })
		if i < 0 {
			return nil, noSuch(kind, k.form.Get(param))
		}
		u.Doors = slices.Delete(slices.Clone(u.Doors), i, i+1)
		return nil, nil
	}
}

// doorList is one page of credentials, each as show says.
func doorList[T any](k *iamCall, kind string, show func(*user, door) T) ([]T, paged, error) {
	u, list, err := k.doors(kind)
	if err != nil {
		return nil, paged{}, err
	}
	cut, more, marker, err := page(k.form, list)
	var out []T
	for _, d := range cut {
		out = append(out, show(u, d))
	}
	return out, paged{more, marker}, err
}

func enableMFA(k *iamCall) (any, error) {
	_, _, err := k.open(doorMFA, k.form.Get("SerialNumber"), "")
	return nil, err
}

type mfaXML struct{ UserName, SerialNumber, EnableDate string }

func listMFA(k *iamCall) (any, error) {
	list, more, err := doorList(k, doorMFA, func(u *user, d door) mfaXML { return mfaXML{u.Name, d.ID, stamp(d.Created)} })
	return struct {
		MFADevices members[mfaXML]
		paged
	}{listOf(list), more}, err
}

type sshXML struct {
	UserName       string
	SSHPublicKeyID string `xml:"SSHPublicKeyId"`
	Status         string
	UploadDate     string
}

func sshOut(u *user, d door) sshXML { return sshXML{u.Name, d.ID, "Active", stamp(d.Created)} }

func uploadSSHKey(k *iamCall) (any, error) {
	u, d, err := k.open(doorSSH, uniqueID("APKA"), "")
	if err != nil {
		return nil, err
	}
	return struct{ SSHPublicKey sshXML }{sshOut(u, d)}, nil
}

func listSSHKeys(k *iamCall) (any, error) {
	list, more, err := doorList(k, doorSSH, sshOut)
	return struct {
		SSHPublicKeys members[sshXML]
		paged
	}{listOf(list), more}, err
}

type serviceXML struct {
	UserName                    string
	ServiceName                 string
	ServiceUserName             string
	ServiceSpecificCredentialID string `xml:"ServiceSpecificCredentialId"`
	Status                      string
	CreateDate                  string
}

func serviceOut(u *user, d door) serviceXML {
	return serviceXML{u.Name, d.Detail, u.Name + "-at-service", d.ID, "Active", stamp(d.Created)}
}

func createServiceCredential(k *iamCall) (any, error) {
	u, d, err := k.open(doorService, uniqueID("ACCA"), k.form.Get("ServiceName"))
	if err != nil {
		return nil, err
	}
	return struct{ ServiceSpecificCredential serviceXML }{serviceOut(u, d)}, nil
}

func listServiceCredentials(k *iamCall) (any, error) {
	list, more, err := doorList(k, doorService, serviceOut)
	return struct {
		ServiceSpecificCredentials members[serviceXML]
		paged
	}{listOf(list), more}, err
}

type certificateXML struct {
	UserName        string
	CertificateID   string `xml:"CertificateId"`
	CertificateBody string
	Status          string
	UploadDate      string
}

func certificateOut(u *user, d door) certificateXML {
	return certificateXML{u.Name, d.ID, d.Detail, "Active", stamp(d.Created)}
}

func uploadCertificate(k *iamCall) (any, error) {
	long := uniqueID(uniqueID("ASCA")) // 24 characters at least
	u, d, err := k.open(doorCertificate, long, k.form.Get("CertificateBody"))
	if err != nil {
		return nil, err
	}
	return struct{ Certificate certificateXML }{certificateOut(u, d)}, nil
}

func listCertificates(k *iamCall) (any, error) {
	list, more, err := doorList(k, doorCertificate, certificateOut)
	return struct {
		Certificates members[certificateXML]
		paged
	}{listOf(list), more}, err
}
