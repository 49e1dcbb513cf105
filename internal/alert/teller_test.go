package alert

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

const (
	payments = "https://payments.example.com/charge"
	mail     = "https://mail.example.com/send"

	opened, updated, isOver = domain.NoticeOpened, domain.NoticeUpdated, domain.NoticeRecovered
)

// Thousands of jobs of a host that fail are one message; what recovers within minutes another one.
func TestAHostThatFailsIsOneMessage(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, outageJobs, payments)
		w.jobs(outageJobs+1, outageJobs+1, mail)
		w.begin()
		w.fail(upTo(1_000)...)
		w.wait(2 * time.Second)
		w.fail(upTo(outageJobs + 1)...)
		w.wait(30 * time.Second)
		w.want("ops", opened, opened)
		first := w.box.of("ops")[0]
		counts := domain.GroupCounts{Jobs: outageJobs, AllJobs: outageJobs, Failures: outageJobs + 1_000}
		if g := first.Groups[0]; g.Counts != counts ||
			len(g.Samples) != maxSamples || g.Samples[0].Error != "503 Service Unavailable: out of disks" {
			t.Errorf("the group is %+v", g)
		}
		if title := first.Title(); title != "Failing: payments.example.com:443, "+count(outageJobs, "job") {
			t.Error(title)
		}
		w.fail(upTo(outageJobs)...) // as it was told
		w.wait(time.Hour)
		w.want("ops", opened, opened)
		w.succeed(upTo(outageJobs + 1)...)
		w.wait(time.Minute)
		w.want("ops", opened, opened, isOver, isOver)
		w.wait(quietMs * time.Millisecond)
		for _, g := range w.groups() {
			if g.State != domain.GroupClosed {
				t.Errorf("%s is %s", g.Key, g.State)
			}
		}
	})
}

// What failed and recovered while nobody looked is told as over, in one message.
func TestAnOutageIsNoStorm(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 500, payments)
		for range 3 {
			w.fail(upTo(500)...)
			w.wait(time.Minute)
			w.succeed(upTo(500)...)
			w.wait(time.Minute)
		}
		w.begin()
		w.wait(time.Minute)
		w.want("ops", isOver)
		title := w.box.of("ops")[0].Title()
		if !strings.HasPrefix(title, "Over already: payments.example.com:443, 500 jobs") {
			t.Error(title)
		}
		w.stop()
		w.begin()
		w.wait(time.Hour)
		w.want("ops", isOver)
	})
}

// What fails and recovers between two looks, after it was told that it is over, is told, too.
func TestAShortFailureAfterTheEndIsTold(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 1, payments)
		w.begin()
		w.fail(1)
		w.wait(15 * time.Second)
		w.succeed(1)
		w.wait(15*time.Second + 500*time.Millisecond) // between two looks
		w.want("ops", opened, isOver)
		w.fail(1)
		w.wait(time.Millisecond)
		w.succeed(1)
		w.wait(4 * time.Minute)
		w.want("ops", opened, isOver)
		w.wait(2 * time.Minute)
		w.want("ops", opened, isOver, isOver)
		for _, d := range w.box.of("ops")[2:] {
			if n := d.Groups[0].Counts.Failures; n != 2 {
				t.Errorf("told of %d failures, want 2", n)
			}
		}
		w.wait(quietMs * time.Millisecond)
		w.want("ops", opened, isOver, isOver)
		if g := w.groups(); len(g) != 1 || g[0].State != domain.GroupClosed {
			t.Errorf("%+v", g)
		}
	})
}

// What has ended more than a day before anybody could be told is no news.
func TestOldNewsIsNone(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 2, payments)
		w.fail(1, 2)
		w.wait(time.Minute)
		w.succeed(1)
		w.wait(25 * time.Hour)
		w.begin()
		w.wait(time.Minute)
		w.want("ops", opened) // of job 2, which still fails
		if g := w.box.of("ops")[0].Groups[0]; g.Counts.AllJobs != 1 {
			t.Errorf("%+v", g.Counts)
		}
	})
}

// A channel that hangs delays no other one, and gets what is true when it answers again.
func TestADeadChannelDelaysNoOther(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.change(func(s *Settings) {
			s.Channels = append(s.Channels, domain.Channel{ID: "chat", Default: true})
		})
		w.jobs(1, 3, payments)
		w.box.hangs["chat"] = true
		w.begin()
		w.fail(1)
		w.wait(15 * time.Second)
		w.want("ops", opened)
		w.fail(2, 3)
		w.wait(6 * time.Minute)
		w.succeed(1, 2, 3)
		w.wait(time.Minute)
		w.want("ops", opened, updated, isOver)
		w.want("chat")
		w.box.set(func() { w.box.hangs["chat"] = false })
		w.wait(time.Hour)
		w.want("chat", isOver)
		if n := len(w.messages(domain.NotificationSuperseded)); n != 2 {
			t.Errorf("%d messages were superseded, want 2", n)
		}
	})
}

// A message is tried for a day, with what went wrong, and as long as the receiver wants nothing it gets nothing.
func TestUndeliverable(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 1, payments)
		w.box.refuses["ops"] = &DeliveryError{Text: "503 later", AskedMs: 2 * 60 * 60_000}
		w.begin()
		w.fail(1)
		w.wait(20 * time.Second)
		pending := w.messages(domain.NotificationPending)
		if len(pending) != 1 || pending[0].Delivery.Attempts != 1 || pending[0].Delivery.Error != "503 later" {
			t.Fatalf("%+v", pending)
		}
		if wait := pending[0].NextAt - pending[0].Delivery.LastAt; wait != 2*60*60_000 {
			t.Errorf("the next attempt is after %d ms", wait)
		}
		w.change(func(s *Settings) { s.Rules = slices.Clone(s.Rules); s.Rules[0].Timing.RepeatMs = 0 })
		w.wait(25 * time.Hour)
		lost := w.messages(domain.NotificationUndeliverable)
		if len(lost) != 1 || lost[0].Delivery.Attempts < 12 || lost[0].Delivery.EndedAt-lost[0].CreatedAt < dayMs {
			t.Fatalf("%+v", lost)
		}
		again := lost[0] // by hand
		again.State, again.Delivery = domain.NotificationPending, domain.Delivery{}
		again.NextAt = clock.NowMs(clock.System{})
		w.box.set(func() { delete(w.box.refuses, "ops") })
		if err := w.store.Notices().Mark(t.Context(), again); err != nil {
			t.Fatal(err)
		}
		w.wait(time.Minute)
		w.want("ops", opened)
	})
}

// Past the limit of a channel there is a digest.
func TestDigest(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.change(func(s *Settings) { s.Rules[0].By = domain.ByJob; s.Channels[0].PerMinute = 3 })
		w.jobs(1, 40, payments)
		w.begin()
		w.fail(1, 2)
		w.wait(15 * time.Second)
		w.want("ops", opened, opened)
		w.fail(upTo(40)...)
		w.wait(20 * time.Second)
		w.want("ops", opened, opened, domain.NoticeDigest)
		for _, d := range w.box.of("ops")[2:] {
			if n := len(d.Groups); n != 38 {
				t.Errorf("a digest of %d", n)
			}
			for _, n := range w.messages(domain.NotificationDelivered) {
				if n.ID == d.ID {
					t.Error("the digest has the id of a message: a receiver that knows that drops it")
				}
			}
		}
		w.succeed(upTo(40)...)
		w.wait(5 * time.Minute)
		if got := w.box.types("ops"); len(got) < 4 || len(got) > 6 || got[3] != domain.NoticeDigest {
			t.Errorf("%v", got)
		}
		if n := len(w.messages(domain.NotificationDelivered)); n != 80 {
			t.Errorf("%d messages are delivered, want 80", n)
		}
	})
}

// A silence keeps back what is bad until it ends, and a paused job ends its alert.
func TestSilencesAndPauses(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		now := clock.NowMs(clock.System{})
		w.change(func(s *Settings) {
			s.Silences = []domain.Silence{{
				Match: domain.AlertMatcher{Host: "payments.example.com"}, Reason: "new disks", From: now,
				To: now + 60*60_000,
			}}
		})
		w.jobs(1, 2, payments)
		w.jobs(3, 3, mail)
		w.begin()
		w.fail(1, 2, 3)
		w.wait(59 * time.Minute)
		w.want("ops", opened) // mail
		v := versionOf(t, w, 2)
		v.Number, v.Active, v.EffectiveFrom = 2, false, clock.NowMs(clock.System{})
		if err := w.store.Jobs().Update(t.Context(), v); err != nil {
			t.Fatal(err)
		}
		w.wait(4 * time.Minute)
		w.want("ops", opened, opened)
		if c := w.box.of("ops")[1].Groups[0].Counts; c.Jobs != 1 || c.Withdrawn != 1 {
			t.Errorf("%+v", c)
		}
		if err := w.store.Jobs().Delete(t.Context(), jobID(1), 1, clock.NowMs(clock.System{})); err != nil {
			t.Fatal(err)
		}
		w.wait(4 * time.Minute)
		w.want("ops", opened, opened, isOver)
		w.fail(1, 2) // late results
		w.wait(4 * time.Minute)
		w.want("ops", opened, opened, isOver)
	})
}

func versionOf(t *testing.T, w *world, n int) domain.Version {
	t.Helper()
	j, err := w.store.Jobs().Get(t.Context(), jobID(n))
	if err != nil {
		t.Fatal(err)
	}
	return j.Current
}

// A group that is acknowledged is not repeated until it is worse. Whoever decides meanwhile reads it again.
func TestAcknowledged(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 2, payments)
		w.begin()
		w.fail(1)
		w.wait(15 * time.Second)
		g := w.groups()[0]
		if !Acknowledge(&g, domain.Author{Name: "ann"}, "on it", clock.NowMs(clock.System{})) {
			t.Fatal("it cannot be acknowledged")
		}
		if err := w.store.Notices().Advance(t.Context(), store.NoticeStep{Groups: []domain.Group{g}}); err != nil {
			t.Fatal(err)
		}
		w.fail(1)
		w.wait(10 * time.Hour)
		w.want("ops", opened)
		w.fail(1, 2)
		w.wait(10 * time.Second)
		w.want("ops", opened, updated)
	})
}

// A rule that is gone closes its groups, and a channel that is gone gets nothing.
func TestSettingsChange(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 2, payments)
		w.begin()
		w.fail(1)
		w.wait(15 * time.Second)
		w.change(func(s *Settings) { s.Rules = nil })
		w.fail(1, 2)
		w.wait(time.Hour)
		w.want("ops", opened)
		if g := w.groups(); len(g) != 1 || g[0].State != domain.GroupClosed {
			t.Errorf("%+v", g)
		}
		w.change(func(s *Settings) { s.Rules = []domain.AlertRule{domain.DefaultRule()}; s.Channels = nil })
		w.fail(1, 2)
		w.wait(time.Hour)
		w.want("ops", opened)
	})
}

// Whatever fails, before or after it was done, and whoever is ended when: each failure is in one group, and told.
func TestNoAlertIsLost(t *testing.T) {
	for seed := range uint64(lossSeeds) {
		bubble(t, func(t *testing.T, w *world) {
			r := rand.New(rand.NewPCG(seed, 3))
			w.change(func(s *Settings) {
				s.Rules[0].By = []domain.GroupBy{domain.ByHost, domain.ByJob}[seed%2]
				s.Channels[0].PerMinute = 600
			})
			w.jobs(1, 10, payments)
			w.jobs(11, 20, mail)
			failed := make(map[int]bool)
			w.begin()
			for range 30 {
				for _, method := range []string{"Notices", "Jobs.List"} {
					if r.IntN(3) == 0 {
						fault := []faulty.Fault{faulty.FailBefore, faulty.FailAfter}[r.IntN(2)]
						w.store.Add(faulty.Rule{Method: method, Fault: fault, P: 0.3, Times: 1 + r.IntN(5)})
					}
				}
				n := 1 + r.IntN(20)
				if r.IntN(2) == 0 {
					failed[n] = true
					w.fail(n)
					if r.IntN(3) == 0 {
						w.wait(time.Millisecond)
						w.succeed(n)
					}
				} else {
					w.succeed(n)
				}
				if r.IntN(4) == 0 {
					w.stop()
					w.begin()
				}
				w.wait(time.Duration(r.IntN(20_000)) * time.Millisecond)
			}
			w.store.Clear()
			w.succeed(upTo(20)...)
			w.wait(2 * time.Hour)
			w.checkTold(seed, failed)
		})
	}
}

// checkTold checks that all groups are closed, that messages have one id each, and that each job that has failed was
// in a group that somebody was told of, with all its failures.
func (w *world) checkTold(seed uint64, failed map[int]bool) {
	w.t.Helper()
	told, seen := make(map[domain.GroupID]int64), make(map[domain.JobID]bool)
	for _, d := range w.box.of("ops") {
		for _, g := range d.Groups {
			told[g.ID] = max(told[g.ID], g.Counts.Failures)
			for _, s := range g.Samples {
				seen[s.JobID] = true
			}
		}
	}
	allJobs := 0
	for _, g := range w.groups() {
		allJobs += g.Counts.AllJobs
		if g.State != domain.GroupClosed || told[g.ID] != g.Counts.Failures || g.Counts.Jobs != 0 {
			w.t.Errorf("seed %d: group %s is %s, told of %d failures, %+v", seed, g.Key, g.State, told[g.ID], g.Counts)
		}
	}
	if allJobs < len(failed) {
		w.t.Errorf("seed %d: %d jobs have failed, and groups are of %d", seed, len(failed), allJobs)
	}
	if seed%2 == 1 { // each job has groups of its own
		for n := range failed {
			if !seen[jobID(n)] {
				w.t.Errorf("seed %d: nobody was told of job %d", seed, n)
			}
		}
	}
	if pending := w.messages(domain.NotificationPending); len(pending) != 0 {
		w.t.Errorf("seed %d: %d messages are pending", seed, len(pending))
	}
}
