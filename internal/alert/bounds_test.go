package alert

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

// What people are told at the edges of conditions and silences. Each case here is one at which a changed operator was
// seen by no other test.

// A fault that was shorter than the rule says is none, however long it could not be stored, and whatever disabled
// rules say.
func TestShortFaultsAreNotTold(t *testing.T) {
	server(t, func(t *testing.T, w *world, b *broken) {
		w.change(func(s *Settings) {
			off := s.Rules[0]
			off.ID, off.Disabled, off.When.ThresholdMs = "off", true, 1
			s.Rules = append(s.Rules, off)
		})
		w.store.Add(faulty.Rule{Fault: faulty.FailBefore})
		b.set(Fault{"store", "it does not commit"})
		w.wait(20 * time.Second)
		b.set()
		w.wait(5 * time.Minute)
		w.store.Clear()
		w.wait(5 * time.Minute)
		w.want("ops")
	})
}

// A fault is told from the instant on at which it is as old as the rule says.
func TestAFaultIsToldWhenItIsOldEnough(t *testing.T) {
	s := &stepping{now: 60_000}
	for age, want := range map[int64]bool{59_999: false, 60_000: true, 60_001: true} {
		b := subjects{}
		asked := 0
		s.notices = countingNotices{asked: &asked}
		r := &domain.AlertRule{When: domain.Condition{Kind: domain.WhenServer, ThresholdMs: 60_000}}
		_ = b.applyFault(t.Context(), s, r, &trouble{Fault: Fault{"store", "x"}, since: s.now - age})
		if told := asked > 0; told != want {
			t.Errorf("%d ms old: told %t, want %t", age, told, want)
		}
	}
}

// countingNotices counts how often members are asked for, and has none.
type countingNotices struct {
	store.Notices
	asked *int
}

func (c countingNotices) Members(context.Context, []domain.JobID) ([]domain.Member, error) {
	*c.asked++
	return nil, errNoMembers
}

var errNoMembers = fmt.Errorf("there are no members")

// People are told of a fault that is over in one message, and in no other one when its group is closed.
func TestAFaultThatIsOverIsToldOnce(t *testing.T) {
	server(t, func(t *testing.T, w *world, b *broken) {
		b.set(Fault{"store", "it does not commit"})
		w.store.Add(faulty.Rule{Fault: faulty.FailBefore})
		w.wait(5 * time.Minute)
		w.store.Clear()
		b.set()
		w.wait(2 * time.Hour)
		w.wantSet("Over already: store had a fault")
	})
}

// A fault that has ended and come again while nothing could be stored is there, and not over.
func TestAFaultThatIsThereAgainIsNotOver(t *testing.T) {
	server(t, func(t *testing.T, w *world, b *broken) {
		w.store.Add(faulty.Rule{Fault: faulty.FailBefore})
		b.set(Fault{"store", "it does not commit"})
		w.wait(2 * time.Minute)
		b.set()
		w.wait(10 * time.Second)
		b.set(Fault{"store", "it does not commit"})
		w.wait(10 * time.Second)
		w.store.Clear()
		w.wait(5 * time.Minute)
		w.wantSet("Belfry has a fault: store")
	})
}

// Faults that cannot be stored are kept up to a bound.
func TestFaultsThatCannotBeStoredAreBounded(t *testing.T) {
	var b subjects
	for i := range 3 * endedAtMost {
		b.observe([]Fault{{Subject: fmt.Sprint("node ", i)}}, int64(i))
	}
	if len(b.ended) != endedAtMost {
		t.Errorf("%d are kept, want %d", len(b.ended), endedAtMost)
	}
}

// A silence that a namespace has made of all its jobs says nothing of the servers.
func TestASilenceOfANamespaceIsNotAboutServers(t *testing.T) {
	server(t, func(t *testing.T, w *world, b *broken) {
		w.silence("billing", domain.AlertMatcher{}, time.Hour)
		w.change(func(s *Settings) { s.Silences[0].Limit = "billing" })
		b.set(Fault{"store", "it does not commit"})
		w.wait(5 * time.Minute)
		w.wantSet("Belfry has a fault: store")
	})
}

// Nobody is told that a channel that somebody has disabled gets no messages.
func TestADisabledChannelIsNoNews(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.change(func(s *Settings) {
			told := domain.DefaultRule()
			told.ID, told.Channels = "u", []string{"b"}
			told.When = domain.Condition{Kind: domain.WhenUndeliverable}
			s.Rules = append(s.Rules, told)
			s.Channels = append(s.Channels, domain.Channel{ID: "b"})
		})
		w.jobs(1, 1, payments)
		w.box.refuses["ops"] = &DeliveryError{Text: "410 Gone", Refused: true}
		w.begin()
		w.fail(1)
		w.wait(10*time.Second + 500*time.Millisecond)
		w.change(func(s *Settings) { s.Channels[0].Disabled = true })
		w.wait(10 * time.Minute)
		if n := len(w.messages(domain.NotificationUndeliverable)); n != 1 {
			t.Fatalf("%d messages are undeliverable, want that of before", n)
		}
		w.want("b")
	})
}

func TestSent(t *testing.T) {
	for status, want := range map[domain.Status]bool{
		domain.StatusSuccess: true, domain.StatusFailed: true, domain.StatusUnknown: true,
		domain.StatusSkipped: false, domain.StatusMissed: false, domain.StatusRunning: false,
	} {
		if got := sent(status); got != want {
			t.Errorf("%s: %t, want %t", status, got, want)
		}
	}
}

// A job of which a call is tried again has an open run: it is not one that has not run.
func TestARetryIsNoSilence(t *testing.T) {
	notRun(t, func(t *testing.T, w *world) {
		now := time.Now().UnixMilli()
		waits := domain.OpenRun{FireKey: domain.FireKey{JobID: jobID(2), ScheduledAt: now + 60_000}, Version: 1,
			CreatedAt: now + 60_000, Runner: 1,
			Attempts: []domain.Attempt{{Number: 1, StartedAt: now + 60_000, CompletedAt: now + 60_001}}}
		batch := store.Batch{Open: []domain.OpenRun{waits}, Runner: 1}
		if err := w.store.Ledger().Record(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		for range 8 {
			w.wait(time.Minute)
			w.succeed(1, 3, 4, 5)
		}
		w.want("ops")
	})
}

// An alert is silenced as long as the last of what covers it, and a group as long as all of its alerts are.
func TestCovering(t *testing.T) {
	job := &domain.Version{Spec: domain.Spec{Namespace: "billing"}}
	acts := func(id string, until int64, jobs ...int) domain.Acting {
		s := domain.Silence{ID: id, To: until}
		for _, n := range jobs {
			s.Match.Jobs = append(s.Match.Jobs, jobID(n))
		}
		a, _ := s.At(0)
		return a
	}
	one, two, all := acts("one", 10, 1), acts("two", 30, 2), acts("all", 20)
	later := acts("later", 40, 1)
	for _, c := range []struct {
		name   string
		acting []domain.Acting
		jobs   []int
		want   string // empty: people are told
	}{
		{"nothing acts", nil, []int{1}, ""},
		{"of another job", []domain.Acting{two}, []int{1}, ""},
		{"the longest of those that cover it", []domain.Acting{one, later, all}, []int{1}, "later"},
		{"the same in another order", []domain.Acting{later, all, one}, []int{1}, "later"},
		{"the first that ends of those that are needed", []domain.Acting{one, two}, []int{1, 2}, "one"},
		{"the same in another order", []domain.Acting{one, two}, []int{2, 1}, "one"},
		{"one alert is not covered", []domain.Acting{one, two}, []int{1, 2, 3}, ""},
		{"all is needed for the third", []domain.Acting{later, two, all}, []int{1, 2, 3}, "all"},
	} {
		got := covering{acting: c.acting}
		for _, n := range c.jobs {
			got.add(jobID(n), job)
		}
		if id := quietID(&got); id != c.want {
			t.Errorf("%s: %q, want %q", c.name, id, c.want)
		}
	}
	for _, c := range []struct {
		acting []domain.Acting
		want   string
	}{
		{nil, ""}, {[]domain.Acting{one}, ""}, {[]domain.Acting{all, acts("longer", 50)}, "longer"},
		{[]domain.Acting{acts("longer", 50), all, later}, "longer"},
	} {
		got := covering{acting: c.acting}
		if got.addSubject(); quietID(&got) != c.want {
			t.Errorf("a subject: %q, want %q", quietID(&got), c.want)
		}
	}
}

// quietID is the id of what silences; empty: people are told.
func quietID(c *covering) string {
	if c.told || c.by == nil {
		return ""
	}
	return c.by.ID
}

// Alerts that have ended keep no silence from acting on those that are open.
func TestASilenceIsAboutWhatIsOpen(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 2, payments)
		w.silence("two", domain.AlertMatcher{Jobs: jobIDs(2, 2)}, time.Hour)
		w.begin()
		w.fail(1, 2)
		w.wait(3 * time.Second)
		w.succeed(1)
		w.wait(10 * time.Minute)
		w.want("ops")
	})
}

// A silence that covers a thousand alerts of a group does not cover one more, on the next page of its members.
func TestASilenceIsAboutAllPagesOfAGroup(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, membersAtOnce+1, payments)
		w.silence("most", domain.AlertMatcher{Jobs: jobIDs(1, membersAtOnce)}, time.Hour)
		w.begin()
		w.fail(upTo(membersAtOnce + 1)...)
		w.wait(5 * time.Minute)
		w.want("ops", opened)
	})
}

// Who has acknowledged a group has done so until it recovers.
func TestAnAcknowledgementEndsWithTheGroup(t *testing.T) {
	g := domain.Group{State: domain.GroupOpen, Counts: domain.GroupCounts{Jobs: 1, AllJobs: 1, Failures: 1}}
	Acknowledge(&g, domain.Author{Name: "ann"}, "on it", 7)
	Apply(&g, Decide(&g, domain.DefaultTiming(), 8, false), 8)
	if g.State != domain.GroupAcknowledged || g.Ack.Note != "on it" {
		t.Errorf("%+v", g)
	}
	g.Counts.Jobs = 0
	Apply(&g, Decide(&g, domain.DefaultTiming(), 9, false), 9)
	if g.State != domain.GroupRecovered || g.Ack != (domain.Acknowledgement{}) {
		t.Errorf("%+v", g)
	}
}
