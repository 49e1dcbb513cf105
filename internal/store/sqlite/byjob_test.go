package sqlite

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/byjob"
)

func byJob(t *testing.T, s *Store, n, limit int) []domain.Execution {
	t.Helper()
	found, err := s.History().ByJob(t.Context(), jobID(n), store.Page{Limit: limit})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func missed(n int, from, at, count int64) domain.Execution {
	e := success(n, at)
	e.Status, e.StartedAt, e.HTTPStatus = domain.StatusMissed, 0, 0
	e.Missed = &domain.MissedRange{From: from, Count: count}
	return e
}

// Another job that fires each second keeps the gap probe from helping: then
// the search ends after byjob.MaxMisses, with what it has.
func TestByJobGivesUp(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	create(t, s, version(1), version(2))
	var noise []domain.Execution
	for i := range int64(byjob.MaxMisses + 100) {
		noise = append(noise, success(2, noon+i*second))
	}
	record(t, s, noise...)
	last := noon + (byjob.MaxMisses+99)*second
	near, far := success(1, last-(byjob.MaxMisses-1)*second), success(1, last-(byjob.MaxMisses+1)*second)
	record(t, s, far)
	if got := byJob(t, s, 1, 5); len(got) != 0 {
		t.Errorf("found %+v after more than %d misses", got, byjob.MaxMisses)
	}
	record(t, s, near)
	if got := byJob(t, s, 1, 5); len(got) != 2 || got[0].FireKey != near.FireKey || got[1].FireKey != far.FireKey {
		t.Errorf("found %d facts, want both: the misses in a row begin anew", len(got))
	}
}

// Fires in the range of a short summary that have a record of their own are
// found, though the summary covers their time.
func TestByJobLooksIntoShortSummaries(t *testing.T) {
	s := newStore(t)
	create(t, s, version(1))
	own := []domain.Execution{success(1, noon+3*second), success(1, noon+7*second)}
	summary := missed(1, noon+second, noon+10*second, 8)
	record(t, s, append(own, summary, success(1, noon))...)
	got := byJob(t, s, 1, 10)
	if len(got) != 4 || got[0].Missed == nil || got[1].ScheduledAt != own[1].ScheduledAt ||
		got[2].ScheduledAt != own[0].ScheduledAt || got[3].ScheduledAt != noon {
		t.Errorf("found %+v", got)
	}
}

// lookups counts the statements that look up one fact. It is a slog.Handler.
type lookups struct {
	slog.Handler
	n atomic.Int64
}

func (l *lookups) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "statement" && a.Value.String() == strings.Join(strings.Fields(selectFact), " ") {
			l.n.Add(1)
		}
		return true
	})
	return nil
}

// A summary does not end the search for what lies below it, however long it is
// and whatever other jobs did in the meantime; nor is it walked through.
func TestByJobSkipsLongSummaries(t *testing.T) {
	t.Parallel()
	count := &lookups{Handler: slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug})}
	s, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "jobs.db"), Log: slog.New(count),
		Verbose: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, s) })
	create(t, s, version(1))
	const n = byjob.MaxMisses + 200
	var noise []domain.Execution
	for i := range int64(n) {
		noise = append(noise, success(2, noon+i*second))
	}
	record(t, s, noise...)
	record(t, s, success(1, noon), missed(1, noon+second, noon+n*second, n))
	if got := byJob(t, s, 1, 5); len(got) != 2 || got[1].ScheduledAt != noon {
		t.Errorf("found %+v, want the summary and the fire before it", got)
	}
	// The same when a page begins in the middle of it, after a trigger.
	middle := domain.FireKey{JobID: jobID(1), ScheduledAt: noon + (n-1)*second, Nonce: 1}
	got, err := s.History().ByJob(t.Context(), jobID(1), store.Page{Before: middle, Limit: 5})
	if err != nil || len(got) != 1 || got[0].ScheduledAt != noon {
		t.Errorf("from the middle: found %+v, want the fire before the summary, error %v", got, err)
	}
	if n := count.n.Load(); n == 0 || n > 10 {
		t.Errorf("%d lookups, want a few", n)
	}
}

// What the searches cost is decided by the plans: none may scan the table.
func TestQueriesUseTheirIndex(t *testing.T) {
	s := newStore(t)
	record(t, s, success(1, noon))
	for query, want := range map[string]string{
		selectFact:    "SEARCH execution USING PRIMARY KEY (scheduled_at=? AND job_id=? AND nonce=?)",
		selectInstant: "SEARCH execution USING PRIMARY KEY (scheduled_at=?)",
		scanFacts:     "SEARCH execution USING PRIMARY KEY (scheduled_at>? AND (scheduled_at,job_id,nonce)<(?,?,?))",
		selectKeys: "SEARCH execution USING PRIMARY KEY ((scheduled_at,job_id,nonce)>(?,?,?) AND " +
			"scheduled_at<?)",
		selectRanges: "SEARCH execution USING INDEX execution_summary ((scheduled_at,job_id,nonce)>(?,?,?) AND " +
			"scheduled_at<?)",
		selectStream: "SEARCH execution USING PRIMARY KEY ((scheduled_at,job_id,nonce)>(?,?,?) AND " +
			"scheduled_at<?)",
		scanFailed: "SEARCH execution USING INDEX execution_failed (scheduled_at>? AND " +
			"(scheduled_at,job_id,nonce)<(?,?,?))",
		scanManualOfJob: "SEARCH execution USING INDEX execution_irregular (job_id=? AND scheduled_at>? AND " +
			"scheduled_at<?)",
		scanFailedOfJob: "SEARCH execution USING INDEX execution_failed_by_job (job_id=? AND scheduled_at>? AND " +
			"scheduled_at<?)",
		selectIrregular: "SEARCH execution USING INDEX execution_irregular (job_id=? AND " +
			"(scheduled_at,nonce)<(?,?))",
		selectIrregularJob: "SEARCH execution USING INDEX execution_irregular (job_id>?)",
		selectSummary:      "SEARCH execution USING INDEX execution_irregular (job_id=? AND scheduled_at>?)",
		sumCounters:        "SEARCH counter USING PRIMARY KEY (minute>?)",
		`SELECT max(scheduled_at) FROM execution WHERE scheduled_at < ?`: "SEARCH execution USING PRIMARY KEY " +
			"(scheduled_at<?)",
	} {
		var plan []string
		err := s.days.read(t.Context(), dayOf(noon), func(c *conn) error {
			return c.query("EXPLAIN QUERY PLAN "+query, func(s *sqlite.Stmt) error {
				plan = append(plan, s.ColumnText(3))
				return nil
			})
		})
		if err != nil || len(plan) == 0 || plan[0] != want {
			t.Errorf("%s\nplan %q, want %q, error %v", query, plan, want, err)
		}
	}
}

// filesRead counts the files that facts are read from. It is a slog.Handler.
type filesRead struct {
	slog.Handler
	files map[string]bool
}

func (f *filesRead) Handle(_ context.Context, r slog.Record) error {
	var file, statement string
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "file":
			file = filepath.Base(a.Value.String())
		case "statement":
			statement = a.Value.String()
		}
		return true
	})
	if strings.Contains(statement, "FROM execution") {
		f.files[file] = true
	}
	return nil
}

// A job that fires seldom does not cost a look into each file: only into the
// newest, those of its fires, and those of days in which it was triggered by hand.
func TestByJobReadsFewFiles(t *testing.T) {
	t.Parallel()
	log := &filesRead{Handler: slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug})}
	open := func(path string) *Store {
		s, err := Open(t.Context(), Config{Path: path, Log: slog.New(log), Verbose: true})
		if err != nil {
			t.Fatal(err)
		}
		s.days.limit = 5
		return s
	}
	s := open(filepath.Join(t.TempDir(), "jobs.db"))
	monthly := version(1)
	monthly.Spec.Schedule = "0 0 12 1 * *"
	create(t, s, monthly, version(2))
	for i := range int64(14) { // from March 10 to May 14: two fires, more files than are open at a time
		record(t, s, success(2, noon+5*i*dayMs))
	}
	april, may := noon+22*dayMs, noon+52*dayMs
	triggered := success(1, noon+40*dayMs+second)
	triggered.Nonce = 7
	record(t, s, success(1, april), success(1, may), triggered)
	for range 2 {
		log.files = map[string]bool{}
		got := byJob(t, s, 1, 20)
		if len(got) != 3 || got[0].ScheduledAt != may || got[1].Nonce != 7 || got[2].ScheduledAt != april {
			t.Errorf("found %+v", got)
		}
		if len(log.files) != 4 || !log.files["2026-04-01.db"] || !log.files["2026-04-19.db"] ||
			!log.files["2026-05-01.db"] {
			t.Errorf("read %v", log.files)
		}
		closeStore(t, s)
		s = open(s.cfg.Path)
	}
	closeStore(t, s)
}

// Of a file with irregular rows of many jobs every one is looked for.
func TestManyIrregularJobs(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	var facts []domain.Execution
	for n := range maxIrregular + 5 {
		e := success(n+1, noon)
		e.Nonce = 1
		facts = append(facts, e)
	}
	first, last := version(1), version(maxIrregular+5)
	first.Spec.Schedule, last.Spec.Schedule = "0 0 12 1 * *", "0 0 12 1 * *" // no fire on that day
	create(t, s, first, last)
	record(t, s, append(facts, success(3, noon+dayMs))...) // the newest file is looked into in any case
	for range 2 {
		if len(byJob(t, s, 1, 5)) != 1 || len(byJob(t, s, maxIrregular+5, 5)) != 1 {
			t.Error("a trigger is not found")
		}
		if !s.history.irregular.byDay[dayOf(noon)].many || s.history.irregular.mayHave(dayOf(noon+dayMs), jobID(1)) {
			t.Error("the store does not know which file has many")
		}
		closeStore(t, s)
		s = openStore(t, s.cfg.Path)
	}
}
