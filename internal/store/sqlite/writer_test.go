package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/store/sqlite/files"
)

// testWriter returns a writer on a table t(x). It is not yet running, so that
// a test decides what is in the queue when it starts.
func testWriter(t *testing.T) *jobsWriter {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	if err := files.Create(path); err != nil {
		t.Fatal(err)
	}
	sql(t, path, "CREATE TABLE t (x)", "CREATE TABLE tally (one, total, active)", "INSERT INTO tally VALUES (1, 0, 0)")
	return newJobsWriter(newReaders(&identity{path: path}, 1, nil), nil, func() error { return nil })
}

func insert(x int) func(*conn) (tally, error) {
	return func(c *conn) (tally, error) { return tally{total: 1}, c.exec("INSERT INTO t VALUES (?)", x) }
}

// queued puts an operation into the queue as do does, without waiting.
func queued(ctx context.Context, w *jobsWriter, run func(*conn) (tally, error)) *operation {
	op := &operation{ctx: ctx, rows: 1, run: run, done: make(chan struct{})}
	w.queue <- op
	return op
}

func contents(t *testing.T, w *jobsWriter) (xs []int, total int64) {
	t.Helper()
	r := newReaders(w.id, 1, nil)
	err := r.with(t.Context(), func(c *conn) error {
		for i := range 20 {
			n, err := c.number("SELECT count(*) FROM t WHERE x = ?", i)
			if err != nil {
				return err
			}
			xs = append(xs, slices.Repeat([]int{i}, int(n))...)
		}
		var err error
		total, err = c.number("SELECT total FROM tally")
		return err
	})
	if err := errors.Join(err, r.close()); err != nil {
		t.Fatal(err)
	}
	return xs, total
}

func TestGroupUndoesOnlyWhatFailed(t *testing.T) {
	w := testWriter(t)
	bad := errors.New("bad")
	dead, cancel := context.WithCancel(t.Context())
	cancel()
	ops := []*operation{
		queued(t.Context(), w, insert(1)),
		queued(t.Context(), w, func(c *conn) (tally, error) {
			_, err := insert(2)(c)
			return tally{total: 100}, errors.Join(err, bad)
		}),
		queued(dead, w, insert(3)),
		queued(t.Context(), w, func(c *conn) (tally, error) {
			return tally{},
				c.exec("INSERT INTO nowhere VALUES (1)")
		}),
		queued(t.Context(), w, insert(5)),
	}
	group := w.next()
	if len(group) != len(ops) {
		t.Fatalf("a group of %d, want all %d that wait", len(group), len(ops))
	}
	w.commit(group)
	for i, want := range []bool{true, false, false, false, true} {
		if (ops[i].err == nil) != want {
			t.Errorf("operation %d: error %v", i+1, ops[i].err)
		}
	}
	if !errors.Is(ops[1].err, bad) || !errors.Is(ops[2].err, context.Canceled) {
		t.Errorf("errors %v and %v", ops[1].err, ops[2].err)
	}
	if xs, total := contents(t, w); fmt.Sprint(xs) != "[1 5]" || total != 2 {
		t.Errorf("rows %v and total %d, want 1 and 5", xs, total)
	}
	if err := w.c.Close(); err != nil {
		t.Error(err)
	}
}

func TestGroupIsLost(t *testing.T) {
	w := testWriter(t)
	ops := []*operation{
		queued(t.Context(), w, insert(1)),
		// as a full disk does
		queued(t.Context(), w, func(c *conn) (tally, error) { return tally{}, c.exec("ROLLBACK") }),
		queued(t.Context(), w, insert(3)),
	}
	w.commit(w.next())
	for i, op := range ops {
		if op.err == nil {
			t.Errorf("operation %d was acknowledged", i+1)
		}
	}
	next := queued(t.Context(), w, insert(4))
	w.commit(w.next())
	if next.err != nil {
		t.Errorf("the next group: %v", next.err)
	}
	if xs, _ := contents(t, w); fmt.Sprint(xs) != "[4]" {
		t.Errorf("rows %v, want 4 alone", xs)
	}
	if err := w.c.Close(); err != nil {
		t.Error(err)
	}
}

func TestGroupIsBounded(t *testing.T) {
	w := testWriter(t)
	for range maxGroup + 10 {
		queued(t.Context(), w, insert(1))
	}
	if got := len(w.next()); got != maxGroup {
		t.Errorf("a group of %d operations, want %d", got, maxGroup)
	}
	if got := len(w.next()); got != 10 {
		t.Errorf("then a group of %d, want 10", got)
	}
	for range 3 {
		queued(t.Context(), w, insert(1)).rows = maxGroupRows - 1
	}
	if got := len(w.next()); got != 2 {
		t.Errorf("a group of %d large operations, want 2", got)
	}
}

func TestBeatsOvertake(t *testing.T) {
	w := testWriter(t)
	for range 3 * maxGroup {
		queued(t.Context(), w, insert(1))
	}
	beat := &operation{ctx: t.Context(), rows: 1, run: insert(2), done: make(chan struct{})}
	w.urgent <- beat
	if group := w.next(); group[0] != beat {
		t.Error("the beat waits behind others")
	}
	second := &operation{ctx: t.Context(), rows: 1, run: insert(2), done: make(chan struct{})}
	first := queued(t.Context(), w, insert(1))
	w.urgent <- second
	if group := w.fill(first); group[1] != second {
		t.Error("the beat is not next in a group that is being filled")
	}
}

func TestCloseFinishesWhatWaits(t *testing.T) {
	w := testWriter(t)
	ops := []*operation{queued(t.Context(), w, insert(1)), queued(t.Context(), w, insert(2))}
	close(w.stop)
	go w.loop()
	<-w.ended
	for _, op := range ops {
		<-op.done
		if op.err != nil {
			t.Error(op.err)
		}
	}
	if xs, _ := contents(t, w); fmt.Sprint(xs) != "[1 2]" {
		t.Errorf("rows %v, want 1 and 2", xs)
	}
	if err := w.do(t.Context(), 1, insert(3)); !errors.Is(err, errClosed) {
		t.Errorf("after the end: error %v, want %v", err, errClosed)
	}
}

func TestDoGivesUpWithItsContext(t *testing.T) {
	w := testWriter(t) // nobody works on the queue
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.do(ctx, 1, insert(1)) }()
	op := <-w.queue
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	w.commit([]*operation{op})
	if xs, _ := contents(t, w); len(xs) != 0 {
		t.Errorf("rows %v: what nobody waits for any more was done", xs)
	}
	if err := w.c.Close(); err != nil {
		t.Error(err)
	}
}
