package engine

import (
	"sync"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// prepared is a Config.Prepare that records what it gets.
type prepared struct {
	mu    sync.Mutex
	calls []domain.Upcoming
	at    []time.Time
}

func (p *prepared) prepare(u *domain.Upcoming) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls, p.at = append(p.calls, *u), append(p.at, time.Now())
}

// take returns what it got since the last time.
func (p *prepared) take() []domain.Upcoming {
	p.mu.Lock()
	defer p.mu.Unlock()
	calls := p.calls
	p.calls, p.at = nil, nil
	return calls
}

// Half a second before its instant a fire is prepared, with those that call the same host in the
// same way. A job that says no is not, nor one that was paused.
func TestCallsArePrepared(t *testing.T) {
	t.Parallel()
	var p prepared
	bubbleWith(t, Config{Prepare: p.prepare}, func(t *testing.T, w *world) {
		at := func(schedule, api string, change ...func(*domain.SpecDoc)) domain.SpecDoc {
			return spec("", append(change, func(d *domain.SpecDoc) { d.Schedule, d.API = schedule, api })...)
		}
		w.edge(0)
		for w.now()/1000%60 != 5 {
			w.edge(0)
		}
		unprepared := func(d *domain.SpecDoc) { d.Prepare = false }
		w.create(
			at("10 * * * * *", "http://one.test/a"), at("10 * * * * *", "http://one.test/b", once),
			at("10 * * * * *", "http://two.test/", func(d *domain.SpecDoc) { d.TLSSkipVerify = true }),
			at("10 * * * * *", "https://two.test/", func(d *domain.SpecDoc) { d.TLSSkipVerify = true }),
			at("10 * * * * *", "http://no.test/", unprepared))
		gone := w.create(at("10 * * * * *", "http://paused.test/"))
		if _, err := w.update(gone, func(d *domain.SpecDoc) { d.IsActive = false }); err != nil {
			t.Fatal(err)
		}
		w.pass(4*time.Second + 499*time.Millisecond)
		if early := p.take(); len(early) > 0 {
			t.Fatalf("more than half a second before the instant: %+v", early)
		}
		w.pass(2 * time.Millisecond)
		got := make(map[domain.Upcoming]bool)
		for _, u := range p.take() {
			if u.In < 498*time.Millisecond || u.In > 500*time.Millisecond {
				t.Errorf("prepared %s before the instant", u.In)
			}
			u.In = 0
			got[u] = true
		}
		want := []domain.Upcoming{
			{URL: "http://one.test", Calls: 2, Once: 1},
			{URL: "http://two.test", SkipVerify: true, Calls: 1},
			{URL: "https://two.test", SkipVerify: true, Calls: 1},
		}
		for _, u := range want {
			if !got[u] {
				t.Errorf("%+v was not prepared", u)
			}
		}
		if len(got) != len(want) {
			t.Errorf("prepared %+v", got)
		}
		if w.pass(400 * time.Millisecond); len(p.take()) > 0 || len(w.targets.all()) > 0 {
			t.Error("prepared twice, or a call was made")
		}
		w.pass(200 * time.Millisecond)
		if n := len(w.targets.all()); n != 5 {
			t.Errorf("%d calls at the instant, want 5", n)
		}
	})
}

// Looking at fires that are due soon allocates nothing once it has done so before.
func TestLookingAheadAllocatesNothing(t *testing.T) {
	a := &ahead{prepare: func(*domain.Upcoming) {}}
	var fires []*run.Run
	for i := range 64 {
		d := spec("", func(d *domain.SpecDoc) { d.API = "http://" + string(rune('a'+i%20)) + ".test/x" })
		v, err := run.NewVersion(&domain.Version{Spec: d.Spec, Active: true, EffectiveTo: domain.Forever})
		if err != nil {
			t.Fatal(err)
		}
		fires = append(fires, &run.Run{At: 1_000 + int64(i/20), Ver: v})
	}
	n := testing.AllocsPerRun(100, func() {
		a.take(fires, 500)
		for a.prepareNext(500) {
		}
	})
	if n > 0 {
		t.Errorf("%v allocations for 64 fires, want none", n)
	}
}

func BenchmarkLookAhead(b *testing.B) {
	a := &ahead{prepare: func(*domain.Upcoming) {}}
	d := spec("")
	v, err := run.NewVersion(&domain.Version{Spec: d.Spec, Active: true, EffectiveTo: domain.Forever})
	if err != nil {
		b.Fatal(err)
	}
	r := []*run.Run{{At: 1_000, Ver: v}}
	for b.Loop() {
		a.take(r, 500)
	}
}
