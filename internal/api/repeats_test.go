package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

// entriesOf returns the entries of an action, newest first.
func (k *keyed) entriesOf(t *testing.T, action domain.Action) (found []changeBody) {
	t.Helper()
	var b changesBody
	k.as(t, domain.RoleAdmin, "GET", "/audit/changes?limit=1000", "").into(t, 200, &b)
	for _, c := range b.Changes {
		if c.Action == action {
			found = append(found, c)
		}
	}
	return found
}

// What a role or a namespace does not allow is in the trail, once for the same request of a caller,
// and counted.
func TestRefusalsAreInTheTrail(t *testing.T) {
	k := newKeyed(t)
	id := create(t, withKey{k, k.keys[domain.RoleEditor]}, minimal)
	for range 5 {
		k.as(t, domain.RoleViewer, "POST", "/jobs/"+id+"/trigger", "").problem(t, 403)
	}
	k.as(t, domain.RoleViewer, "DELETE", "/jobs/"+id, "").problem(t, 403)
	k.as(t, domain.RoleEditor, "GET", "/keys", "").problem(t, 403)
	k.as(t, domain.RoleEditor, "POST", "/jobs/export?withSecrets=true", "").problem(t, 403)
	k.as(t, domain.RoleEditor, "PUT", "/jobs/"+id+"?keepSecrets=true", `{"name":"x"}`).problem(t, 403)
	k.as(t, domain.RoleViewer, "POST", "/no/such", "").problem(t, 403)
	k.as(t, domain.RoleViewer, "GET", "/no/such", "").problem(t, 404) // not for its role
	want := map[string]int64{
		"the viewer POST /jobs/{id}/trigger": 5, "the viewer DELETE /jobs/{id}": 1, "the editor GET /keys": 1,
		"the editor POST /jobs/export": 1, "the editor PUT /jobs/{id}": 1, "the viewer no such path": 1,
	}
	for range 2 { // the reading does not count, and does not write anew
		got := map[string]int64{}
		for _, e := range k.entriesOf(t, domain.ActionRefuse) {
			got[e.By.Name+" "+e.Detail] += *e.Times
			if e.LastAt == nil || *e.LastAt < e.At || e.JobID != nil || e.Count != nil || e.By.Address == "" {
				t.Errorf("%+v", e)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("refused: %v, want %v", got, want)
		}
	}
	k.f.clock.step(24 * time.Hour)
	k.as(t, domain.RoleViewer, "DELETE", "/jobs/"+id, "").problem(t, 403)
	if n := len(k.entriesOf(t, domain.ActionRefuse)); n != len(want)+1 {
		t.Errorf("%d entries on the next day, want %d", n, len(want)+1)
	}
}

// Exports are in the trail with what they select and how many jobs they have written.
func TestExportsAreInTheTrail(t *testing.T) {
	k := newKeyed(t)
	editor := withKey{k, k.keys[domain.RoleEditor]}
	for i := range 3 {
		create(t, editor, laidOver(fmt.Sprintf(`"tags":["t%d"]`, i%2)))
	}
	for _, path := range []string{"/jobs/export?tag=t0", "/jobs/export?tag=t0", "/jobs/export",
		"/executions/export?from=2020-01-01T00:00:00Z"} {
		if res := k.as(t, domain.RoleViewer, "GET", path, ""); res.StatusCode != http.StatusOK {
			t.Fatal(res.text)
		}
	}
	for _, query := range []string{"&tag=t1&isActive=true", "&tag=none", ""} {
		k.as(t, domain.RoleAdmin, "POST", "/jobs/export?withSecrets=true"+query, "")
	}
	told := func(entries []changeBody) (text string) {
		for _, e := range entries {
			times := int64(0)
			if e.Times != nil {
				times = *e.Times
			}
			text += fmt.Sprintf("%s: %s, %d, %d times\n", e.By.Name, e.Detail, *e.Count, times)
		}
		return text
	}
	if got, want := told(k.entriesOf(t, domain.ActionExport)), "the viewer: executions from=2020-01-01T00%3A00%3A00Z, "+
		"0, 1 times\nthe viewer: jobs all, 3, 1 times\nthe viewer: jobs tag=t0, 4, 2 times\n"; got != want {
		t.Errorf("exports:\n%swant\n%s", got, want)
	}
	if got, want := told(k.entriesOf(t, domain.ActionReveal)), "the admin: jobs all, 3, 0 times\n"+
		"the admin: jobs tag=none, 0, 0 times\nthe admin: jobs isActive=true&tag=t1, 1, 0 times\n"; got != want {
		t.Errorf("with secrets:\n%swant\n%s", got, want)
	}
}

// A job that was imported has the import among its entries, with its first version, and who has
// imported a secret knows it.
func TestImportsAreAmongTheEntriesOfTheirJobs(t *testing.T) {
	k := newKeyed(t)
	body := laidOver(`"headers":{"Authorization":"Bearer canary-1"}`) + "\n" + laidOver(`"namespace":"other"`) + "\n"
	var made struct{ Results []importResult }
	call(t, withKey{k, k.keys[domain.RoleEditor]}, "POST", "/jobs/import", body,
		"Content-Type: application/x-ndjson").into(t, 200, &made)
	id := made.Results[0].JobID
	moved := `{"api":"https://other.example/"}`
	if res := k.as(t, domain.RoleEditor, "PUT", "/jobs/"+id, moved); res.StatusCode != 200 {
		t.Error(res.text)
	}
	var b changesBody
	k.as(t, domain.RoleAdmin, "GET", "/audit/changes?jobId="+id, "").into(t, 200, &b)
	if len(b.Changes) != 2 || b.Changes[1].Action != domain.ActionImport || *b.Changes[1].JobID != id ||
		*b.Changes[1].Count != 2 || *b.Changes[1].Version != 1 || b.Changes[1].By.Name != "the editor" ||
		b.Changes[1].After.Spec.Headers["Authorization"] != domain.Mask || b.Changes[1].Before != nil {
		t.Errorf("the entries of the job: %+v", b.Changes)
	}
	if all := k.entriesOf(t, domain.ActionImport); len(all) != 1 || all[0].JobID != nil || all[0].After != nil {
		t.Errorf("the entry of the import: %+v", all)
	}
}

// However many requests a caller makes, and however many callers there are, the entries of a day
// are bounded, and each request counts in one.
func TestRepeatsAreBounded(t *testing.T) {
	f := newFixture(t)
	r := NewRepeats(f.store.Changes(), f.clock, discard)
	as := func(key, address string) context.Context {
		v := visitor{author: domain.Author{Key: key, Name: "n", Address: address}}
		return context.WithValue(t.Context(), visitorKey{}, v)
	}
	entries := func() (all []domain.Change, times int64) {
		r.Flush(t.Context())
		all, err := f.disk.Changes().List(t.Context(), store.ChangeQuery{To: domain.Forever, Limit: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		for i := range all {
			times += all[i].Times
		}
		return all, times
	}
	for i := range 1_000 {
		r.note(as("one", "192.0.2.1"), domain.ActionRefuse, fmt.Sprintf("GET /%d", i), 0)
		r.note(as("one", "192.0.2.2"), domain.ActionExport, fmt.Sprintf("jobs text=%d", i), 1)
	}
	r.note(as("two", "192.0.2.3"), domain.ActionRefuse, "GET /0", 0)
	if all, times := entries(); len(all) != maxRepeated+2+1 || times != 2_001 {
		t.Errorf("%d entries of %d requests", len(all), times)
	}
	for i := range 3 * maxRepeaters {
		r.note(as(domain.AuthorAnonymous, fmt.Sprintf("10.0.%d.%d", i>>8, i&255)), domain.ActionRefuse, "GET /0", 0)
	}
	all, times := entries()
	if len(all) != maxRepeated+3+maxRepeaters-2+1 || times != 2_001+3*maxRepeaters {
		t.Errorf("%d entries of %d requests", len(all), times)
	}
	if last := all[0]; last.By != (domain.Author{Key: domain.AuthorAnonymous}) || last.Times != 2*maxRepeaters+2 {
		t.Errorf("the rest: %+v", last)
	}
}

// What cannot be written is counted on, and written later: also that of the day before.
func TestRepeatsSurviveAStoreThatFails(t *testing.T) {
	f := newFixture(t)
	r := NewRepeats(f.store.Changes(), f.clock, discard)
	f.store.Add(faulty.Rule{Method: "Changes.Add", Fault: faulty.FailBefore})
	ctx := context.WithValue(t.Context(), visitorKey{}, visitor{author: domain.Author{Key: "k"}})
	for range 3 {
		r.note(ctx, domain.ActionRefuse, "GET /keys", 0)
	}
	f.clock.step(24 * time.Hour)
	r.note(ctx, domain.ActionRefuse, "GET /keys", 0)
	f.store.Clear()
	r.Flush(t.Context())
	all, err := f.disk.Changes().List(t.Context(), store.ChangeQuery{To: domain.Forever, Limit: 10})
	if err != nil || len(all) != 2 || all[0].Times != 1 || all[1].Times != 3 {
		t.Errorf("%+v, %v", all, err)
	}
	if strings.Contains(fmt.Sprint(all), otherRequests) {
		t.Error(all)
	}
}
