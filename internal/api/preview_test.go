package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// TestPreviewOfAChange: what would hold, which fields and fires change, and nothing is stored.
func TestPreviewOfAChange(t *testing.T) {
	h := newAPI(t, newFixture(t))
	id := create(t, h, laidOver(`"schedule":"0 0 12 * * *","headers":{"X-A":"1"},"name":"n"`))
	for _, c := range []struct {
		body, changes string
		gained, lost  int64
		truncated     bool
	}{
		{`{}`, "", 0, 0, false},
		{`{"name":null}`, "name", 0, 0, false},
		{`{"schedule":"0 0 13 * * *"}`, "schedule", 30, 30, false},
		{`{"schedule":"0 0 12,13 * * *"}`, "schedule", 30, 0, false},
		{`{"isActive":false}`, "isActive", 0, 30, false},
		{`{"isActive":false,"pausedUntil":"2026-01-03T12:00:00Z"}`, "isActive pausedUntil", 0, 2, false},
		{`{"endAt":"2026-01-03T00:00:00Z"}`, "endAt", 0, 28, false},
		{`{"headers":{"X-A":null,"X-B":"2"},"timezone":"Europe/Berlin"}`, "headers.X-A headers.X-B timezone", 30, 30,
			false},
		{`{"schedule":"* * * * * *"}`, "schedule", 199_998, 0, true},
		{`{"version":1}`, "", 0, 0, false},
	} {
		var got changePreviewBody
		call(t, h, "POST", "/jobs/"+id+"/preview", c.body).into(t, 200, &got)
		if strings.Join(got.Changes, " ") != c.changes || got.Fires.GainedCount != c.gained ||
			got.Fires.LostCount != c.lost || got.Fires.Truncated != c.truncated || got.Version != 1 {
			t.Errorf("%s: %q, %+v", c.body, got.Changes, got.Fires)
		}
		if n := int64(len(got.Fires.Gained)); n != min(c.gained, changePreviewList) {
			t.Errorf("%s: %d gained fires are listed", c.body, n)
		}
		if got.Fires.To != got.Fires.From+changePreviewMs && !c.truncated {
			t.Errorf("%s: until %d", c.body, got.Fires.To)
		}
	}
	var stored jobOutput
	call(t, h, "GET", "/jobs/"+id, "").into(t, 200, &stored.Body)
	if stored.Body.Version != 1 || stored.Body.Spec.Name != "n" {
		t.Errorf("stored: %+v", stored.Body)
	}
}

// TestPreviewOfARestore: an old version is compared with the present one.
func TestPreviewOfARestore(t *testing.T) {
	h := newAPI(t, newFixture(t))
	id := create(t, h, laidOver(`"schedule":"0 0 12 * * *","timezone":"Europe/Berlin"`))
	call(t, h, "PUT", "/jobs/"+id, `{"schedule":"0 0 */6 * * *","timezone":"UTC","name":"x"}`).into(t, 200, new(any))
	var got changePreviewBody
	call(t, h, "POST", "/jobs/"+id+"/preview", `{"version":1}`).into(t, 200, &got)
	if fmt.Sprint(got.Changes) != "[name schedule timezone]" || got.Fires.GainedCount != 30 ||
		got.Fires.LostCount != 120 ||
		got.Spec.Timezone != "Europe/Berlin" || !strings.Contains(got.Description, "12:00") || len(got.Next) != 10 {
		t.Errorf("%+v", got)
	}
	if local := got.Fires.Gained[0].Local; local != "2026-01-01T12:00:00+01:00" {
		t.Errorf("gained at %s", local)
	}
	if local := got.Fires.Lost[0].Local; local != "2026-01-01T06:00:00Z" {
		t.Errorf("lost at %s", local)
	}
}

// TestChangedFiresMarkClockChanges: the first fire of each list after a change of the clock.
func TestChangedFiresMarkClockChanges(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	id := create(t, h, laidOver(`"schedule":"0 0 12 * * *","timezone":"Europe/Berlin"`))
	f.clock.step(85 * 24 * time.Hour) // 2026-03-27
	var got changePreviewBody
	call(t, h, "POST", "/jobs/"+id+"/preview", `{"schedule":"0 0 13 * * *","timezone":"America/Sao_Paulo"}`).
		into(t, 200, &got)
	marks := func(all []instant) (text string) {
		for _, i := range all {
			if i.ClockChange != "" {
				text += i.Local + " " + i.ClockChange + "\n"
			}
		}
		return text
	}
	if lost := marks(got.Fires.Lost); lost != "2026-03-29T12:00:00+02:00 gap\n" {
		t.Errorf("lost: %q", lost)
	}
	if gained := marks(got.Fires.Gained); gained != "" { // Brazil has no summer time
		t.Errorf("gained: %q", gained)
	}
	call(t, h, "POST", "/jobs/"+id+"/preview", `{"schedule":"0 0 13 * * *"}`).into(t, 200, &got)
	if gained := marks(got.Fires.Gained); gained != "2026-03-29T13:00:00+02:00 gap\n" {
		t.Errorf("gained: %q", gained)
	}
}

// TestPreviewRefusesWhatTheChangeWould, in the same words.
func TestPreviewRefusesWhatTheChangeWould(t *testing.T) {
	w := newTenants(t)
	for _, body := range []string{
		`{"schedule":"x"}`, `{"spec":{"schedule":"x","timeoutMs":0}}`, `{"nope":1}`,
		`{"endAt":1000000000000}`, `{"namespace":"b"}`,
		`{"headers":{"Authorization":"********"}}`, `{"version":7,"name":"x"}`, `{"createdAt":5}`, `[]`, `{`,
	} {
		change := call(t, w.billing, "PATCH", "/jobs/"+w.ours, body)
		preview := call(t, w.billing, "POST", "/jobs/"+w.ours+"/preview", body)
		if change.StatusCode < 400 || change.StatusCode != preview.StatusCode || change.text != preview.text {
			t.Errorf("%s:\n%d %s\n%d %s", body, change.StatusCode, change.text, preview.StatusCode, preview.text)
		}
	}
	call(t, w.billing, "POST", "/jobs/"+w.theirs+"/preview", `{}`).problem(t, 404)
	call(t, w.billing, "POST", "/jobs/"+w.ours+"/preview", `{"version":2}`).problem(t, 422)
	call(t, w.billing, "POST", "/jobs/"+w.ours+"/preview", `{"version":0}`).problem(t, 422)
	call(t, w.billing, "POST", "/jobs/"+w.ours+"/preview?keepSecrets=true", `{}`).problem(t, 403)
}

// TestPreviewKeepsSecrets: it shows none, and not whether one was guessed.
func TestPreviewKeepsSecrets(t *testing.T) {
	k := newKeyed(t)
	admin, editor := withKey{k, k.keys[domain.RoleAdmin]}, withKey{k, k.keys[domain.RoleEditor]}
	id := create(t, admin, laidOver(`"headers":{"Authorization":"canary-1"}`))
	right := call(t, editor, "POST", "/jobs/"+id+"/preview", `{"headers":{"Authorization":"canary-1"}}`)
	wrong := call(t, editor, "POST", "/jobs/"+id+"/preview", `{"headers":{"Authorization":"canary-2"}}`)
	// each request moves the clock by a millisecond
	same := func(a answer) string {
		doc := parseJSON(t, a.text).(object)
		delete(doc, "fires")
		return asJSON(doc)
	}
	if right.StatusCode != 200 || same(right) != same(wrong) || strings.Contains(right.text, "canary") {
		t.Errorf("%s\n%s", right.text, wrong.text)
	}
	call(t, editor, "POST", "/jobs/"+id+"/preview", `{"api":"https://evil.example/"}`).problem(t, 422)
	call(t, withKey{k, k.keys[domain.RoleViewer]}, "POST", "/jobs/"+id+"/preview", `{}`).problem(t, 403)
}

// TestNextInstantsMarkClockChanges: the first one after a change of the clock.
func TestNextInstantsMarkClockChanges(t *testing.T) {
	h := newAPI(t, newFixture(t))
	var got previewBody
	call(t, h, "POST", "/schedules/preview", `{"schedule":"0 0 12 * * *","timezone":"Europe/Berlin",
		"after":"2026-03-27T12:00:00Z","count":220}`).into(t, 200, &got)
	marks := ""
	for _, i := range got.Next {
		if i.ClockChange != "" {
			marks += i.Local + " " + i.ClockChange + "\n"
		}
	}
	if marks != "2026-03-29T12:00:00+02:00 gap\n2026-10-25T12:00:00+01:00 fold\n" {
		t.Error(marks)
	}
}
