// Uploading the public half of a service account's key: the private half never comes here.
package fakegcp

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"time"
)

type uploadKeyBody struct {
	PublicKeyData string `json:"publicKeyData"`
}

// uploadKey takes a certificate. The key lives as long as it.
// https://cloud.google.com/iam/docs/keys-upload
func (q *request) uploadKey() (any, error) {
	var in uploadKeyBody
	if err := q.decode(&in); err != nil {
		return nil, err
	}
	a, err := q.needAccount("iam.serviceAccountKeys.create")
	if err != nil {
		return nil, err
	}
	for _, c := range []string{"constraints/iam.disableServiceAccountKeyUpload", "constraints/iam.managed.disableServiceAccountKeyUpload"} {
		if q.enforced(c) {
			return nil, constraintViolated("Key upload is not allowed on this service account.", c, a.name()+"?configvalue="+a.Email)
		}
	}
	raw, err := base64.StdEncoding.DecodeString(in.PublicKeyData)
	if err != nil {
		return nil, failed(400, "Invalid value at 'public_key_data' (TYPE_BYTES), Base64 decoding failed.")
	}
	cert, f := uploadedCertificate(raw)
	if f != nil {
		return nil, f
	}
	if len(a.listedKeys()) >= maxKeys {
		return nil, failedPrecondition("Precondition check failed.")
	}
	k := &key{
		ID: fingerprint("upload", a.UniqueID, q.serial(8)), Origin: "USER_PROVIDED", Public: publicDER(cert.PublicKey.(*rsa.PublicKey)), Certificate: raw,
		ValidAfter: cert.NotBefore.UTC(), ValidBefore: cert.NotAfter.UTC(),
	}
	k.Usable.Set(true, q.lag())
	k.hide(q.lag())
	a.Keys = append(a.Keys, k)
	return a.keyResource(k), nil
}

// uploadedCertificate reads what was uploaded: one X.509 v3 certificate of an
// RSA key, in PEM with its first and last line, and nothing else.
func uploadedCertificate(raw []byte) (*x509.Certificate, *fault) {
	block, rest := pem.Decode(raw)
	switch {
	case bytes.Contains(raw, []byte("PRIVATE KEY")):
		return nil, failed(400, "Invalid public key: the data contains a private key.")
	case block == nil || block.Type != "CERTIFICATE" || len(bytes.TrimSpace(rest)) > 0:
		return nil, failed(400, "Invalid public key: expected one X.509 v3 certificate in PEM format.")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil || cert.Version != 3 {
		return nil, failed(400, "Invalid public key: expected an X.509 v3 certificate.")
	}
	k, ok := cert.PublicKey.(*rsa.PublicKey)
	switch {
	case !ok || k.N.BitLen() < 2048:
		return nil, failed(400, "Invalid public key: expected an RSA public key of at least 2048 bits.")
	case !time.Now().Before(cert.NotAfter):
		return nil, failed(400, "Invalid public key: the certificate has expired.")
	}
	return cert, nil
}
