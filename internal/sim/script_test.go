package sim

import (
	"fmt"
	"net/url"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

const day = 24 * time.Hour

// day is the script: busy stretches, and between them hours in which the
// process is down or has little to do, until a day has passed.
func (w *world) day() {
	for w.since() < day {
		w.busy(10 + w.IntN(20))
		w.calm()
		w.idle(min(day-w.since(), time.Duration(1+w.IntN(8*3600))*time.Second))
	}
}

// busy does one random thing after the other.
func (w *world) busy(steps int) {
	for range steps {
		if w.eng == nil {
			w.boot()
		}
		w.act()
		w.pass(time.Duration(w.IntN(1800)) * time.Millisecond)
	}
}

func (w *world) act() {
	jobs := w.client.list()
	if len(jobs) < 3 {
		w.create(1, w.shape)
		return
	}
	k := jobs[max(w.IntN(len(jobs)), w.IntN(len(jobs)))] // rather a young one
	switch n := w.IntN(100); {
	case n < 12:
		w.create(1, w.shape)
	case n < 14:
		w.create(5+w.IntN(20), w.sparse)
	case n < 30:
		w.update(k, "change", w.shape)
	case n < 35:
		w.update(k, "pause for", w.pauseFor)
	case n < 38:
		w.update(k, "pause", func(d *domain.SpecDoc) { d.IsActive = false })
	case n < 46:
		w.update(k, "resume", func(d *domain.SpecDoc) { d.IsActive = true })
	case n < 51:
		w.remove(k)
	case n < 61:
		w.trigger(k)
	case n < 66:
		w.again(true)
	case n < 69:
		w.again(false)
	case n < 71:
		w.stepClock()
	case n < 85:
		w.breakStore()
	default:
		w.heal()
	}
}

// do makes a call of the client, sometimes beside the script.
func (w *world) do(what string, call func()) {
	w.note("%s", what)
	if w.IntN(3) > 0 {
		call()
		return
	}
	w.calls.Go(call)
}

func (w *world) create(n int, shape func(*domain.SpecDoc)) {
	docs := make([]domain.SpecDoc, n)
	for i := range docs {
		docs[i] = domain.NewSpecDoc()
		shape(&docs[i])
		docs[i].IsActive = w.IntN(10) > 0
	}
	e := w.edit
	w.do(fmt.Sprintf("create %d: %s", n, docs[0].Schedule), func() { w.client.create(e, docs) })
}

func (w *world) update(k *known, what string, change func(*domain.SpecDoc)) {
	drawn := domain.NewSpecDoc() // now: the script is not to hang on when the call comes to it
	change(&drawn)
	apply := func(d *domain.SpecDoc) { d.IsActive, d.Pause = drawn.IsActive, drawn.Pause }
	if what == "change" {
		apply = func(d *domain.SpecDoc) { d.Spec = drawn.Spec }
	}
	e := w.edit
	w.do(what+" "+k.id.String(), func() { w.client.update(e, k, apply) })
}

func (w *world) remove(k *known) {
	e := w.edit
	w.do("delete "+k.id.String(), func() { w.client.remove(e, k) })
}

func (w *world) trigger(k *known) {
	e := w.edit
	w.do("trigger "+k.id.String(), func() { w.client.trigger(e, k) })
}

// again ends the process and starts it after a gap.
func (w *world) again(crash bool) {
	w.end(crash)
	w.pass(time.Duration(w.IntN(w.IntN(20_000)+1)) * time.Millisecond)
	w.boot()
}

func (w *world) stepClock() {
	d := []time.Duration{-time.Hour, 5 * time.Minute, time.Hour}[w.IntN(3)]
	// A watermark more than three hours ahead is refused at a start.
	if d < 0 && w.targets.look()-w.now() > time.Hour.Milliseconds() {
		return
	}
	w.step(d)
}

func (w *world) breakStore() {
	fault := []faulty.Fault{faulty.FailBefore, faulty.FailAfter, faulty.Delay, faulty.HangBefore,
		faulty.HangAfter}[w.IntN(5)]
	method := []string{"", "Ledger.Record", "Ledger.Record", "Shards.Beat", "Jobs", "Jobs.Update", "Jobs.Create",
		"Jobs.Delete", "Jobs.Get"}[w.IntN(9)]
	rule := faulty.Rule{Method: method, Fault: fault, P: []float64{0, 0.5, 0.1}[w.IntN(3)], Skip: w.IntN(4),
		Times: w.IntN(8)}
	switch fault {
	case faulty.Delay:
		rule.Delay = time.Duration(1+w.IntN(6000)) * time.Millisecond
	case faulty.HangBefore, faulty.HangAfter:
		rule.Times = 1
		w.hung = true
	case faulty.FailBefore, faulty.FailAfter, faulty.HoldBefore, faulty.HoldAfter:
	}
	w.note("break %+v", rule)
	w.faults.Add(rule)
}

// heal ends the faults of the store. A commit that hangs ends with its process.
func (w *world) heal() {
	w.note("heal")
	w.faults.Clear()
	if w.hung {
		w.again(true)
	}
}

// calm ends a stretch: nothing fails, and what fires often is put to rest, for
// the hours that follow.
func (w *world) calm() {
	w.heal()
	w.pass(20 * time.Second)
	w.calls.Wait()
	// A pause may have ended long ago as soon as the wall clock is set ahead. It is not trusted for a minute then, and
	// what could not be ended is tried again after one.
	w.checkPauses(w.ahead + 3*time.Minute)
	w.ahead = 0
	for _, k := range w.client.list() {
		if k.often() {
			w.client.remove(w.edit, k)
		}
	}
}

// often reports whether any version of the job fires within seconds.
func (k *known) often() bool {
	for _, n := range k.numbers() {
		if v := k.acked[n]; !isSparse(v.Spec.Schedule) {
			return true
		}
	}
	for i := range k.asked {
		if !isSparse(k.asked[i].Spec.Schedule) {
			return true
		}
	}
	return false
}

// idle lets hours pass, most often with the process down.
func (w *world) idle(d time.Duration) {
	switch n := w.IntN(20); {
	case w.seed%200 == 77:
		w.note("up for %s", d)
		w.pass(d)
		return
	case n == 0:
		w.pass(min(d, time.Duration(w.IntN(600))*time.Second))
	}
	w.end(w.IntN(2) == 0)
	if w.IntN(4) == 0 {
		w.stepClock()
	}
	w.note("down for %s", d)
	w.pass(d)
}

var sparseSchedules = []string{
	"0 */5 * * * *", "30 17 * * * *", "@hourly", "0 30 2 * * *", "0 0 3 * * *", "15 */20 1-4 * * *", "0 0 */2 * * *",
	"0 0 9 * * MON-FRI",
}

func isSparse(schedule string) bool {
	for _, s := range sparseSchedules {
		if s == schedule {
			return true
		}
	}
	return false
}

func pick[T any](w *world, from ...T) T { return from[w.IntN(len(from))] }

// shape draws a document.
func (w *world) shape(d *domain.SpecDoc) {
	d.Schedule = pick(w, "* * * * * *", "* * * * * *", "*/2 * * * * *", "*/7 * * * * *", "@every 3s",
		pick(w, sparseSchedules...))
	d.Timezone = pick(w, "UTC", "UTC", "Europe/Berlin", "America/New_York")
	d.API = "http://" + pick(w, "a", "b", "c") + ".test/?" +
		pick(w, "", "", "", "status=500", "status=503&first=1", "status=404", "net=refused", "net=reset",
			"status=429&first=1&after=3000") +
		pick(w, "", "", "&delay=300", "&delay=900", "&delay=2500", "&delay=8000", "&delay=40000")
	d.Type = pick(w, domain.AtLeastOnce, domain.AtMostOnce)
	d.Overlap = pick(w, domain.OverlapAllow, domain.OverlapSkip, domain.OverlapQueue)
	d.Misfire = domain.Misfire{
		Policy:   pick(w, domain.MisfireRunAll, domain.MisfireRunLatest, domain.MisfireSkip),
		MaxAgeMs: int64(5_000 + w.IntN(60_000)), MaxRuns: 1 + w.IntN(20),
	}
	if w.IntN(4) == 0 {
		d.Misfire.MaxAgeMs = day.Milliseconds()
	}
	d.JitterMs = pick[int64](w, 0, 0, 0, 700)
	d.TimeoutMs = pick[int64](w, 30_000, 1_000, 45_000)
	d.Retry.MaxRetries = w.IntN(4)
}

// sparse draws a document that fires every few minutes at most.
func (w *world) sparse(d *domain.SpecDoc) {
	w.shape(d)
	d.Schedule = pick(w, sparseSchedules...)
}

// setEdit writes into the URL which edit it is of.
func setEdit(s *domain.Spec, edit int) {
	u, err := url.Parse(s.API)
	if err != nil {
		panic(err)
	}
	q := u.Query()
	q.Set("edit", fmt.Sprint(edit))
	u.RawQuery = q.Encode()
	s.API = u.String()
}

// finish lets everything come to its end: no faults, no jobs, and a wall clock
// that has caught up with what it was before.
func (w *world) finish() {
	if w.eng == nil {
		w.boot()
	}
	w.heal()
	if behind := w.targets.look() - w.now(); behind > 0 {
		w.end(w.IntN(2) == 0)
		w.pass(time.Duration(behind)*time.Millisecond + time.Second)
		w.boot()
	}
	w.pass(80 * time.Second) // a step ahead has been believed
	w.calls.Wait()
	for _, k := range w.client.list() {
		if !w.client.remove(w.edit, k) {
			w.fault("%s cannot be deleted", k.id)
		}
	}
	for range 30 {
		w.pass(20 * time.Second)
		if len(w.openRuns()) == 0 {
			break
		}
	}
	w.pass(60 * time.Second)
	w.note("the end")
}
