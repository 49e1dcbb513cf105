package engine

import (
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// The traces here were found by the model of the protocol (internal/sim/model)
// and are replayed on the engine.

// A pause holds for a fire that came before it, also when the job was resumed,
// W has passed the pause, and the server was killed.
func TestAPauseIsRememberedAcrossACrash(t *testing.T) {
	t.Parallel()
	bubbleWith(t, Config{MaxInFlight: 1}, func(t *testing.T, w *world) {
		a := w.create(spec("?status=500&first=1", every(30)))
		b := w.create(spec("?delay=50000", paused, func(d *domain.SpecDoc) { d.TimeoutMs = 60_000 }))
		w.pass(30*time.Second + 200*time.Millisecond)
		if _, err := w.trigger(b); err != nil { // takes the only slot: the retry of a waits
			t.Fatal(err)
		}
		w.pass(2 * time.Second)
		v, err := w.update(a, paused)
		if err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
		if _, err := w.update(a, func(d *domain.SpecDoc) { d.IsActive = true }); err != nil {
			t.Fatal(err)
		}
		w.pass(4 * time.Second)
		before := len(w.targets.of(a))
		w.cfg.MaxInFlight = 100
		w.reboot(true, 0)
		w.pass(5 * time.Second)
		for _, c := range w.targets.of(a)[before:] {
			if c.Key.ScheduledAt < v.EffectiveFrom {
				t.Errorf("the fire of %d was sent again after the pause of %d", c.Key.ScheduledAt, v.EffectiveFrom)
			}
		}
	})
}

// What a span names may be sent, so an edit begins after it, also when the wall
// clock was set back in between.
func TestAnEditBeginsAfterWhatASpanNames(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.edge(300 * time.Millisecond)
		id := w.create(spec("?delay=20000&v=1"))
		w.pass(5 * time.Second)
		w.clk.Step(30 * time.Second)
		w.pass(1500 * time.Millisecond)
		w.clk.Step(-31 * time.Second)
		v, err := w.update(id, func(d *domain.SpecDoc) { d.API = "http://a.test/?v=2" })
		if err != nil {
			t.Fatal(err)
		}
		w.pass(60 * time.Second)
		sent := map[int64]int{}
		for _, c := range w.targets.of(id) {
			sent[c.Key.ScheduledAt]++
			old := c.Target() != "http://a.test/?v=2"
			if at := c.Key.ScheduledAt; old && at >= v.EffectiveFrom || !old && at < v.EffectiveFrom {
				t.Errorf("%s was sent for %d, the edit is valid from %d", c.Target(), at, v.EffectiveFrom)
			}
		}
		for at, n := range sent {
			if n > 1 {
				t.Errorf("the fire of %d was sent %d times", at, n)
			}
		}
	})
}

// A late fire is not sent beyond the horizon, though it was due by the clock
// that recovery read.
func TestNothingLateIsSentBeyondTheHorizon(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.edge(300 * time.Millisecond)
		id := w.create(spec("", once))
		w.pass(5 * time.Second)
		w.crash()
		w.clk.Step(10 * time.Second)
		stepped := make(chan struct{})
		go func() {
			defer close(stepped)
			w.pass(500 * time.Millisecond)
			w.clk.Step(-10 * time.Second)
		}()
		w.bootSlowly(t)
		<-stepped
		w.pass(100 * time.Millisecond)
		for _, c := range w.targets.of(id) {
			if h := w.eng.shards.Horizon(); c.Key.ScheduledAt > h {
				t.Errorf("the fire of %d was sent, the horizon is %d", c.Key.ScheduledAt, h)
			}
		}
		w.reboot(true, 0)
		w.pass(15 * time.Second)
		sent := map[int64]int{}
		for _, c := range w.targets.of(id) {
			if sent[c.Key.ScheduledAt]++; sent[c.Key.ScheduledAt] > 1 {
				t.Errorf("the at-most-once fire of %d was sent twice", c.Key.ScheduledAt)
			}
		}
	})
}

// bootSlowly starts the engine with a store whose beats take a second.
func (w *world) bootSlowly(t *testing.T) {
	t.Helper()
	db, err := w.openStore()
	if err != nil {
		t.Fatal(err)
	}
	w.db, w.life = db, w.targets.newLife()
	w.gate = &gate{Store: db, onCut: w.life.kill}
	w.gate.failAll(fault{delay: time.Second}, opBeat)
	cfg := w.cfg
	cfg.Store, cfg.Executor, cfg.Clock, cfg.Log, cfg.Metrics = w.gate, w.life, w.clk, silent, telemetry.NewMetrics()
	if w.eng, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	w.edit = editorOf(t, w.eng)
	if err := w.eng.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.gate.failAll(fault{}, opBeat)
}
