package sqlite

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// factsOf reads a story of job 1: "F3" is a failure that completed at 3, "S5" a
// success at 5, "K7" a skipped fire, and "f3"/"s5" the same of job 2.
func factsOf(events string) (facts []*domain.Execution) {
	for i, word := range strings.Fields(events) {
		at := int64(0)
		_, _ = fmt.Sscan(word[1:], &at)
		e := &domain.Execution{FireKey: domain.FireKey{JobID: jobID(1), ScheduledAt: noon + int64(i)}, StartedAt: 1,
			CompletedAt: at}
		if word[0] >= 'a' {
			e.JobID = jobID(2)
		}
		e.Status = map[string]domain.Status{
			"F": domain.StatusFailed, "S": domain.StatusSuccess, "U": domain.StatusUnknown, "K": domain.StatusSkipped,
		}[strings.ToUpper(word[:1])]
		facts = append(facts, e)
	}
	return facts
}

// tell writes changes as "job:first-last*count" with "=recovered" or "".
func tell(changes []*alertChange) string {
	var words []string
	for _, c := range changes {
		w := fmt.Sprintf("%d:%d-%d*%d", c.job[15], c.firstAt, c.lastAt, c.count)
		if c.recoveredAt != 0 {
			w += fmt.Sprintf("=%d", c.recoveredAt)
		}
		words = append(words, w)
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

func TestPlanOfAlerts(t *testing.T) {
	for _, c := range []struct {
		name           string
		before, events string // what was committed, and the batch
		want           string
	}{
		{"nothing fails", "", "S1 s2 K3", ""},
		{"the first failure opens", "", "F1", "1:1-1*1"},
		{"UNKNOWN opens too", "", "U1", "1:1-1*1"},
		{"failures count on", "", "F1 F2 F3", "1:1-3*3"},
		{"a success ends", "", "F1 F2 S3", "1:1-2*2=3"},
		{"order is that of completion", "", "S3 F2 F1", "1:1-2*2=3"},
		{"a success before the first failure is nothing", "", "S1 F2", "1:2-2*1"},
		{"a success at the same time does not end", "", "F2 S2", "1:2-2*1"},
		{"a skipped fire does not end", "", "F1 K2", "1:1-1*1"},
		{"a second alert in one batch", "", "F1 S2 F3", "1:1-1*1=2 1:3-3*1"},
		{"and a third, recovered", "", "F1 S2 F3 S4 S5", "1:1-1*1=2 1:3-3*1=4"},
		{"jobs do not mix", "", "F1 s2 S3 f4", "1:1-1*1=3 2:4-4*1"},
		{"an open alert counts on", "F1 F2", "F3", "1:1-3*3"},
		{"an open alert ends", "F1 F2", "S3", "1:1-2*2=3"},
		{"an old success ends nothing", "F1 F5", "S3", ""},
		{"a late failure counts", "F5", "F3", "1:5-5*2"},
		{"a late failure after the end opens another", "F5 S6", "F3", "1:3-3*1"},
		{"ended and opened again", "F1", "S2 F3", "1:1-1*1=2 1:3-3*1"},
		{"another job's success", "F1", "s2", ""},
		{"successes after the end", "F1 S2", "S3 S4", ""},
	} {
		open := openAlerts{}
		open.commit(open.plan(dayOf(noon), factsOf(c.before)))
		was := fmt.Sprint(open)
		changes := open.plan(dayOf(noon), factsOf(c.events))
		if got := tell(changes); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if fmt.Sprint(open) != was {
			t.Errorf("%s: the plan changed the book", c.name)
		}
	}
}

func TestPlanMarksAlertsThatSpread(t *testing.T) {
	open := openAlerts{}
	d := dayOf(noon)
	open.commit(open.plan(d, factsOf("F1")))
	if live := open[jobID(1)]; live.spread || live.day != d {
		t.Fatalf("in one file: %+v", live)
	}
	changes := open.plan(d+1, factsOf("F2"))
	if c := changes[0]; !c.spread || c.day != d+1 || c.from != d {
		t.Fatalf("into the next file: %+v", c)
	}
	open.commit(changes)
	if c := open.plan(d+1, factsOf("F3"))[0]; !c.spread || c.from != d+1 {
		t.Fatalf("once spread, always spread: %+v", c)
	}
	open.commit(open.plan(d, factsOf("S9")))
	if len(open) != 0 {
		t.Fatalf("open alerts %+v after the success", open)
	}
}

// A success must cost nothing while no job has an open alert.
func TestPlanOfSuccessesAllocatesNothing(t *testing.T) {
	open, batch := openAlerts{}, factsOf("S1 s2 S3 s4")
	if n := testing.AllocsPerRun(100, func() { open.plan(dayOf(noon), batch) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCarriedAlertOfADeletedJobIsDropped(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	create(t, s, version(1))
	record(t, s, failure(1, noon), failure(2, noon)) // job 2 is not known
	if _, err := s.History().Expire(t.Context(), dayOf(noon).end()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := allAlerts(t, s); len(got) != 1 || got[0].JobID != jobID(1) {
			t.Fatalf("alerts %+v, want that of job 1", got)
		}
		closeStore(t, s)
		s = openStore(t, s.cfg.Path)
	}
}

// Rows that a newer row in another file has replaced are swept out before any
// day goes, so that they neither cost time nor come back when the newer one
// expires.
func TestSweepDeletesReplacedRows(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	create(t, s, version(1))
	record(t, s, success(1, noon-dayMs)) // the day that goes
	for i := range int64(3) {
		record(t, s, failure(1, noon+i*dayMs))
	}
	if _, err := s.History().Expire(t.Context(), noon); err != nil {
		t.Fatal(err)
	}
	for i := range int64(3) {
		d := dayOf(noon + i*dayMs)
		err := s.days.read(t.Context(), d, func(c *conn) error {
			n, err := c.number("SELECT count(*) FROM alert")
			if want := i / 2; n != want {
				t.Errorf("%s has %d rows, want %d", d, n, want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := allAlerts(t, s); len(got) != 1 || got[0].Count != 3 {
		t.Errorf("alerts %+v, want one of three failures", got)
	}
}
