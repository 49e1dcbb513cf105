package api

import (
	"cmp"
	"context"
	"encoding/base64"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/testcall"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

// maxTarget is how much of a URL an entry of the trail has.
const maxTarget = 300

// testRoutes make test calls.
type testRoutes struct {
	changePreviewRoutes // reads what a change would make of a job

	calls  *testcall.Caller
	places *lender
}

func (h testRoutes) register(rt *router) {
	rt.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[testCallBody](), true, "")
	const what = "One real request is sent now, by the server that is asked, as a fire of the job would send it: " +
		"with its headers, secrets, signature, certificate and egress rules, on a new connection. The " +
		"request ends within the job's timeout, 30 s at most; before it, the call may wait, for a place (10 s at " +
		"most) and as a fire does for a connection. It has the header Belfry-Test: true and an execution id of " +
		"its own. " +
		"Nothing is stored but an entry of the audit trail; there is no retry, no alert, and no count. A call that " +
		"fails is an answer of 200, too: error says why. "
	register(rt, huma.Operation{
		OperationID: "test-call", Method: http.MethodPost, Path: "/jobs/test", Tags: []string{"Jobs"},
		Summary:     "Send the request of a job that does not exist",
		Description: what + "The body is a job as POST /jobs takes it, and what that would refuse is refused.",
		RequestBody: reference.JSONBody("JobSpec"), MaxBodyBytes: h.maxBody,
	}, h.testSpec, kindInvalid, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "test-job", Method: http.MethodPost, Path: "/jobs/{id}/test", Tags: []string{"Jobs"},
		Summary: "Send the request of a job, as it is or as a change would make it",
		Description: what + "The body is a change as PATCH takes it, {} for the job as it is, or {\"version\": n} " +
			"alone: as it was in that version. Secrets that the change does not have are those of the job. The job " +
			"may be paused.",
		RequestBody: reference.PatchBody("JobPatch"), MaxBodyBytes: h.maxBody,
	}, h.testJob, kindInvalid, kindNotFound, kindConflict, kindUnavailable)
}

type testSpecInput struct{ request }

type testJobInput struct {
	request
	JobPath
	KeepSecrets boolParam `query:"keepSecrets" doc:"For admins: as of the change itself."`
}

type testOutput struct{ Body testCallBody }

type testCallBody struct {
	Success     bool   `json:"success" doc:"Whether a fire that got this answer would be a SUCCESS." example:"true"`
	Retried     bool   `json:"retried" doc:"Whether a fire with this outcome would be tried again, if the job has retries." example:"false"`
	Sent        bool   `json:"sent" doc:"Whether the request, or a part of it, may have reached the target." example:"true"`
	Error       string `json:"error,omitempty" doc:"Why the call has failed, as the record of a fire would have it. Absent: it has not." example:"connection refused by 192.0.2.1:443"`
	ExecutionID string `json:"executionId" format:"uuid" doc:"The execution id of the request. No execution is stored under it." example:"0192f0c1-4e20-8a4b-8c5d-6e7f80910a1b"`
	TimeoutMs   int64  `json:"timeoutMs" doc:"Within how many milliseconds the request had to end, not counting waitedMs: the job's timeout, 30,000 at most." example:"30000"`

	Request  testRequest   `json:"request" doc:"What was sent, or would have been."`
	Response *testResponse `json:"response,omitempty" doc:"What the target has answered. Absent: there was no answer that has a status."`
	Timings  testTimings   `json:"timings" doc:"How long the parts of the call took. One that is absent was not needed, or not reached."`
}

type testRequest struct {
	Method string `json:"method" doc:"The method." example:"POST"`
	URL    string `json:"url" doc:"The URL." example:"https://example.com/hook"`
	TracedMessage
}

type testResponse struct {
	Status   int    `json:"status" doc:"The HTTP status." example:"200"`
	Protocol string `json:"protocol" doc:"By which protocol it came." example:"HTTP/1.1"`
	TracedMessage
}

// TracedMessage is what a request and an answer have alike. huma reads the fields of embedded types
// only when the type is exported.
type TracedMessage struct {
	Headers      []testHeader `json:"headers" nullable:"false" doc:"The lines of the header, in their order. ******** stands for a secret."`
	Body         string       `json:"body" doc:"The first 64 KiB of the body; empty: it has none, or it was withheld." example:"{\"ok\":true}"`
	BodyEncoding string       `json:"bodyEncoding" enum:"text,base64" doc:"How body is written: base64 where it is no text in UTF-8." example:"text"`
	BodyBytes    int64        `json:"bodyBytes" doc:"How many bytes of the body were sent, or read." example:"11"`
	Cut          bool         `json:"cut" doc:"Whether there is more of the body or of the header. Of a long answer the rest is not read." example:"false"`
	Withheld     bool         `json:"withheld" doc:"Whether the body is left out, because the job has secrets that could not be found in it: it is compressed, or no text in UTF-8." example:"false"`
}

type testHeader struct {
	Name  string `json:"name" doc:"Its name." example:"Content-Type"`
	Value string `json:"value" doc:"Its value." example:"application/json"`
}

type testTimings struct {
	Waited    *float64 `json:"waitedMs,omitempty" doc:"Before a connection was opened, milliseconds." example:"0.2"`
	DNS       *float64 `json:"dnsMs,omitempty" doc:"The lookup of the name, milliseconds." example:"3.1"`
	Connect   *float64 `json:"connectMs,omitempty" doc:"The connect, milliseconds." example:"11.4"`
	TLS       *float64 `json:"tlsMs,omitempty" doc:"The TLS handshake, milliseconds." example:"25.9"`
	FirstByte *float64 `json:"firstByteMs,omitempty" doc:"From the sending of the request until the answer began, milliseconds." example:"40.7"`
	Total     float64  `json:"totalMs" doc:"All of it, milliseconds." example:"82.5"`
}

func (h testRoutes) testSpec(ctx context.Context, in *testSpecInput) (*testOutput, error) {
	data, err := readBody(in.r)
	if err != nil {
		return nil, err
	}
	doc := newDoc(ctx)
	if err := h.rules.change(&doc, func(doc *domain.SpecDoc) error { return wire.Merge(doc, data) }); err != nil {
		return nil, err
	}
	if err := mayCreate(ctx, &doc); err != nil {
		return nil, err
	}
	if err := doc.Spec.Validate(); err != nil {
		return nil, err
	}
	if err := doc.Pause.Validate(doc.IsActive); err != nil {
		return nil, err
	}
	return h.send(ctx, in.w, &domain.Version{Spec: doc.Spec})
}

func (h testRoutes) testJob(ctx context.Context, in *testJobInput) (*testOutput, error) {
	now, next, place, err := h.changed(ctx, in.r, in.JobPath, in.KeepSecrets)
	if err != nil {
		return nil, err
	}
	if err := next.Spec.Validate(); err != nil { // whether it would fire does not matter
		return nil, place(err)
	}
	if err := next.Pause.Validate(next.Active); err != nil {
		return nil, place(err)
	}
	next.Number = now.Number
	return h.send(ctx, in.w, next)
}

// send makes the call of a version, of which the job may not exist. It is in the audit trail
// before it is sent.
func (h testRoutes) send(ctx context.Context, w http.ResponseWriter, v *domain.Version) (*testOutput, error) {
	call, err := h.calls.Prepare(&v.Spec, v.JobID)
	if err != nil {
		return nil, err
	}
	if err := take(ctx, h.places, 1); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil { // nobody waits for the answer
		return nil, err
	}
	entry := h.trail.changeBy(ctx, domain.ActionTest)
	entry.JobID, entry.Version, entry.Execution = v.JobID, v.Number, call.ID()
	entry.Detail = v.Spec.Method + " " + targetOf(v.Spec.API)
	if err := h.changes.Add(ctx, entry); err != nil {
		return nil, store.Coded(err)
	}
	extendDeadlines(w) // the call may take longer than requests to this server may
	result, err := call.Do(ctx)
	if err != nil {
		return nil, err
	}
	return &testOutput{testCallOf(&result)}, nil
}

// targetOf returns a URL without its query, which may be long and may have secrets.
func targetOf(url string) string {
	url, _, _ = strings.Cut(url, "?")
	url, _, _ = strings.Cut(url, "#")
	return strings.ToValidUTF8(url[:min(len(url), maxTarget)], "")
}

func testCallOf(r *testcall.Result) testCallBody {
	b := testCallBody{
		Success: r.Outcome.Verdict == domain.VerdictSuccess, Retried: r.Outcome.Verdict == domain.VerdictRetry,
		Sent: r.Sent, Error: r.Outcome.Error, ExecutionID: r.ID.String(), TimeoutMs: r.Timeout.Milliseconds(),
		Request: testRequest{r.Method, r.URL, messageOf(&r.Request)},
		Timings: testTimings{
			Waited: milliseconds(r.Times.Waited), DNS: milliseconds(r.Times.Lookup),
			Connect: milliseconds(r.Times.Connect), TLS: milliseconds(r.Times.Handshake),
			FirstByte: milliseconds(r.Times.FirstByte), Total: inMilliseconds(r.Total),
		},
	}
	if r.Response != nil {
		b.Response = &testResponse{r.Outcome.HTTPStatus, cmp.Or(r.Protocol, "HTTP/1.1"), messageOf(r.Response)}
	}
	return b
}

func messageOf(m *domain.TracedMessage) TracedMessage {
	b := TracedMessage{
		Headers: make([]testHeader, len(m.Headers)), Body: string(m.Body), BodyEncoding: "text", BodyBytes: m.Bytes,
		Cut: m.Cut, Withheld: m.Withheld,
	}
	for i, h := range m.Headers {
		b.Headers[i] = testHeader{h.Name, h.Value}
	}
	if text, ok := m.Text(); ok {
		b.Body = text
	} else {
		b.Body, b.BodyEncoding = base64.StdEncoding.EncodeToString(m.Body), "base64"
	}
	return b
}

// milliseconds returns a time to the microsecond; nil: there is none.
func milliseconds(d time.Duration) *float64 {
	if d == 0 {
		return nil
	}
	ms := inMilliseconds(d)
	return &ms
}

func inMilliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
