package alert

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

// broken is what is wrong with the servers of a world.
type broken struct {
	mu     sync.Mutex
	faults []Fault
}

func (b *broken) set(faults ...Fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = faults
}

func (b *broken) now() []Fault {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.faults
}

// server is a world whose only rule is about the servers.
func server(t *testing.T, test func(t *testing.T, w *world, b *broken)) {
	t.Helper()
	bubble(t, func(t *testing.T, w *world) {
		b := &broken{}
		w.faults = b.now
		w.when(domain.Condition{Kind: domain.WhenServer, ThresholdMs: 60_000}, domain.ByHost)
		w.begin()
		test(t, w, b)
	})
}

// People are told of what is wrong with a server for longer than the rule says, each by itself, and when it is not any
// more, whoever decides.
func TestFaultsOfServersAreTold(t *testing.T) {
	server(t, func(t *testing.T, w *world, b *broken) {
		gone, store := Fault{"node n2", "no beat for 10 s"}, Fault{"store", "it does not commit"}
		b.set(store)
		w.wait(50 * time.Second)
		b.set()
		w.wait(10 * time.Minute)
		w.want("ops") // it was short
		b.set(gone, store)
		w.wait(90 * time.Second)
		want := []string{"Belfry has a fault: node n2", "Belfry has a fault: store"}
		w.wantSet(want...)
		if d := w.box.of("ops")[0]; !strings.Contains(d.Text(), d.Groups[0].Key+": "+d.Groups[0].Samples[0].Error) {
			t.Errorf("%s", d.Text())
		}
		w.stop()
		w.begin()
		w.wait(5 * time.Minute)
		w.wantSet(want...)
		b.set(store)
		w.wait(2 * time.Minute)
		w.wantSet(append(want, "Belfry works again: node n2")...)
		w.stop()
		b.set()
		w.begin()
		w.wait(2 * time.Minute)
		w.wantSet(append(want, "Belfry works again: node n2", "Belfry works again: store")...)
	})
}

// A fault in which nothing can be stored is told when it is over.
func TestAFaultOfTheStoreIsToldAfterwards(t *testing.T) {
	server(t, func(t *testing.T, w *world, b *broken) {
		b.set(Fault{"store", "it does not commit"})
		w.store.Add(faulty.Rule{Fault: faulty.FailBefore})
		w.wait(5 * time.Minute)
		w.want("ops")
		w.store.Clear()
		b.set()
		w.wait(time.Minute)
		w.wantSet("Over already: store had a fault")
	})
}

// A silence about some jobs is not one about the servers; one about everything is.
func TestSilencesOfServers(t *testing.T) {
	server(t, func(t *testing.T, w *world, b *broken) {
		now := time.Now().UnixMilli()
		all := domain.Silence{ID: "all", Reason: "x", From: now, To: now + 3_600_000}
		some := all
		some.Match.Host = "payments.example.com"
		w.change(func(s *Settings) { s.Silences = []domain.Silence{all} })
		b.set(Fault{"store", "it does not commit"})
		w.wait(10 * time.Minute)
		w.want("ops")
		w.change(func(s *Settings) { s.Silences = []domain.Silence{some} })
		w.wait(2 * time.Minute)
		w.want("ops", opened)
	})
}

// That a channel gets no messages is told on the others, until one has reached it again.
func TestUndeliverableMessagesAreTold(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.change(func(s *Settings) {
			s.Rules[0].Timing.RepeatMs = 0
			told := domain.DefaultRule()
			told.ID, told.Channels = "u", []string{"ops", "b"}
			told.When = domain.Condition{Kind: domain.WhenUndeliverable}
			s.Rules = append(s.Rules, told)
			s.Channels = append(s.Channels, domain.Channel{ID: "b"})
		})
		w.jobs(1, 2, payments)
		w.box.refuses["ops"] = &DeliveryError{Text: "410 Gone", Refused: true}
		w.begin()
		w.fail(1)
		w.wait(2 * time.Minute)
		w.want("ops")
		got := w.box.of("b")
		if len(got) != 1 || got[0].Title() != "Messages are not delivered: channel ops" ||
			!strings.Contains(got[0].Text(), "410 Gone") {
			t.Fatalf("%+v", got)
		}
		w.stop()
		w.begin()
		w.wait(3 * time.Minute)
		w.want("b", opened)
		w.box.set(func() { delete(w.box.refuses, "ops") })
		w.succeed(1)
		w.wait(3 * time.Minute)
		w.want("ops", isOver)
		w.want("b", opened, isOver)
	})
}

func TestUndelivered(t *testing.T) {
	const now = 10 * dayMs
	n := func(state domain.NotificationState, ended int64) domain.Notification {
		return domain.Notification{State: state, Delivery: domain.Delivery{EndedAt: ended}}
	}
	bad, ok := domain.NotificationUndeliverable, domain.NotificationDelivered
	for _, c := range []struct {
		name   string
		latest []domain.Notification
		want   bool
	}{
		{"nothing", nil, false},
		{"it waits", []domain.Notification{n(domain.NotificationPending, 0)}, false},
		{"a newer one took its place", []domain.Notification{n(domain.NotificationSuperseded, now-1)}, false},
		{"undeliverable", []domain.Notification{n(bad, now-1)}, true},
		{"and another waits", []domain.Notification{n(domain.NotificationPending, 0), n(bad, now-1)}, true},
		{"delivered since", []domain.Notification{n(ok, now-1), n(bad, now-2)}, false},
		{"a newer one is undeliverable", []domain.Notification{n(bad, now-1), n(ok, now-2)}, true},
		{"an older one is, later", []domain.Notification{n(ok, now-2), n(bad, now-1)}, true},
		{"a day ago", []domain.Notification{n(bad, now-dayMs)}, true},
		{"longer ago", []domain.Notification{n(bad, now-dayMs-1)}, false},
	} {
		if got := undelivered(c.latest, now); (got != nil) != c.want {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}
