package api

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
	"github.com/belfry-scheduler/belfry/internal/wire"
)

// seedChanges puts the latest changes into the trail, and returns the id of the
// key that they are about.
func seedChanges(t *testing.T, f *fixture, job string) string {
	t.Helper()
	id := jobID(t, job)
	at := f.now() + time.Hour.Milliseconds()
	_, key := domain.NewAPIKey()
	key.Name, key.Role, key.CreatedAt, key.ExpiresAt = "CI", domain.RoleEditor, f.now(), 1<<42
	by := domain.Author{Key: domain.AuthorEnv, Address: "192.0.2.1"}
	ctx := store.WithChange(t.Context(), domain.Change{At: at, Nonce: 9, By: by, RequestID: "r-9"})
	if err := errors.Join(f.disk.Keys().Add(ctx, key), f.disk.Changes().Add(t.Context(), domain.Change{
		At: at, Nonce: 8, By: by, Action: domain.ActionTrigger, JobID: id, Version: 1,
		Execution: domain.NewExecutionID(id, at, 8),
	})); err != nil {
		t.Fatal(err)
	}
	return key.ID
}

func changesOf(t *testing.T, h http.Handler, query string) (b changesBody) {
	t.Helper()
	call(t, h, "GET", "/audit/changes"+query, "").into(t, 200, &b)
	return b
}

// TestTheTrail makes every change there is over the real engine and store, and
// reads who did what.
func TestTheTrail(t *testing.T) {
	h, x := realOfAdmin(t)
	x.outcome <- domain.Outcome{Verdict: domain.VerdictSuccess, HTTPStatus: 200}
	secret := strings.TrimSuffix(never, "}") + `,"headers":{"Authorization":"Bearer ` +
		`canary-1","X-Own":"canary-3","X-Team":"billing"},` +
		`"secretHeaders":["X-Own"],"signing":{"secrets":["` + canary1 + `"]},"body":"` +
		strings.Repeat("b", maxShownBody) + `"}`
	id := create(t, h, secret)
	job := "/jobs/" + id
	for _, c := range []struct{ method, path, body string }{
		{"PUT", job, `{"name":"renamed","headers":{"X-Api-Key":"canary-2"},"signing":{"secrets":["` + canary2 +
			`","********"]},"body":{"b":1}}`},
		{"PUT", job, `{"name":"renamed"}`}, // changes nothing
		{"PUT", job, `{"headers":{"X-Api-Key":"********"},"signing":{"secrets":["********","********"]}}`}, // neither
		{"POST", job + "/pause", ""},
		{"POST", job + "/pause", ""}, // neither
		{"POST", job + "/trigger", ""},
		{"GET", "/jobs/export", ""}, // shows nothing
		{"POST", "/jobs/export?withSecrets=true", ""},
		{"DELETE", job, ""},
	} {
		if res := call(t, h, c.method, c.path, c.body); res.StatusCode/100 != 2 {
			t.Fatalf("%s %s: %s", c.method, c.path, res.text)
		}
	}
	call(t, h, "DELETE", job, "").problem(t, 404)
	call(t, h, "POST", "/jobs", "{}").problem(t, 422)
	call(t, h, "POST", "/jobs/import", strings.Repeat(never+"\n", 2_500)+"{}\n", "Content-Type: application/x-ndjson")

	all := changesOf(t, h, "").Changes
	var actions []string
	for _, c := range all {
		actions = append(actions, string(c.Action))
		if c.By.Key != domain.AuthorEnv || c.By.Address != "192.0.2.1" || c.At == 0 {
			t.Errorf("%s by %+v at %d", c.Action, c.By, c.At)
		}
	}
	if got := strings.Join(actions, " "); got != "IMPORT DELETE REVEAL EXPORT TRIGGER UPDATE UPDATE CREATE" {
		t.Fatalf("the trail is %s", got)
	}
	if n := all[0].Count; n == nil || *n != 2_500 || all[0].JobID != nil {
		t.Errorf("the import: %+v", all[0])
	}
	if e := all[4].ExecutionID; e == nil || *all[4].JobID != id {
		t.Errorf("the trigger: %+v", all[4])
	}
	for i, n := range []int64{2: 1, 3: 1} {
		if e := all[i]; n > 0 && (e.Count == nil || *e.Count != n || e.Detail != "jobs all") {
			t.Errorf("the export: %+v", e)
		}
	}
	update := all[6]
	if update.Before.Spec.Name != "" || update.After.Spec.Name != "renamed" || *update.Version != 2 ||
		update.Before.Spec.Headers["X-Team"] != "billing" ||
		update.Before.Spec.Headers["Authorization"] != domain.Mask {
		t.Errorf("the update: %+v, %+v", update.Before, update.After)
	}
	if before, after := update.Before.Spec, update.After.Spec; len(before.Signing.Secrets) != 1 ||
		len(after.Signing.Secrets) != 2 ||
		before.Headers["X-Own"] != domain.Mask || string(before.Body) != fmt.Sprintf(`"(%d bytes)"`, maxShownBody+2) ||
		string(after.Body) != `{"b":1}` {
		t.Errorf("the update: %+v, %+v", before, after)
	}
	if sum := sha256.Sum256([]byte(`"` + strings.Repeat("b", maxShownBody) + `"`)); update.Before.BodyBytes !=
		maxShownBody+2 || update.Before.BodySHA256 != hex.EncodeToString(sum[:]) || update.After.BodySHA256 != "" {
		t.Errorf("the bodies of the update: %+v, %+v", update.Before, update.After)
	}
	if pause := all[5]; !pause.Before.IsActive || pause.After.IsActive {
		t.Errorf("the pause: %+v", pause)
	}
	if remove := all[1]; remove.Before == nil || remove.After != nil || *remove.Version != 3 {
		t.Errorf("the deletion: %+v", remove)
	}
	if text := call(t, h, "GET", "/audit/changes", "").text; strings.Contains(text, "canary") ||
		strings.Contains(text, canary1[6:]) || strings.Contains(text, canary2[6:]) {
		t.Errorf("a secret is shown: %s", text)
	}
	if ofJob := changesOf(t, h, "?jobId="+id).Changes; len(ofJob) != 5 {
		t.Errorf("%d changes of the job", len(ofJob))
	}
	var paged []changeBody
	for query := "?limit=1"; ; {
		page := changesOf(t, h, query)
		paged = append(paged, page.Changes...)
		if page.NextCursor == "" {
			break
		}
		query = "?limit=1&cursor=" + page.NextCursor
	}
	if len(paged) != 8 || paged[7].Action != domain.ActionCreate {
		t.Errorf("paged: %d entries", len(paged))
	}
	found := false
	for _, c := range changesOf(t, h, fmt.Sprintf("?from=%d&to=%d", update.At, update.At)).Changes {
		if c.At != update.At {
			t.Errorf("%s at %d, asked for %d", c.Action, c.At, update.At)
		}
		found = found || c.Version != nil && *c.Version == *update.Version
	}
	if !found {
		t.Error("the update is not there at its instant")
	}
}

func TestTheTrailNamesTheKey(t *testing.T) {
	k := newKeyed(t)
	var made createdKeyBody
	k.as(t, domain.RoleAdmin, "POST", "/keys", `{"name":"CI","role":"viewer"}`).into(t, 201, &made)
	if res := k.as(t, domain.RoleAdmin, "DELETE", "/keys/"+made.ID, ""); res.StatusCode != 200 {
		t.Fatal(res.text)
	}
	id := create(t, withKey{k, k.keys[domain.RoleEditor]}, minimal)
	k.as(t, domain.RoleEditor, "POST", "/jobs/"+id+"/trigger", "")
	k.as(t, domain.RoleViewer, "POST", "/jobs/"+id+"/trigger", "").problem(t, 403)
	var b changesBody
	k.as(t, domain.RoleAdmin, "GET", "/audit/changes", "").into(t, 200, &b)
	seen := map[domain.Action]changeBody{}
	for _, c := range b.Changes {
		seen[c.Action] = c
	}
	if c := seen[domain.ActionTrigger]; c.By.Key != k.ids[domain.RoleEditor] || c.By.Name != "the editor" {
		t.Errorf("the trigger is by %+v", c.By)
	}
	for _, action := range []domain.Action{domain.ActionKeyCreate, domain.ActionKeyRevoke} {
		if c := seen[action]; c.By.Key != k.ids[domain.RoleAdmin] || c.Key == nil || c.Key.ID != made.ID ||
			c.Key.Name != "CI" || c.Key.Role != domain.RoleViewer {
			t.Errorf("%s: %+v by %+v", action, c.Key, c.By)
		}
	}
}

// withKey is an API that every caller has a key of.
type withKey struct {
	http.Handler
	key string
}

func (h withKey) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Header.Set("Authorization", "Bearer "+h.key)
	h.Handler.ServeHTTP(w, r)
}

// No secret is shown without an entry of the trail.
func TestATrailThatFails(t *testing.T) {
	f := newFixture(t)
	f.store.Add(faulty.Rule{Method: "Changes", Fault: faulty.FailBefore})
	h := withKey{newAPI(t, f, func(c *Config) { c.Keys = ring(t, f, key1) }), key1}
	create(t, h, minimal)
	call(t, h, "GET", "/audit/changes", "").problem(t, 503)
	call(t, h, "POST", "/jobs/export?withSecrets=true", "").problem(t, 503)
}

func TestWrongChangeQueries(t *testing.T) {
	f := newFixture(t)
	h := withKey{newAPI(t, f, func(c *Config) { c.Keys = ring(t, f, key1) }), key1}
	id := create(t, h, minimal)
	for query, field := range map[string]string{
		"from=x": "from", "to=-1": "to", "jobId=1": "jobId", "limit=0": "limit", "limit=1.5": "limit",
		"cursor=x": "cursor", "foo=1": "foo",
		"cursor=" + wire.Cursor{List: wire.CursorJobs, Job: domain.JobID{1}}.String(): "cursor",
		"from=1&from=2": "from",
	} {
		if p := call(t, h, "GET", "/audit/changes?"+query, "").problem(t, 400); len(p.Errors) != 1 ||
			p.Errors[0].Field != field {
			t.Errorf("%s: %+v", query, p.Errors)
		}
	}
	ours := wire.Cursor{List: wire.CursorChanges, At: 5, Nonce: 7}
	if c, err := wire.ParseCursor(wire.CursorChanges, ours.String()); err != nil || c != ours {
		t.Errorf("%+v, %v", c, err)
	}
	call(t, h, "GET", "/jobs?cursor="+ours.String(), "").problem(t, 400)
	call(t, h, "GET", "/jobs/"+id+"/executions?cursor="+ours.String(), "").problem(t, 400)
}

// TestChangesNameTheirRequest: each entry has the id of the request that asked for it, and is
// found by it.
func TestChangesNameTheirRequest(t *testing.T) {
	h, x := realOfAdmin(t)
	x.outcome <- domain.Outcome{Verdict: domain.VerdictSuccess, HTTPStatus: 200}
	from := func(id string) string { return "X-Request-Id: " + id }
	var made savedBody
	call(t, h, "POST", "/jobs", minimal, from("make-1")).into(t, 201, &made)
	job := "/jobs/" + made.JobID
	for _, c := range []struct {
		method, path, body, id string
	}{
		{"PUT", job, `{"name":"x"}`, "change-1"}, {"POST", job + "/pause", "", "change-1"},
		{"POST", job + "/trigger", "", "run-1"}, {"POST", "/jobs/import",
			"[" + minimal + "," + minimal + "]", "import-1"},
		{"POST", "/jobs/export?withSecrets=true", "", "reveal-1"},
		{"POST", "/keys", `{"name":"x","role":"viewer"}`, "key-1"}, {"DELETE", job, "", "gone-1"},
	} {
		if res := call(t, h, c.method, c.path, c.body, from(c.id)); res.StatusCode/100 != 2 {
			t.Fatalf("%s %s: %d %s", c.method, c.path, res.StatusCode, res.text)
		}
	}
	for id, actions := range map[string]string{
		"make-1": "CREATE", "change-1": "UPDATE UPDATE", "run-1": "TRIGGER", "import-1": "IMPORT",
		"reveal-1": "REVEAL", "key-1": "KEY_CREATE", "gone-1": "DELETE", "nobody": "",
	} {
		var got []string
		for _, c := range changesOf(t, h, "?requestId="+id).Changes {
			got = append(got, string(c.Action))
			if c.RequestID != id {
				t.Errorf("an entry of %s has the id %q", id, c.RequestID)
			}
		}
		if strings.Join(got, " ") != actions {
			t.Errorf("%s: %v, want %s", id, got, actions)
		}
	}
	own := call(t, h, "PUT", job, `{}`).Header.Get("X-Request-Id") // 404
	if got := changesOf(t, h, "?requestId="+own).Changes; own == "" || len(got) != 0 {
		t.Errorf("a refused request has %v", got)
	}
	for query, code := range map[string]domain.FieldCode{
		"requestId=" + strings.Repeat("a", 129): domain.FieldLength,
		"requestId=a&jobId=" + made.JobID:       domain.FieldContradiction,
	} {
		if p := call(t, h, "GET", "/audit/changes?"+query, "").problem(t, 400); p.Errors[0].Code != code {
			t.Errorf("%s: %+v", query, p.Errors)
		}
	}
}
