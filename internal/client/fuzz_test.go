package client

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// roundTrip is a server without a network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

var errEnough = errors.New("the list has no end")

// FuzzAnswer answers every call of the client with the same bytes. No call
// panics or reads without limit, and a status that refuses is an error.
func FuzzAnswer(f *testing.F) {
	f.Add(200, "application/json", `{"jobs":[{"id":"x","spec":{}}],"nextCursor":"a"}`)
	f.Add(200, "application/json", `{"executions":[{"attempts":[{}]}],"results":[{"index":0,"error":{}}]}`)
	f.Add(422, "application/problem+json", `{"title":"t","status":422,"errors":[{"field":"a","message":"b",`+
		`"value":{}}]}`)
	f.Add(302, "text/html", "<html>")
	f.Add(200, "application/x-ndjson", "{}\n{")
	f.Add(503, "application/json", `{"status":"unhealthy","checks":[{"name":"store"}]}`)
	f.Add(204, "", "")
	f.Fuzz(func(t *testing.T, status int, kind, body string) {
		if status < 200 || status > 599 {
			return
		}
		c, err := New("http://127.0.0.1:1", "")
		if err != nil {
			t.Fatal(err)
		}
		requests := 0
		c.server.http.Transport = roundTrip(func(*http.Request) (*http.Response, error) {
			if requests++; requests > 100 {
				return nil, errEnough
			}
			return &http.Response{
				StatusCode: status, Header: http.Header{"Content-Type": {kind}},
				Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
			}, nil
		})
		for name, err := range everyCall(t.Context(), c) {
			if err == nil && (status < 200 || status > 299) && name != "Health" && name != "Ready" {
				t.Errorf("%s: status %d is no error", name, status)
			}
			if err != nil && err.Error() == "" {
				t.Errorf("%s: an error without words", name)
			}
		}
	})
}
