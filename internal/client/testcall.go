package client

import (
	"context"
	"encoding/json"
	"net/http"
)

// TestCall is what came of a test call: one request of a job, sent when it was asked for.
type TestCall struct {
	Success     bool   `json:"success"` // a fire with this answer would be a SUCCESS
	Retried     bool   `json:"retried"` // a fire with this outcome would be tried again
	Sent        bool   `json:"sent"`    // the target may have got the request, or a part of it
	Error       string `json:"error"`   // why the call has failed; empty if it has not
	ExecutionID string `json:"executionId"`
	TimeoutMs   int64  `json:"timeoutMs"`

	Request  TestRequest   `json:"request"`
	Response *TestResponse `json:"response"` // nil: there was none
	Timings  TestTimings   `json:"timings"`
}

// TestRequest is what was sent.
type TestRequest struct {
	Method string `json:"method"`
	URL    string `json:"url"`
	TestMessage
}

// TestResponse is what the target has answered.
type TestResponse struct {
	Status   int    `json:"status"`
	Protocol string `json:"protocol"` // HTTP/1.1 or HTTP/2
	TestMessage
}

// TestMessage is what a request and an answer have alike.
type TestMessage struct {
	Headers      []TestHeader `json:"headers"`      // in their order, secrets masked
	Body         string       `json:"body"`         // its first 64 KiB
	BodyEncoding string       `json:"bodyEncoding"` // text, or base64 where it is none
	BodyBytes    int64        `json:"bodyBytes"`    // that were sent or read
	Cut          bool         `json:"cut"`          // there is more
	Withheld     bool         `json:"withheld"`     // the body may have secrets, and is left out
}

// TestHeader is one line of a header.
type TestHeader struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// TestTimings are how long the parts of a test call took, in milliseconds. Nil: the call did not
// need that part, or did not come so far.
type TestTimings struct {
	Waited    *float64 `json:"waitedMs"` // before a connection was opened
	DNS       *float64 `json:"dnsMs"`
	Connect   *float64 `json:"connectMs"`
	TLS       *float64 `json:"tlsMs"`
	FirstByte *float64 `json:"firstByteMs"` // from the sending of the request on
	Total     float64  `json:"totalMs"`
}

// TestCalls has the calls that make test calls. A call that fails is no error. It may take half a
// minute, and the client repeats it only where the server has refused it for now.
type TestCalls struct{ server *connection }

// Spec has the server send the request of a job that does not exist, once and now.
func (t *TestCalls) Spec(ctx context.Context, spec Spec) (TestCall, error) {
	return t.spec(ctx, spec)
}

// SpecJSON is Spec of a job as JSON, of which every field and every digit is sent.
func (t *TestCalls) SpecJSON(ctx context.Context, spec json.RawMessage) (TestCall, error) {
	return t.spec(ctx, spec)
}

func (t *TestCalls) spec(ctx context.Context, spec any) (out TestCall, err error) {
	err = t.server.exchange(ctx, call{method: http.MethodPost, path: []string{"jobs", "test"}}, spec, &out)
	return out, err
}

// Job is Spec of a job that exists, as a change would make it, which is one as [Jobs.Patch] takes
// it. An empty one tests the job as it is, and {"version": n} alone as it was in that version.
// Nothing is stored.
func (t *TestCalls) Job(ctx context.Context, id string, patch Change) (TestCall, error) {
	return t.job(ctx, id, patch)
}

// JobJSON is Job with a change as JSON, of which every digit is sent.
func (t *TestCalls) JobJSON(ctx context.Context, id string, patch json.RawMessage) (TestCall, error) {
	return t.job(ctx, id, patch)
}

func (t *TestCalls) job(ctx context.Context, id string, patch any) (out TestCall, err error) {
	err = t.server.exchange(ctx, call{
		method: http.MethodPost, path: []string{"jobs", id, "test"}, contentType: typePatch,
	}, patch, &out)
	return out, err
}
