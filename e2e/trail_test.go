package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/client"
)

// read asks with a key and returns the status and the decoded body.
func read(t *testing.T, url, key string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, out
}

// readAll returns every entry of a list.
func readAll(t *testing.T, url, key, list string) (all []map[string]any) {
	t.Helper()
	for query := "?limit=1000"; ; {
		status, page := read(t, url+query, key)
		if status != http.StatusOK {
			t.Fatalf("GET %s%s: %d %v", url, query, status, page)
		}
		for _, e := range page[list].([]any) {
			all = append(all, e.(map[string]any))
		}
		next, more := page["nextCursor"].(string)
		if !more {
			return all
		}
		query = "?limit=1000&cursor=" + next
	}
}

// TestTheTrailSurvivesAKill kills a server while clients create and import
// jobs. Then each job that is there is in the trail, as its creation or counted
// by the import, and the trail names none that is not: an entry and its change
// are one commit. A key that was revoked stays so.
func TestTheTrailSurvivesAKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := serve(t, dir)
	admin, err := p.api.Keys.Create(t.Context(), client.NewKey{Name: "ops", Role: "admin"})
	if err != nil {
		t.Fatal(err)
	}
	api, err := client.New(p.url, admin.Text)
	if err != nil {
		t.Fatal(err)
	}
	defer api.Close()
	editor, err := api.Keys.Create(t.Context(), client.NewKey{Name: "CI", Role: "editor"})
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Keys.Revoke(t.Context(), editor.ID); err != nil {
		t.Fatal(err)
	}

	const idle = `{"schedule":"0 0 0 1 1 *","api":"http://127.0.0.1:1/","type":"ATLEAST_ONCE"}` + "\n"
	var acked sync.Map
	var count atomic.Int64
	enough := make(chan struct{})
	var clients sync.WaitGroup
	clients.Go(func() { // broken off by the kill
		_, _ = api.Jobs.Import(t.Context(), client.Lines, strings.NewReader(strings.Repeat(idle, 100_000)))
	})
	for range 8 {
		clients.Go(func() {
			for {
				made, err := api.Jobs.Create(t.Context(),
					client.Spec{Schedule: "0 0 0 1 1 *", API: "http://127.0.0.1:1/", Type: "ATLEAST_ONCE"})
				if err != nil {
					return // killed
				}
				acked.Store(made.JobID, true)
				if count.Add(1) == 500 {
					close(enough)
				}
			}
		})
	}
	<-enough
	p.kill()
	clients.Wait()

	p = serve(t, dir)
	created, imported := map[string]bool{}, 0
	for _, c := range readAll(t, p.url+"/audit/changes", admin.Text, "changes") {
		switch c["action"] {
		case "CREATE":
			created[c["jobId"].(string)] = true
		case "IMPORT":
			imported = int(c["count"].(float64))
		}
		if by := c["by"].(map[string]any); c["action"] != "KEY_CREATE" &&
			(by["key"] != admin.ID || by["name"] != "ops") {
			t.Errorf("%v by %v", c["action"], by)
		}
	}
	others, there := 0, map[string]bool{}
	for _, j := range readAll(t, p.url+"/jobs", admin.Text, "jobs") {
		id := j["id"].(string)
		there[id] = true
		if !created[id] {
			others++
		}
	}
	for id := range created {
		if !there[id] {
			t.Errorf("the trail has job %s, which is not there", id)
		}
	}
	acked.Range(func(id, _ any) bool {
		if !created[id.(string)] {
			t.Errorf("job %s was answered for, and is not in the trail", id)
		}
		return true
	})
	if others != imported {
		t.Errorf("%d jobs were imported, the trail says %d", others, imported)
	}
	t.Logf("%d jobs created, %d answered for, %d imported before the kill", len(created), count.Load(), imported)
	if status, _ := read(t, p.url+"/jobs", editor.Text); status != http.StatusUnauthorized {
		t.Errorf("the revoked key: %d", status)
	}
}
