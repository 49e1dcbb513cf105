package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

// sent imports a body and returns the outcomes of its items, and the counts.
func sent(t *testing.T, h http.Handler, query, body string, header ...string) (importBody, []string) {
	t.Helper()
	var report importBody
	res := call(t, h, "POST", "/jobs/import"+query, body, append([]string{ndjson}, header...)...)
	res.into(t, http.StatusOK, &report)
	counts := map[string]int{"created": -report.Imported, "updated": -report.Updated,
		"unchanged": -report.Unchanged, "skipped": -report.Skipped, "refused": -report.Refused}
	var outcomes []string
	for _, r := range report.Results {
		outcomes = append(outcomes, r.Outcome)
		counts[r.Outcome]++
		if (r.Outcome == "refused") != (r.Error != nil) || (r.JobID == "") != (r.Error != nil) {
			t.Errorf("%+v", r)
		}
	}
	for outcome, difference := range counts {
		if difference != 0 {
			t.Errorf("%d more %s than counted", difference, outcome)
		}
	}
	return report, outcomes
}

// TestImportOnConflict: what becomes of items whose keys jobs have, by onConflict.
func TestImportOnConflict(t *testing.T) {
	changed := withJobKey("a", `"name":"new"`)
	body := strings.Join([]string{changed, withJobKey("b"), minimal, withJobKey("b", `"name":"twice"`),
		withJobKey("a", `"schedule":"x"`)}, "\n")
	for query, want := range map[string][]string{
		"":                   {"refused", "created", "created", "refused", "refused"},
		"?onConflict=refuse": {"refused", "created", "created", "refused", "refused"},
		"?onConflict=skip":   {"skipped", "created", "created", "skipped", "skipped"},
		"?onConflict=update": {"updated", "created", "created", "updated", "refused"},
	} {
		f := newFixture(t)
		h := newAPI(t, f)
		id := create(t, h, withJobKey("a", `"tags":["t"]`))
		report, outcomes := sent(t, h, query, body)
		if !slices.Equal(outcomes, want) {
			t.Errorf("%s: %v, want %v", query, outcomes, want)
		}
		var job struct {
			Spec struct {
				Name string
				Tags []string
			}
			Version int
		}
		call(t, h, "GET", "/jobs/by-key/a", "").into(t, 200, &job)
		if update := want[0] == "updated"; update != (job.Version == 2 && job.Spec.Name == "new" &&
			job.Spec.Tags == nil) ||
			f.count(t) != 3 {
			t.Errorf("%s: %+v, %d jobs", query, job, f.count(t))
		}
		if first := report.Results[0]; want[0] == "refused" {
			if e := first.Error; e.Status != 409 || e.Errors[0].Field != "key" ||
				!strings.Contains(e.Errors[0].Message, id) {
				t.Errorf("%+v", e)
			}
		} else if first.JobID != id {
			t.Errorf("%s: job %s, want %s", query, first.JobID, id)
		}
	}
	call(t, newAPI(t, newFixture(t)), "POST", "/jobs/import?onConflict=merge", body, ndjson).problem(t, 400)
}

// manyKeyed returns an import of several commits, most of whose items have keys.
func manyKeyed(name string) string {
	var lines []string
	for i := range 5_000 {
		if i%10 == 9 {
			lines = append(lines, strings.Replace(minimal, "{", fmt.Sprintf(`{"key":"p%d","isActive":false,`, i), 1))
			continue
		}
		lines = append(lines, withJobKey(fmt.Sprintf("k%d", i), `"name":"`+name+`"`))
	}
	return strings.Join(lines, "\n")
}

// TestImportAgainChangesNothing: the same file twice makes no version the second time, and
// another one changes what differs.
func TestImportAgainChangesNothing(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	for _, c := range []struct {
		name                         string
		imported, updated, unchanged int
	}{{"a", 5_000, 0, 0}, {"a", 0, 0, 5_000}, {"b", 0, 4_500, 500}, {"b", 0, 0, 5_000}} {
		updates := f.store.Count("Jobs.Update").Calls
		report, _ := sent(t, h, "?onConflict=update", manyKeyed(c.name))
		updates = f.store.Count("Jobs.Update").Calls - updates
		if report.Imported != c.imported || report.Updated != c.updated || report.Unchanged != c.unchanged ||
			report.Refused != 0 || updates != c.updated || f.count(t) != 5_000 {
			t.Errorf("%+v: %d imported, %d updated, %d unchanged, %d versions made, %d jobs", c, report.Imported,
				report.Updated, report.Unchanged, updates, f.count(t))
		}
	}
	res := call(t, h, "POST", "/jobs/import?onConflict=update", manyKeyed("b"), ndjson, "Prefer: return=minimal")
	if want := `{"results":[],"imported":0,"refused":0,"updated":0,"unchanged":5000,` +
		`"skipped":0}`; res.text != want+"\n" {
		t.Errorf("%s", res.text)
	}
}

// TestExportRestores: an export, imported with update, makes of changed jobs what they were,
// with their secrets, and then changes nothing.
func TestExportRestores(t *testing.T) {
	w := newTenants(t)
	secret := `"headers":{"Authorization":"Bearer canary","X-A":"1"}`
	for key, more := range map[string][]string{
		"plain": nil, "body": {`"body":{"a": [1,  2.50], "b": "<"}`}, "secret": {secret},
		"signed": {`"signing":{"secrets":["whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5"]}`},
		"paused": {`"isActive":false`}, "full": {`"tags":["a"],"retry":{"maxRetries":0},"startAt":1798761600000`},
	} {
		call(t, w.admin, "PUT", "/jobs/by-key/"+key, withJobKey(key, more...)).id(t)
	}
	export := call(t, w.admin, "GET", "/jobs/export?namespace=default", "").text
	lines := strings.Count(export, `"key"`)
	report, outcomes := sent(t, w.admin, "?onConflict=update", export)
	if report.Unchanged != lines || lines != 6 {
		t.Errorf("nothing has changed: %v", outcomes)
	}
	before := map[string]string{}
	for _, key := range []string{"plain", "body", "secret", "signed", "paused", "full"} {
		var doc struct{ Spec json.RawMessage }
		call(t, w.admin, "GET", "/jobs/by-key/"+key, "").into(t, 200, &doc)
		before[key] = string(doc.Spec)
		call(t, w.admin, "PUT", "/jobs/by-key/"+key, `{"name":"x","tags":["y"],"retry":{"delayMs":7},"startAt":0}`).
			into(t, 200, &struct{}{})
	}
	if report, outcomes = sent(t, w.admin, "?onConflict=update", export); report.Updated != lines {
		t.Errorf("all have changed: %v", outcomes)
	}
	for key, spec := range before {
		var doc struct{ Spec json.RawMessage }
		if call(t, w.admin, "GET", "/jobs/by-key/"+key, "").into(t, 200, &doc); string(doc.Spec) != spec {
			t.Errorf("%s is %s\nwas %s", key, doc.Spec, spec)
		}
	}
	whole := call(t, w.admin, "POST", "/jobs/export?withSecrets=true&namespace=default", "").text
	if !strings.Contains(whole, "canary") {
		t.Fatal(whole)
	}
	if report, outcomes = sent(t, w.admin, "?onConflict=update", whole); report.Unchanged != lines {
		t.Errorf("with the secrets that they have: %v", outcomes)
	}
}

// TestImportsDoNotTellSecrets: to an editor, a right guess of a secret is like a wrong one; and
// an import sends no secret to another origin.
func TestImportsDoNotTellSecrets(t *testing.T) {
	w := newTenants(t)
	auth := func(value string) string { return withJobKey("s", `"headers":{"Authorization":"`+value+`"}`) }
	call(t, w.admin, "PUT", "/jobs/by-key/s?namespace=billing", auth("right")).id(t)
	for _, guess := range []string{"right", "wrong"} {
		if _, outcomes := sent(t, w.billing, "?onConflict=update", auth(guess)); outcomes[0] != "updated" {
			t.Errorf("%s: %v", guess, outcomes)
		}
	}
	call(t, w.admin, "PUT", "/jobs/by-key/s?namespace=billing", auth("anew")).into(t, 200, &struct{}{})
	elsewhere := strings.Replace(auth("********"), "example.com", "evil.example", 1)
	report, _ := sent(t, w.billing, "?onConflict=update", elsewhere)
	if e := report.Results[0].Error; e == nil || e.Errors[0].Field != "api" || e.Errors[0].Code != "masked" {
		t.Errorf("%+v", report.Results[0])
	}
	inOther := strings.Replace(withJobKey("s"), "{", `{"namespace":"default",`, 1)
	if report, _ := sent(t, w.billing, "?onConflict=update", inOther); report.Results[0].Error.Status != 403 {
		t.Errorf("another namespace: %+v", report.Results[0])
	}
	moved := strings.Replace(elsewhere, "{", `{"namespace":"billing",`, 1)
	if _, outcomes := sent(t, w.admin, "?onConflict=update&keepSecrets=true", moved); outcomes[0] != "updated" {
		t.Errorf("as an admin wants it: %v", outcomes)
	}
}

// TestKeyedImportAgain: an import with both an Idempotency-Key and keys, which ends at a commit
// that fails, does the rest when it comes again. What it has done is not done twice, even if
// others have changed the jobs since.
func TestKeyedImportAgain(t *testing.T) {
	for query, outcome := range map[string]string{"?onConflict=update": "unchanged", "?onConflict=skip": "skipped"} {
		f := newFixture(t)
		h := newAPI(t, f)
		var olds []string
		for i := 0; i < 5_000; i += 3 {
			olds = append(olds, withJobKey(fmt.Sprintf("k%d", i), `"name":"old"`))
		}
		sent(t, h, "", strings.Join(olds, "\n"))
		f.store.Add(faulty.Rule{Method: "Jobs.Create", Fault: faulty.FailBefore, Skip: 1, Times: 1})
		body := manyKeyed("new")
		call(t, h, "POST", "/jobs/import"+query, body, ndjson, "Idempotency-Key: a").problem(t, 503)
		call(t, h, "PUT", "/jobs/by-key/k0", `{"name":"mine"}`).into(t, 200, &struct{}{})
		for _, replayed := range []bool{false, true} {
			report, outcomes := sent(t, h, query, body, "Idempotency-Key: a")
			if report.Refused != 0 || len(outcomes) != 5_000 || outcomes[0] != outcome || outcomes[1] != "created" ||
				replayed && report.Updated != 0 {
				t.Errorf("%s: %v..., %d updated, %d unchanged, %d refused", query, outcomes[:5], report.Updated,
					report.Unchanged, report.Refused)
			}
			var job struct{ Spec struct{ Name string } }
			if call(t, h, "GET", "/jobs/by-key/k0", "").into(t, 200, &job); job.Spec.Name != "mine" {
				t.Errorf("%s: k0 is %s", query, job.Spec.Name)
			}
			want := "new"
			if query == "?onConflict=skip" {
				want = "old"
			}
			if call(t, h, "GET", "/jobs/by-key/k4998", "").into(t, 200, &job); job.Spec.Name != want {
				t.Errorf("%s: k4998 is %s", query, job.Spec.Name)
			}
		}
	}
}
