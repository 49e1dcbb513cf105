package api

import (
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

// What fails most is told by job and by host, of the time that is asked for, to everybody of what he may see.
func TestFailing(t *testing.T) {
	w := newTenants(t)
	const ago = base - 3_600_000
	w.record(t, w.ours, ago, 2)
	w.record(t, w.theirs, ago, 3)
	w.fixture.record(t, domain.Execution{FireKey: domain.FireKey{JobID: jobID(t, w.theirs), ScheduledAt: base - 9},
		Version: 1, Status: domain.StatusFailed, CompletedAt: base - 5, HTTPStatus: 500, Error: "out"})
	ask := func(h withKey, query string) (b failingBody) {
		t.Helper()
		call(t, h, "GET", "/observability/failing"+query, "").into(t, 200, &b)
		return b
	}
	b := ask(w.admin, "")
	if b.By != "job" || b.To != w.now() || b.From != w.now()-86_400_000 || !b.Complete || len(b.Failing) != 2 {
		t.Fatalf("%+v", b)
	}
	if e := b.Failing[0]; e.JobID != w.theirs || e.Failures != 4 || e.Jobs != 1 || e.Open != 1 || e.LastAt != base-5 ||
		*e.HTTPStatus != 500 || *e.Error != "out" || e.Host != "https://example.com:443" {
		t.Errorf("%+v", e)
	}
	if e := b.Failing[1]; e.JobID != w.ours || e.Failures != 2 || e.Open != 0 || e.HTTPStatus != nil {
		t.Errorf("%+v", e)
	}
	if b := ask(w.admin, "?by=host"); len(b.Failing) != 1 || b.Failing[0].JobID != "" || b.Failing[0].Failures != 6 ||
		b.Failing[0].Jobs != 2 || b.Failing[0].Open != 1 || b.By != "host" {
		t.Errorf("%+v", b)
	}
	if b := ask(w.admin, "?limit=1&to=2026-01-01T00:00:00Z&from=1767222000000"); len(b.Failing) != 1 ||
		b.Failing[0].JobID != w.theirs {
		t.Errorf("%+v", b)
	}
	if b := ask(w.admin, "?to=1767222000000"); len(b.Failing) != 0 {
		t.Errorf("%+v", b)
	}
	for _, by := range []string{"job", "host"} {
		if b := ask(w.billing, "?by="+by); len(b.Failing) != 1 || b.Failing[0].Failures != 2 {
			t.Errorf("by %s, of a confined key: %+v", by, b)
		}
	}
	for query, field := range map[string]string{"?by=tag": "by", "?from=x": "from", "?to=-1x": "to",
		"?limit=0": "limit", "?from=5&to=4": "to"} {
		p := call(t, w.admin, "GET", "/observability/failing"+query, "").problem(t, 400)
		if !slices.Equal(p.fields(), []string{field}) {
			t.Errorf("%s names %v", query, p.fields())
		}
	}
	w.store.Add(faulty.Rule{Method: "Alerts.List"})
	call(t, w.admin, "GET", "/observability/failing", "").problem(t, 503)
}
