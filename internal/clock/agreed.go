package clock

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxSamples = 60 // one each second, with the beat
	slew       = 20 // a correction takes up at most a twentieth of the time
	// jumpBeyond is the difference that is made up at once. The engine has rules for steps of its
	// clock, and they are meant for these.
	jumpBeyond = 10 * time.Second
	// contradictions in a row are needed until what was known of the other clock is dropped.
	contradictions = 3
)

// Agreed is the clock on which the nodes of a cluster plan: they must not differ by more than
// the network between them makes necessary. It shows what the wall clock shows while that
// agrees with the clock of the database, and otherwise what the database's shows. It is
// moved from one to the other by a twentieth of the time that passes, so that it never
// goes back and no instant is jumped over. Differences beyond 10 s are made up at once.
//
// Between samples it runs on the monotonic clock: a step of the wall clock is followed
// when a sample shows that the database agrees with it. Time in which the machine was
// suspended is added with the next sample; until then the clock is late, not early.
//
// An estimate of the other clock is the midpoint of a request, which is wrong by half the time
// of the request at most (the algorithm of Cristian, 1989). Of the last 60 samples the one
// with the quickest answer counts. Where even that took too long to tell whether the clocks agree,
// no step of the wall clock is followed, and before the first quick answer the clock is late rather
// than early. Marks are those of the clock underneath.
type Agreed struct {
	Clock
	base Mark // the beginning of the time axis of samples

	mu        sync.Mutex
	samples   []sample
	against   []sample // that contradict the samples, in a row
	told      bool     // it has had a sample that tells: until then a delay is made up at once
	agreement Agreement
	ahead     time.Duration

	anchor atomic.Pointer[anchor]
}

// anchor is a moment at which the clock was set.
type anchor struct {
	mark    Mark
	shown   int64         // Unix nanoseconds at the mark
	missing time.Duration // still to be made up; negative: the clock is ahead
}

// NewAgreed returns a clock that shows what another one shows until the first sample.
func NewAgreed(under Clock) *Agreed {
	shown := under.Now().UnixNano() // before the mark, as in Sample
	a := &Agreed{Clock: under, base: under.Mark()}
	a.anchor.Store(&anchor{mark: a.base, shown: shown})
	return a
}

// Now implements Clock.
func (a *Agreed) Now() time.Time {
	at := a.anchor.Load()
	return time.Unix(0, at.after(time.Since(at.mark.at)))
}

// after returns what the clock shows when some time has passed since the anchor.
func (at *anchor) after(passed time.Duration) int64 {
	most := passed / slew
	return at.shown + int64(passed+min(max(at.missing, -most), most))
}

// Agreement returns how the clocks stood to each other at the last sample, and how far the
// wall clock was ahead of the database's.
func (a *Agreed) Agreement() (agreement Agreement, ahead time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.agreement, a.ahead
}

// Sample tells the clock that a request which began at the mark has just been answered, and
// that the database's clock showed an instant, in Unix milliseconds, meanwhile.
func (a *Agreed) Sample(asked Mark, said int64) Agreement {
	a.mu.Lock()
	defer a.mu.Unlock()
	wall := a.Clock.Now().UnixNano()
	took, since := a.Elapsed(asked), a.Elapsed(a.base)
	last := a.anchor.Load()
	shown := last.after(a.Elapsed(last.mark))
	now := a.Mark() // last: where the process has to wait for the processor meanwhile, the clock is late and not early
	first := len(a.samples) == 0
	// It is a whole number of milliseconds, so half of one is missing on average.
	stepped := a.add(sample{
		offset: said*int64(time.Millisecond) + int64((took+time.Millisecond)/2) - int64(since),
		within: (took + time.Millisecond) / 2,
	}, wall-int64(since))
	best := a.best()
	best.offset += int64(since)
	a.ahead = certainly(time.Duration(wall-best.offset), best.within)
	next := &anchor{mark: now, shown: shown}
	away := certainly(time.Duration(next.shown-best.offset), best.within)
	if a.agreement == StoreStepped && away.Abs() <= agreeAgain {
		a.agreement = Agreeing // the other clock is right again, wherever the wall clock is
	}
	a.agreement = nextAgreement(a.agreement, a.ahead, stepped)
	aim := aimOf(a.agreement, a.told, wall, next.shown, a.earliest()+int64(since), best)
	next.missing = time.Duration(aim - next.shown)
	if first || !a.told && next.missing > 0 || next.missing.Abs() > jumpBeyond {
		next.shown, next.missing = aim, 0
	}
	a.told = a.told || best.tells()
	a.anchor.Store(next)
	return a.agreement
}

// add keeps a sample. Three in a row that cannot be true together with those before replace
// them: one of the clocks has made a step. stepped reports that it was a large one and that
// the wall clock, which is at an offset, is where the other clock was before.
func (a *Agreed) add(s sample, wall int64) (stepped bool) {
	if len(a.samples) > 0 && contradicts(s, a.best()) {
		if a.against = append(a.against, s); len(a.against) < contradictions {
			return false
		}
		before := a.best().offset
		stepped = time.Duration(s.offset-before).Abs() > storeStepped && time.Duration(wall-before).Abs() <= agreeWithin
		a.samples, a.against = a.against, nil
		return stepped
	}
	a.against = nil
	if a.samples = append(a.samples, s); len(a.samples) > maxSamples {
		a.samples = append(a.samples[:0], a.samples[1:]...)
	}
	return false
}

// tolerance is what two clocks may move against each other within a minute.
const tolerance = 50 * time.Millisecond

// contradicts reports whether two samples cannot both be true.
func contradicts(a, b sample) bool {
	return time.Duration(a.offset-b.offset).Abs() > a.within+b.within+tolerance
}

// earliest returns the offset that the other clock has at least, by all samples.
func (a *Agreed) earliest() int64 {
	earliest := a.samples[0].offset - int64(a.samples[0].within)
	for _, s := range a.samples[1:] {
		earliest = max(earliest, s.offset-int64(s.within))
	}
	return earliest
}

// best returns the sample of the quickest answer.
func (a *Agreed) best() sample {
	best := a.samples[0]
	for _, s := range a.samples[1:] {
		if s.within <= best.within { // of equal ones the latest
			best = s
		}
	}
	return best
}
