package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
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

// firstKey makes the first key of a server, an admin's, and a client that has it.
func firstKey(t *testing.T, p *process) (client.CreatedKey, *client.Client) {
	t.Helper()
	admin, err := p.api.Keys.Create(t.Context(), client.NewKey{Name: "ops", Role: "admin"})
	if err != nil {
		t.Fatal(err)
	}
	api, err := client.New(p.url, admin.Text)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(api.Close)
	return admin, api
}

// TestTheTrailSurvivesAKill kills a server while clients create and import
// jobs. Then each job that is there is in the trail, as its creation or counted
// by the import, and the trail names none that is not: an entry and its change
// are one commit. A key that was revoked stays so.
func TestTheTrailSurvivesAKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := serve(t, dir)
	admin, api := firstKey(t, p)
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

// TestTheTrailIsWhole: what was refused and what was exported is in the trail, counted over a stop,
// and an import is among the entries of each of its jobs.
func TestTheTrailIsWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := serve(t, dir)
	admin, api := firstKey(t, p)
	viewer, err := api.Keys.Create(t.Context(), client.NewKey{Name: "looks", Role: "viewer"})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("b", 5_000)
	const job = `{"schedule":"0 0 0 1 1 *","api":"http://127.0.0.1:1/","type":"ATLEAST_ONCE","tags":["x"],` +
		`"body":"%s"}` + "\n"
	if _, err := api.Jobs.Import(t.Context(), client.Lines, strings.NewReader(strings.Repeat(
		fmt.Sprintf(job, long), 3))); err != nil {
		t.Fatal(err)
	}
	ask := func(method, path, key string, want int) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, p.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != want {
			t.Fatalf("%s %s: %d, %v", method, path, res.StatusCode, err)
		}
	}
	ids := []string{}
	for _, j := range readAll(t, p.url+"/jobs", admin.Text, "jobs") {
		ids = append(ids, j["id"].(string))
	}
	for range 5 {
		ask(http.MethodDelete, "/jobs/"+ids[0], viewer.Text, http.StatusForbidden)
	}
	ask(http.MethodGet, "/jobs/export?tag=x", viewer.Text, http.StatusOK)
	ask(http.MethodGet, "/jobs/export?tag=x", viewer.Text, http.StatusOK)
	ask(http.MethodPost, "/jobs/export?tag=x&withSecrets=true", admin.Text, http.StatusOK)
	if code := p.terminate(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	p = serve(t, dir)

	var told []string
	for _, c := range readAll(t, p.url+"/audit/changes", admin.Text, "changes") {
		told = append(told, fmt.Sprint(c["action"], " ", c["by"].(map[string]any)["name"], " ", c["detail"], " ",
			c["count"], " ", c["times"]))
	}
	want := []string{
		"REVEAL ops jobs tag=x 3 <nil>", "EXPORT looks jobs tag=x 6 2", "REFUSE looks DELETE /jobs/{id} <nil> 5",
		"IMPORT ops <nil> 3 <nil>",
	}
	if len(told) < len(want) || fmt.Sprint(told[:len(want)]) != fmt.Sprint(want) {
		t.Errorf("the trail is\n%s\nwant first\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
	sum := sha256.Sum256([]byte(`"` + long + `"`))
	for _, id := range ids {
		_, page := read(t, p.url+"/audit/changes?jobId="+id, admin.Text)
		all := page["changes"].([]any)
		if len(all) != 1 {
			t.Fatalf("the entries of job %s: %v", id, all)
		}
		c := all[0].(map[string]any)
		after, _ := c["after"].(map[string]any)
		if c["action"] != "IMPORT" || c["jobId"] != id || after["bodySha256"] != hex.EncodeToString(sum[:]) {
			t.Errorf("the entry of job %s: %v", id, c)
		}
	}
}
