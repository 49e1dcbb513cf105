package e2e

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/api/exampletest"
	"github.com/belfry-scheduler/belfry/internal/api/reference"
)

// needsMore are operations on what a server that was just started on files does not have: jobs that have failed for a
// while, other servers, and the clock of the examples. The examples of all are played in package api, too.
var needsMore = map[string]bool{
	"get-alert-group": true, "acknowledge-alert-group": true, "resend-notification": true, // failures
	"drain-node": true, "resume-node": true, // TestDrainByName has two servers
	"get-forecast": true, // begins at an instant that is past by now
}

// TestDocumentOfTheBinary plays the examples of the document against the binary, every second one under /v1: each has
// the status that is shown, and what an answer leads to has the version of the request.
func TestDocumentOfTheBinary(t *testing.T) {
	t.Parallel()
	key := strings.Repeat("documented", 4)
	p := serve(t, t.TempDir(), "BELFRY_API_KEYS="+key)
	all, err := reference.Examples()
	if err != nil {
		t.Fatal(err)
	}
	prefix := ""
	player := exampletest.Player{Send: func(r exampletest.Request) (exampletest.Answer, error) {
		req, err := http.NewRequestWithContext(t.Context(), r.Method, p.url+prefix+r.Target, strings.NewReader(r.Body))
		if err != nil {
			return exampletest.Answer{}, err
		}
		req.Header.Set("Authorization", "Bearer "+key)
		if r.ContentType != "" {
			req.Header.Set("Content-Type", r.ContentType)
		}
		for name, value := range r.Headers {
			req.Header.Set(name, value)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return exampletest.Answer{}, err
		}
		defer res.Body.Close()
		text, err := readAnswer(res)
		if at := res.Header.Get("Location"); at != "" && strings.HasPrefix(at, "/v1/") != (prefix != "") {
			t.Errorf("%s %s%s: Location %s", r.Method, prefix, r.Target, at)
		}
		return exampletest.Answer{Status: res.StatusCode, ContentType: res.Header.Get("Content-Type"),
			Body: string(text)}, err
	}}
	for i := range all {
		if needsMore[all[i].Operation] {
			continue
		}
		prefix = []string{"", "/v1"}[i%2]
		_, differences, err := player.Play(&all[i])
		if err != nil {
			t.Fatal(err)
		}
		if len(differences) > 0 && strings.HasPrefix(differences[0], "status ") {
			t.Errorf("%s (%s): %s", all[i].Request, all[i].Operation, differences[0])
		}
	}
}

// readAnswer reads the body of an answer. Of a stream of events, which has no end, it reads the first event.
func readAnswer(res *http.Response) ([]byte, error) {
	if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		return io.ReadAll(res.Body)
	}
	var text []byte
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		text = append(append(text, lines.Bytes()...), '\n')
		if bytes.HasPrefix(lines.Bytes(), []byte("data:")) {
			return text, nil
		}
	}
	return text, lines.Err()
}
