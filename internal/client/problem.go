package client

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxProblem bounds a problem document. It has at most 100 fields.
const maxProblem = 1 << 20

// Problem is an error answer of the server: a problem document of RFC 9457.
type Problem struct {
	Type     string       `json:"type"`
	Code     string       `json:"code"` // the kind of problem as one word: "invalid"
	Title    string       `json:"title"`
	Status   int          `json:"status"` // the HTTP status
	Detail   string       `json:"detail"`
	Instance string       `json:"instance"` // of a 500: the number of its line in the server's log
	Errors   []FieldError `json:"errors"`   // every wrong field

	// RequestID names the request in the server's log: X-Request-Id of the answer.
	RequestID string `json:"-"`
}

// FieldError says which field is wrong and what would be right.
type FieldError struct {
	Field   string `json:"field"` // dotted path from the top of the document
	Message string `json:"message"`
	Value   any    `json:"value"` // what was given, if the server tells
	Code    string `json:"code"`  // what is wrong, for programs: "out-of-range"
}

// Error implements error: the fields when there are any, otherwise the detail. A fault of the
// server has the id of the request, by which its log can be searched.
func (p *Problem) Error() string {
	var parts []string
	for _, f := range p.Errors {
		parts = append(parts, f.String())
	}
	switch {
	case len(parts) > 0:
	case p.Detail != "":
		parts = append(parts, p.Detail)
	default:
		parts = append(parts, p.Title)
	}
	text := strings.Join(parts, "; ")
	switch {
	case p.Status >= http.StatusInternalServerError && p.RequestID != "": // the server's log says more
		text += fmt.Sprintf(" (HTTP %d, request %s)", p.Status, p.RequestID)
	case p.Status != 0:
		text += fmt.Sprintf(" (HTTP %d)", p.Status)
	}
	return text
}

// Temporary reports whether the same request may be answered later: the server, or a proxy before it, has failed
// (5xx), has too much to do (429), or has not got the request in time (408, 425).
func (p *Problem) Temporary() bool {
	switch p.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return p.Status >= http.StatusInternalServerError
}

// String returns "field: message".
func (f FieldError) String() string {
	if f.Field == "" {
		return f.Message
	}
	return f.Field + ": " + f.Message
}

// problemOf reads the problem of a response. A response without a problem does not come
// from Belfry but from a proxy or another server; then only its status is known.
func problemOf(res *http.Response) *Problem {
	p := &Problem{Title: http.StatusText(res.StatusCode)}
	if mediaType(res) == typeProblem {
		data, err := io.ReadAll(io.LimitReader(res.Body, maxProblem))
		if err == nil {
			err = json.Unmarshal(data, p)
		}
		if err != nil {
			p = &Problem{Title: http.StatusText(res.StatusCode), Detail: "the server's explanation cannot be read"}
		}
	} else if to := res.Header.Get("Location"); to != "" && res.StatusCode/100 == 3 {
		p.Detail = "the server redirects to " + to + "; redirects are not followed, so name the right server"
	}
	p.Status, p.RequestID = res.StatusCode, requestIDOf(res)
	return p
}

// maxRequestID is the longest id that is shown. Those of Belfry have at most 128 characters.
const maxRequestID = 128

// requestIDOf returns the id of a request that was answered; empty: the answer has none
// that can be shown.
func requestIDOf(res *http.Response) string {
	id := res.Header.Get("X-Request-Id")
	if len(id) > maxRequestID || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return id
}
