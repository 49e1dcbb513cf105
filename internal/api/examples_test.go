package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/api/exampletest"
	"github.com/belfry-scheduler/belfry/internal/api/reference"
)

// playing plays examples against a handler.
func playing(t *testing.T, h http.Handler) *exampletest.Player {
	return &exampletest.Player{Tries: 200,
		Send: func(r exampletest.Request) (exampletest.Answer, error) {
			var header []string
			if r.ContentType != "" {
				header = append(header, "Content-Type: "+r.ContentType)
			}
			for name, value := range r.Headers {
				header = append(header, name+": "+value)
			}
			res := call(t, h, r.Method, r.Target, r.Body, header...)
			return exampletest.Answer{Status: res.StatusCode, ContentType: res.Header.Get("Content-Type"),
				Body: res.text}, nil
		}}
}

// exampleWorld is a server on which each example has something to show.
func exampleWorld(t *testing.T) http.Handler {
	f := newFixture(t)
	h := withKey{newAPI(t, f, func(c *Config) { c.Keys = ring(t, f, key1) }), key1}
	f.hosts = someHosts()
	id := create(t, h, minimal)
	seedHistory(t, f, id)
	seedNotices(t, f, id)
	return h
}

// TestExamplesArePlayed plays each example of the document: a request that is no longer taken, or another answer than
// the one shown, fails. With -update the answers that have changed are written anew.
func TestExamplesArePlayed(t *testing.T) {
	all, err := reference.Examples()
	if err != nil {
		t.Fatal(err)
	}
	p := playing(t, exampleWorld(t))
	for i := range all {
		e := &all[i]
		got, differences, err := p.Play(e)
		if err != nil {
			t.Fatal(err)
		}
		if len(differences) == 0 {
			continue
		}
		if *update {
			e.Answer = p.Shown(e, got)
			continue
		}
		t.Errorf("%s (%s): the answer is not the one that is shown; if that is meant, run "+
			"`go test ./internal/api -run TestExamplesArePlayed -update`:\n%s", e.Request, e.Operation,
			strings.Join(differences, "\n"))
	}
	if *update {
		writeExamples(t, all)
	}
}

func writeExamples(t *testing.T, all []reference.Example) {
	t.Helper()
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(all); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("..", "..", filepath.FromSlash(reference.ExamplesFile))
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestEveryOperationHasExamples: an operation shows a request if it takes a body, and its answer; what is shown is
// right by the schemas.
func TestEveryOperationHasExamples(t *testing.T) {
	s, doc := newSchemas(t, text(call(t, newAPI(t, idleFixture(t)), "GET", "/openapi.json", "").text))
	operations(doc, func(method, path string, op object) {
		missing := func(what string) {
			t.Errorf("%s %s (%v) has no example of %s: add one to %s (operation, summary, request, body, status), and "+
				"run `go test ./internal/api -run TestExamplesArePlayed -update`",
				method, path, op["operationId"], what, reference.ExamplesFile)
		}
		if body, ok := op["requestBody"].(object); ok && s.examplesOf(body, method+" "+path) == 0 {
			missing("a request")
		}
		shown := 0
		for status, response := range op["responses"].(object) {
			n := s.examplesOf(response.(object), fmt.Sprintf("%s %s %s", method, path, status))
			if status == "204" || status[0] == '3' { // there is nothing to show
				n = 1
			}
			if status[0] == '2' || status[0] == '3' {
				shown += n
			}
		}
		if shown == 0 {
			missing("an answer")
		}
	})
	all, err := reference.Examples()
	if err != nil {
		t.Fatal(err)
	}
	known := map[any]bool{}
	operations(doc, func(_, _ string, op object) { known[op["operationId"]] = true })
	for _, e := range all {
		if !known[e.Operation] {
			t.Errorf("%s has an example of %s, which is no operation", reference.ExamplesFile, e.Operation)
		}
	}
}

// examplesOf counts the examples of a body, and holds them to its schema.
func (s schemas) examplesOf(body object, where string) int {
	n := 0
	content, _ := body["content"].(object)
	for contentType, media := range content {
		examples, _ := media.(object)["examples"].(object)
		for name, e := range examples {
			n++
			schema, value := media.(object)["schema"].(object), e.(object)["value"]
			right := true
			if item, ok := schema[reference.LinesKey].(object); ok {
				for line := range strings.Lines(value.(string)) {
					right = right && s.takes(item, parseJSON(s.t, line))
				}
			} else {
				right = s.takes(schema, value)
			}
			if !right {
				s.t.Errorf("%s: the example %s is not right by the schema of %s: %s", where, name, contentType,
					asJSON(value))
			}
		}
	}
	return n
}
