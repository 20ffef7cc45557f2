// clickhouse: a named collection, as the server's configuration holds it.
// https://clickhouse.com/docs/operations/named-collections
package handoff

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"

	"github.com/bucketgrant/bucketgrant/core"
)

// notXML ends a value, begins a reference, or is replaced by the server when it
// reads its configuration ("${…}").
const notXML = "<>&'\"$"

var (
	collectionName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	hostPart       = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)
	bucketPart     = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)
	// urlPath has none of the letters that a URL or the server's patterns of
	// names give a meaning of its own.
	urlPath = regexp.MustCompile(`^[A-Za-z0-9/._=~-]*$`)
)

func encodeClickHouse(c core.Credential, r core.Receipt) ([]byte, error) {
	secret, err := secretOf(c, core.PairForm)
	if err != nil {
		return nil, err
	}
	if !collectionName.MatchString(r.Grant) {
		return nil, errors.New("format clickhouse: the grant's name cannot be that of a collection")
	}
	address, err := folderURL(r)
	if err != nil {
		return nil, err
	}
	if err := holdsPair("clickhouse", c.ID, secret, notXML); err != nil {
		return nil, err
	}
	name := strings.ReplaceAll(r.Grant, "-", "_")
	return lines([]byte("<clickhouse>\n    <named_collections>\n        <"+name+">\n            <url>"+address+"</url>\n            <access_key_id>"+c.ID+"</access_key_id>\n            <secret_access_key>"),
		secret, []byte("</secret_access_key>\n        </"+name+">\n    </named_collections>\n</clickhouse>\n")), nil
}

// folderURL is the address of the grant's folder. Every part of it is checked: a
// receipt is not sealed, and whoever changed one could name a host of his own.
func folderURL(r core.Receipt) (string, error) {
	endpoint, err := endpointOf(r)
	if err != nil {
		return "", err
	}
	if !bucketPart.MatchString(r.Bucket) || !urlPath.MatchString(r.Prefix) {
		return "", errors.New("format clickhouse: the bucket or the prefix has a character that an address cannot hold")
	}
	if endpoint == "" {
		endpoint = endpoints()[r.Cloud]
	}
	if endpoint != "" {
		return strings.TrimSuffix(endpoint, "/") + "/" + r.Bucket + "/" + r.Prefix, nil
	}
	if !hostPart.MatchString(r.Region) {
		return "", errors.New("format clickhouse: the region has a character that an address cannot hold")
	}
	host := "s3." + r.Region + ".amazonaws.com"
	if strings.HasPrefix(r.Region, "cn-") {
		host += ".cn" // https://docs.amazonaws.cn/en_us/aws/latest/userguide/endpoints-arns.html
	}
	if strings.Contains(r.Bucket, ".") {
		return "https://" + host + "/" + r.Bucket + "/" + r.Prefix, nil // a certificate is good for one label only
	}
	return "https://" + r.Bucket + "." + host + "/" + r.Prefix, nil
}

func decodeClickHouse(data []byte) (core.Credential, error) {
	bad := errors.New("format clickhouse: is not the configuration of one named collection")
	d := xml.NewDecoder(bytes.NewReader(withoutMark(data)))
	var path []string
	values := map[string][]byte{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return core.Credential{}, bad
		}
		switch t := token.(type) {
		case xml.StartElement:
			path = append(path, t.Name.Local)
			if len(path) == 4 && values[t.Name.Local] != nil {
				return core.Credential{}, bad
			}
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			if len(path) == 4 && path[0] == "clickhouse" && path[1] == "named_collections" {
				values[path[3]] = append(values[path[3]], t...)
			}
		}
	}
	return newPair(values["access_key_id"], values["secret_access_key"])
}
