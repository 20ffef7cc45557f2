// Errors as Google words them: one shape for Cloud Storage, one for the other APIs, XML for downloads.
package fakegcp

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
)

// fault is an error of the API. It is written in the shape of the service that was asked.
type fault struct {
	Code     int    // HTTP status
	Message  string //
	Reason   string // Cloud Storage: "forbidden", "conditionNotMet"
	Status   string // other APIs: "PERMISSION_DENIED"
	Where    string // Cloud Storage: location, "If-Match"
	WhereIn  string // Cloud Storage: locationType, "header"
	Details  []any
	XMLCode  string     // "NoSuchKey"
	Signed   *xmlSigned // what a signature should have been over
	ShowBoth bool       // Cloud Storage: status and details as well
}

func (f *fault) Error() string { return fmt.Sprintf("%d: %s", f.Code, f.Message) }

// statuses are the canonical codes by HTTP status.
// https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
var statuses = map[int]string{
	400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
	409: "ALREADY_EXISTS", 412: "FAILED_PRECONDITION", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE",
}

// reasons are Cloud Storage's usual reasons by HTTP status.
// https://cloud.google.com/storage/docs/json_api/v1/status-codes
var reasons = map[int]string{
	400: "invalid", 401: "authError", 403: "forbidden", 404: "notFound", 409: "conflict",
	412: "conditionNotMet", 416: "requestedRangeNotSatisfiable", 429: "rateLimitExceeded", 503: "backendError",
}

func failed(code int, format string, args ...any) *fault {
	return &fault{Code: code, Message: fmt.Sprintf(format, args...), Reason: reasons[code], Status: statuses[code]}
}

// required is a missing parameter or field.
func required(what string) *fault {
	f := failed(400, "Required parameter: %s", what)
	f.Reason, f.Where, f.WhereIn = "required", what, "parameter"
	return f
}

// notMet is a precondition that does not hold.
func notMet(header string) *fault {
	f := failed(412, "At least one of the pre-conditions you specified did not hold.")
	f.Where, f.WhereIn, f.XMLCode = header, "header", "PreconditionFailed"
	return f
}

// notMetBecause is a precondition of the service itself that does not hold.
func notMetBecause(message string) *fault {
	f := notMet("If-Match")
	f.Message = message
	return f
}

// detail shapes of google.rpc, https://cloud.google.com/apis/design/errors#error_details
type errorInfo struct {
	Type     string            `json:"@type"`
	Reason   string            `json:"reason"`
	Domain   string            `json:"domain"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

type preconditionFailure struct {
	Type       string      `json:"@type"`
	Violations []violation `json:"violations"`
}

type violation struct {
	Type        string `json:"type,omitempty"`
	Subject     string `json:"subject,omitempty"`
	Description string `json:"description,omitempty"`
}

type helpLinks struct {
	Type  string `json:"@type"`
	Links []link `json:"links"`
}

type link struct {
	Description string `json:"description"`
	URL         string `json:"url"`
}

func info(reason, domain string, metadata map[string]string) errorInfo {
	return errorInfo{"type.googleapis.com/google.rpc.ErrorInfo", reason, domain, metadata}
}

// constraintViolated is how IAM refuses what an organisation policy forbids.
func constraintViolated(message, constraint, subject string) *fault {
	f := failed(400, "%s", message)
	f.Status = "FAILED_PRECONDITION"
	f.Details = []any{preconditionFailure{"type.googleapis.com/google.rpc.PreconditionFailure", []violation{
		{Type: constraint, Subject: subject, Description: message},
	}}}
	return f
}

// serviceDisabled is how every API refuses a project that has not enabled it.
// https://cloud.google.com/service-usage/docs/enable-disable
func serviceDisabled(service, title, number string) *fault {
	url := "https://console.developers.google.com/apis/api/" + service + "/overview?project=" + number
	f := failed(403, "%s has not been used in project %s before or it is disabled. Enable it by visiting %s then retry. "+
		"If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry.", title, number, url)
	f.Reason = "accessNotConfigured"
	f.ShowBoth = true
	f.Details = []any{
		info("SERVICE_DISABLED", "googleapis.com", map[string]string{
			"service": service, "consumer": "projects/" + number, "activationUrl": url, "serviceTitle": title, "containerInfo": number,
		}),
		helpLinks{"type.googleapis.com/google.rpc.Help", []link{{"Google developers console API activation", url}}},
	}
	return f
}

// userProjectDenied refuses to bill a project.
func userProjectDenied(name string) *fault {
	f := failed(403, "Caller does not have required permission to use project %s. Grant the caller the roles/serviceusage.serviceUsageConsumer role, "+
		"or a custom role with the serviceusage.services.use permission.", name)
	f.ShowBoth = true
	f.Details = []any{info("USER_PROJECT_DENIED", "googleapis.com", map[string]string{"consumer": "projects/" + name})}
	return f
}

type errorItem struct {
	Message      string `json:"message"`
	Domain       string `json:"domain"`
	Reason       string `json:"reason"`
	LocationType string `json:"locationType,omitempty"`
	Location     string `json:"location,omitempty"`
}

type errorBody struct {
	Code    int         `json:"code"`
	Message string      `json:"message"`
	Errors  []errorItem `json:"errors,omitempty"`
	Status  string      `json:"status,omitempty"`
	Details []any       `json:"details,omitempty"`
}

type errorEnvelope struct {
	Error errorBody `json:"error"`
}

type xmlError struct {
	XMLName xml.Name `xml:"Error"`
	Code    string   `xml:"Code"`
	Message string   `xml:"Message"`
	Details string   `xml:"Details,omitempty"`
	*xmlSigned
}

type xmlSigned struct {
	StringToSign     string `xml:"StringToSign"`
	CanonicalRequest string `xml:"CanonicalRequest"`
}

var xmlCodes = map[int]string{
	400: "InvalidArgument", 401: "AuthenticationRequired", 403: "AccessDenied", 404: "NoSuchKey", 409: "Conflict", 412: "PreconditionFailed", 416: "InvalidRange",
}

// xmlMessages are what the XML API says to everybody who gets a code.
// https://cloud.google.com/storage/docs/xml-api/reference-status
var xmlMessages = map[string]string{
	"AccessDenied": "Access denied.", "AuthenticationRequired": "Authentication required.", "BadDigest": "The Content-MD5 or checksum you specified did not match what we received.",
	"EntityTooSmall": "Your proposed upload is smaller than the minimum object size specified in your bucket configuration.", "InvalidArgument": "Invalid argument.",
	"InvalidAccessKeyId": "The User Id you provided does not exist in our records.", "InvalidPart": "One or more of the specified parts could not be found or the part's ETag did not match.",
	"InvalidPartOrder": "The list of parts was not in ascending order.", "InvalidSecurity": "The provided security credentials are not valid.", "MalformedXML": "The XML you provided was not well-formed.",
	"NoSuchBucket": "The specified bucket does not exist.", "NoSuchKey": "The specified key does not exist.", "NoSuchUpload": "The requested upload was not found.",
	"NotImplemented":     "A header or query you provided requested a function that is not implemented.",
	"PreconditionFailed": "At least one of the pre-conditions you specified did not hold.", "RequestTimeTooSkewed": "The difference between the request time and the server's time is too large.",
	"SignatureDoesNotMatch": "Access denied.",
}

// xmlFault is an error of the XML API.
func xmlFault(status int, code, format string, args ...any) *fault {
	f := failed(status, format, args...)
	f.XMLCode = code
	return f
}

// write sends the fault in the shape of the given style.
func (f *fault) write(w http.ResponseWriter, s style) {
	if f.Code == http.StatusNotModified {
		w.WriteHeader(f.Code)
		return
	}
	if s == styleXML {
		code := or(f.XMLCode, xmlCodes[f.Code])
		body, _ := xml.Marshal(xmlError{Code: code, Message: or(xmlMessages[code], http.StatusText(f.Code)), Details: f.Message, xmlSigned: f.Signed})
		w.Header().Set("Content-Type", "application/xml; charset=UTF-8")
		w.WriteHeader(f.Code)
		_, _ = w.Write(append([]byte("<?xml version='1.0' encoding='UTF-8'?>"), body...))
		return
	}
	if s == styleText {
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		w.WriteHeader(f.Code)
		_, _ = io.WriteString(w, f.Message)
		return
	}
	b := errorBody{Code: f.Code, Message: f.Message}
	if s == styleStorage {
		b.Errors = []errorItem{{f.Message, f.domain(), f.Reason, f.WhereIn, f.Where}}
	}
	if s == styleOnePlatform || f.ShowBoth {
		b.Status, b.Details = f.Status, f.Details
	}
	if s == styleStorage && f.Code == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="https://accounts.google.com/"`)
	}
	writeJSON(w, f.Code, errorEnvelope{b})
}

func (f *fault) domain() string {
	if f.Reason == "accessNotConfigured" {
		return "usageLimits"
	}
	return "global"
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(code)
	_, _ = w.Write(append(body, '\n'))
}
