// The AWS Query protocol: forms in, XML out.
package fakeaws

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	iamNamespace = "https://iam.amazonaws.com/doc/2010-05-08/"
	stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"
)

// members is a list in the Query protocol; an empty one is still written.
type members[T any] struct {
	Member []T `xml:"member"`
}

func listOf[T any](items []T) members[T] { return members[T]{items} }

// form reads the parameters of a Query request.
func form(r *http.Request, body []byte) url.Values {
	f, err := url.ParseQuery(string(body))
	if err != nil {
		f = url.Values{}
	}
	for k, v := range r.URL.Query() {
		f[k] = append(f[k], v...)
	}
	return f
}

// strings of a list parameter: Name.member.1, Name.member.2, …
func formList(f url.Values, name string) []string {
	var out []string
	for i := 1; ; i++ {
		key := name + ".member." + strconv.Itoa(i)
		if !f.Has(key) {
			return out
		}
		out = append(out, f.Get(key))
	}
}

func writeQuery(w http.ResponseWriter, namespace, action, id string, result any) {
	var b strings.Builder
	b.WriteString(`<` + action + `Response xmlns="` + namespace + `">`)
	if result != nil {
		e := xml.NewEncoder(&b)
		_ = e.EncodeElement(result, xml.StartElement{Name: xml.Name{Local: action + "Result"}})
		_ = e.Flush()
	}
	b.WriteString(`<ResponseMetadata><RequestId>` + id + `</RequestId></ResponseMetadata></` + action + `Response>`)
	writeXML(w, 200, id, b.String())
}

// queryError is the error document of IAM and STS.
type queryError struct {
	XMLName   xml.Name
	Type      string `xml:"Error>Type"`
	Code      string `xml:"Error>Code"`
	Message   string `xml:"Error>Message"`
	RequestID string `xml:"RequestId"`
}

func writeQueryError(w http.ResponseWriter, namespace, id string, err *apiError) {
	code, message := err.Code, err.Message
	switch code {
	case "InvalidAccessKeyId", "InvalidToken": // what S3 calls by these names
		code, message = "InvalidClientTokenId", "The security token included in the request is invalid."
	case "RequestTimeTooSkewed":
		code, message = "SignatureDoesNotMatch", "Signature expired: "+err.Message
	}
	kind := "Sender"
	if err.Status >= 500 {
		kind = "Receiver"
	}
	status := err.Status
	if code == "InvalidClientTokenId" || code == "ExpiredToken" {
		status = 403
	}
	b, _ := xml.Marshal(queryError{
		XMLName: xml.Name{Space: namespace, Local: "ErrorResponse"},
		Type:    kind, Code: code, Message: message, RequestID: id,
	})
	writeXML(w, status, id, string(b))
}

func writeXML(w http.ResponseWriter, status int, id, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/xml")
	h.Set("X-Amzn-Requestid", id)
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}

// page cuts a list as MaxItems and Marker ask. The marker is the number of the
// first item; clients must not look inside.
func page[T any](f url.Values, list []T) (cut []T, truncated bool, marker string, err error) {
	size := 100
	if s := f.Get("MaxItems"); s != "" {
		n, bad := strconv.Atoi(s)
		if bad != nil || n < 1 || n > 1000 {
			return nil, false, "", invalid("maxItems", s, "Member must have value between 1 and 1000")
		}
		size = n
	}
	start := 0
	if s := f.Get("Marker"); s != "" {
		n, bad := strconv.Atoi(strings.TrimPrefix(s, "m"))
		if bad != nil || n < 0 || n > len(list) {
			return nil, false, "", &apiError{Code: "ValidationError", Status: 400, Message: "Invalid Marker"}
		}
		start = n
	}
	end := min(start+size, len(list))
	if end < len(list) {
		return list[start:end], true, "m" + strconv.Itoa(end), nil
	}
	return list[start:end], false, "", nil
}

// paged is embedded in answers that come in pages.
type paged struct {
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

func invalid(field, value, rule string) *apiError {
	return &apiError{Code: "ValidationError", Status: 400, Message: "1 validation error detected: Value '" + value + "' at '" + field + "' failed to satisfy constraint: " + rule}
}

// emptyList is an answer that holds one empty list.
type emptyList struct {
	Name string
}

// MarshalXML writes the list by its name.
func (l emptyList) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	list := xml.StartElement{Name: xml.Name{Local: l.Name}}
	truncated := struct{ IsTruncated bool }{}
	for _, t := range []xml.Token{start, list, list.End()} {
		if err := e.EncodeToken(t); err != nil {
			return err
		}
	}
	if err := e.EncodeElement(truncated.IsTruncated, xml.StartElement{Name: xml.Name{Local: "IsTruncated"}}); err != nil {
		return err
	}
	return e.EncodeToken(start.End())
}

func itoa(n int) string { return strconv.Itoa(n) }
