package exampletest

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/api/reference"
)

func TestCompare(t *testing.T) {
	for _, tc := range []struct {
		shown, got string
		part       bool
		want       string
	}{
		{`{"a":1,"b":[{"c":"x"}]}`, `{"a":2,"b":[{"c":"y"},{}]}`, false, ""},
		{`{"a":1}`, `{"a":"1"}`, false, ".a is a string, not a number"},
		{`{"a":1}`, `{"a":null}`, false, ".a is null, not a number"},
		{`{"a":1,"b":true}`, `{"a":1}`, false, ".b is not there"},
		{`{"a":1}`, `{"a":1,"b":true}`, false, ".b is not in the example"},
		{`{"a":1}`, `{"a":1,"b":true}`, true, ""},
		{`[{"a":1}]`, `[]`, false, " is empty"},
		{`[]`, `[1]`, false, ""},
		{`{}`, `[]`, false, " is an array, not an object"},
	} {
		got := strings.Join(compare("", decoded([]byte(tc.shown)), decoded([]byte(tc.got)), tc.part), "; ")
		if got != tc.want {
			t.Errorf("%s and %s: %q, want %q", tc.shown, tc.got, got, tc.want)
		}
	}
}

// Later requests have the ids of the server, and what is shown has those of the examples.
func TestIDsAreFollowed(t *testing.T) {
	const shown, real = "0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b", "0192f0c1-0000-7000-8000-00000000abcd"
	var sent []string
	p := &Player{Send: func(r Request) (Answer, error) {
		sent = append(sent, r.Method+" "+r.Target+" "+r.Headers["X-Id"]+" "+r.Body)
		return Answer{200, "application/json; charset=utf-8", `{"id":"` + real + `","n":1}`}, nil
	}}
	answer := json.RawMessage(`{"id":"` + shown + `","n":5}`)
	for _, e := range []reference.Example{
		{Request: "POST /jobs", Body: []byte(`{}`), Status: 200, Answer: answer},
		{Request: "PUT /jobs/" + shown, Headers: map[string]string{"X-Id": shown}, Type: "application/x-ndjson",
			Body: []byte(`"{\"id\":\"` + shown + `\"}\n"`), Status: 200, Answer: answer},
	} {
		got, differences, err := p.Play(&e)
		if err != nil || len(differences) > 0 {
			t.Errorf("%v, %v", differences, err)
		}
		if text := string(p.Shown(&e, got)); text != `{"id":"`+shown+`","n":1}` {
			t.Errorf("shown: %s", text)
		}
	}
	if want := "PUT /jobs/" + real + " " + real + ` {"id":"` + real + "\"}\n"; len(sent) != 2 || sent[1] != want {
		t.Errorf("sent %q, want %q", sent, want)
	}
}

func TestAnExampleThatCannotBePlayed(t *testing.T) {
	p := &Player{Send: func(Request) (Answer, error) { return Answer{}, errors.New("canary") }}
	for _, e := range []reference.Example{
		{Request: "/jobs"}, {Request: "GET /jobs"}, {Request: "POST /jobs", Type: "text/plain", Body: []byte(`{}`)},
	} {
		if _, _, err := p.Play(&e); err == nil {
			t.Errorf("%s is played", e.Request)
		}
	}
	p.Send = func(Request) (Answer, error) { return Answer{404, "text/plain", "none\n2\n3\n4\n"}, nil }
	e := reference.Example{Request: "POST /x", Status: 200, Part: true}
	got, differences, err := p.Play(&e)
	if err != nil || len(differences) != 1 || !strings.HasPrefix(differences[0], "status 404, not 200") {
		t.Errorf("%v, %v", differences, err)
	}
	if text := string(p.Shown(&e, got)); text != `"none\n2\n3\n"` {
		t.Errorf("shown: %s", text)
	}
}
