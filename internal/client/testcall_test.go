package client

import (
	"encoding/json"
	"testing"
)

func TestTestCall(t *testing.T) {
	const text = `{"success":false,"retried":true,"sent":true,"error":"HTTP 503","executionId":"e","timeoutMs":500,
		"request":{"method":"POST","url":"http://x/","headers":[{"name":"A","value":"b"}],"body":"{}",
		"bodyEncoding":"text","bodyBytes":2,"cut":false,"withheld":false},
		"response":{"status":503,"protocol":"HTTP/2","headers":[],"body":"/w==","bodyEncoding":"base64","bodyBytes":9,
		"cut":true,"withheld":true},"timings":{"dnsMs":0.5,"totalMs":1.25}}`
	want := TestCall{
		Retried: true, Sent: true, Error: "HTTP 503", ExecutionID: "e", TimeoutMs: 500,
		Request: TestRequest{"POST", "http://x/", TestMessage{Headers: []TestHeader{{"A", "b"}}, Body: "{}",
			BodyEncoding: "text", BodyBytes: 2}},
		Response: &TestResponse{503, "HTTP/2", TestMessage{Headers: []TestHeader{}, Body: "/w==",
			BodyEncoding: "base64", BodyBytes: 9, Cut: true, Withheld: true}},
		Timings: TestTimings{DNS: new(0.5), Total: 1.25},
	}
	got, err := exchange{request: "POST /jobs/test", contentType: typeJSON,
		body: `{"schedule":"@daily","api":"http://x/"}`, answer: ok(text)}.serve(t).
		TestCalls.Spec(t.Context(), Spec{Schedule: "@daily", API: "http://x/"})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, want)
	const exact = `{"later":1e400,"body":12345678901234567890.10}`
	got, err = exchange{request: "POST /jobs/test", contentType: typeJSON, body: exact, answer: ok(text)}.serve(t).
		TestCalls.SpecJSON(t.Context(), json.RawMessage(exact))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, want)
	got, err = exchange{request: "POST /jobs/j/test", contentType: typePatch, body: exact, answer: ok(text)}.serve(t).
		TestCalls.JobJSON(t.Context(), "j", json.RawMessage(exact))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, want)
	got, err = exchange{request: "POST /jobs/j/test", contentType: typePatch, body: `{"name":null}`,
		answer: ok(text)}.serve(t).TestCalls.Job(t.Context(), "j", Change{"name": nil})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, want)
}
