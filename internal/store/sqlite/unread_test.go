package sqlite

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// TestRowThatCannotBeRead: what a row cannot say is left out and named, and no
// answer fails for it.
func TestRowThatCannotBeRead(t *testing.T) {
	for column, c := range map[string]struct {
		value, field string
		timing       bool // a timing lacks it too
	}{
		"tags":    {`'["a"'`, "tags", false},
		"headers": {`'[1]'`, "headers", false},
		"body":    {`'{"cut'`, "body", false},
		"options": {`'{"retry":5,"namespace":"billing","jitterMs":7}'`, "retry", true},
	} {
		t.Run(column, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "jobs.db")
			s := openStore(t, path)
			bad, good := version(0), version(1)
			create(t, s, bad, good)
			closeStore(t, s)
			sql(t, path, `UPDATE version SET `+column+` = `+c.value+` WHERE job_id = (SELECT min(id) FROM job)`)
			s = openStore(t, path)
			defer closeStore(t, s)
			named := func(what string, unread []domain.Fault) {
				t.Helper()
				if len(unread) != 1 || unread[0].Field != c.field || unread[0].Reason == "" {
					t.Errorf("%s: unread %v, want %s", what, unread, c.field)
				}
			}
			job, err := s.Jobs().Get(t.Context(), bad.JobID)
			if err != nil {
				t.Fatal(err)
			}
			named("Get", job.Current.Unread)
			if err := job.Current.Unusable(); err == nil || !strings.Contains(err.Error(), c.field+": cannot be read") {
				t.Errorf("unusable: %v", err)
			}
			if column == "options" && (job.Current.Spec.Namespace != "billing" || job.Current.Spec.JitterMs != 7 ||
				job.Current.Spec.Retry != rows.Defaults.Retry) {
				t.Errorf("what can be read: %+v", job.Current.Spec)
			}
			for _, q := range []store.JobQuery{{Limit: 9}, {Limit: 9, Namespace: "billing"}, {Limit: 9, Tag: "a"},
				{Limit: 9, Text: "x"}} {
				if _, err := s.Jobs().List(t.Context(), q); err != nil {
					t.Errorf("List %+v: %v", q, err)
				}
			}
			if versions, err := s.Jobs().Versions(t.Context(), bad.JobID, store.WholeVersions); err != nil ||
				len(versions) != 1 {
				t.Errorf("%v, error %v", versions, err)
			} else {
				named("Versions", versions[0].Unread)
			}
			for parts, want := range map[store.Parts]bool{store.WholeVersions: true, store.TimingOnly: c.timing} {
				n := 0
				err := s.Jobs().Timeline(t.Context(), store.ShardSet{}, 0, parts, func(v domain.Version) error {
					if n++; (len(v.Unread) > 0) != (want && v.JobID == bad.JobID) {
						t.Errorf("timeline: job %s unread %v", v.JobID, v.Unread)
					}
					return nil
				})
				if err != nil || n != 2 {
					t.Errorf("timeline: %d versions, error %v", n, err)
				}
			}
			if _, err := s.History().ByJob(t.Context(), bad.JobID, store.Page{Limit: 5}); err != nil {
				t.Errorf("ByJob: %v", err)
			}
			if err := s.Jobs().Delete(t.Context(), bad.JobID, 1, bad.EffectiveFrom+5); err != nil {
				t.Errorf("Delete: %v", err)
			}
		})
	}
}

// TestRotationKeepsWhatItCannotRead: a row whose secrets cannot be read stays as
// it is, and with it the keys that may have sealed it.
func TestRotationKeepsWhatItCannotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	s := openStore(t, path)
	create(t, s, secretVersion(0), secretVersion(1))
	closeStore(t, s)
	sql(t, path, `UPDATE version SET headers = substr(headers, 1, length(headers) - 2) WHERE job_id = (SELECT `+
		`min(id) FROM job)`)
	r, err := RotateEncryption(t.Context(), Config{Path: path}, false)
	if err != nil || r.Versions != 1 || r.Unread != 1 || len(r.Retired) != 0 {
		t.Fatalf("%+v, error %v; want one version, one left, no key retired", r, err)
	}
	cfg := Config{Path: path}
	if keys, err := cfg.loadKeys(); err != nil || len(keys) != 2 {
		t.Errorf("%d keys, error %v; want the old one kept", len(keys), err)
	}
}

// TestAttemptsThatCannotBeRead: the execution is shown, or goes on, and says so.
func TestAttemptsThatCannotBeRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	s := openStore(t, path)
	v := version(0)
	create(t, s, v)
	run := domain.OpenRun{FireKey: domain.FireKey{JobID: v.JobID, ScheduledAt: v.EffectiveFrom + 5}, Version: 1,
		Attempts: []domain.Attempt{{Number: 1, StartedAt: 1, CompletedAt: 2, Error: "refused"}}}
	if err := s.Ledger().Record(t.Context(), store.Batch{Open: []domain.OpenRun{run}}); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	sql(t, path, `UPDATE open_run SET attempts = '[{"number":"one"}]'`)
	s = openStore(t, path)
	defer closeStore(t, s)
	n := 0
	err := s.Ledger().OpenRuns(t.Context(), store.ShardSet{}, func(o domain.OpenRun) error {
		n++
		if len(o.Attempts) != 1 || !strings.Contains(o.Attempts[0].Error, "cannot be read") {
			t.Errorf("%+v", o)
		}
		return nil
	})
	if err != nil || n != 1 {
		t.Errorf("%d open runs, error %v", n, err)
	}
}

// TestPauseThatCannotBeRead: options that are no JSON are in the way of no other pause, and of no repair.
func TestPauseThatCannotBeRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	s := openStore(t, path)
	bad, good := version(0), version(1)
	for _, v := range []*domain.Version{&bad, &good} {
		v.Active, v.Pause = false, domain.Pause{Until: 1_800_000_000_000}
	}
	create(t, s, bad, good)
	closeStore(t, s)
	const first = ` WHERE job_id = (SELECT min(id) FROM job)`
	sql(t, path, `UPDATE version SET options = '{"pause":{'`+first)
	s = openStore(t, path)
	found, err := s.Jobs().Pauses(t.Context(), domain.Forever, store.PauseEnd{}, 9)
	if err != nil || len(found) != 1 || found[0].JobID != good.JobID {
		t.Errorf("%+v, error %v", found, err)
	}
	closeStore(t, s)
	sql(t, path, `UPDATE version SET options = '{"pause":{"until":1800000000000}}'`+first)
	s = openStore(t, path)
	defer closeStore(t, s)
	if found, err = s.Jobs().Pauses(t.Context(), domain.Forever, store.PauseEnd{}, 9); err != nil || len(found) != 2 {
		t.Errorf("mended: %+v, error %v", found, err)
	}
}
