// Package hold keeps the watermark below what is not on record yet.
//
// # What it guarantees
//
// [Set.Before] never passes an instant for which somebody has a [Token]. Whoever
// has something whose outcome is not durable has the token of its instant: a run,
// a span of fires, an edit that commits. A token is taken once, advanced or passed
// on any number of times, and released once, by whoever has it then:
//
//	Take ──► Advance ──► Advance ──► Release
//	           │ old        │ old
//	           ▼            ▼
//	         Release      Pass ──► Release
//
// Releasing twice, passing on what was passed on, and advancing backwards panic:
// the watermark could otherwise pass a fire that is not on record, and a fire that
// is lost is worse than a server that starts again. A token that nobody releases
// keeps the watermark where it is, which the metric of its lag shows; the engine's
// random test and its tests of gaps end with an empty set.
package hold

import "github.com/belfry-scheduler/belfry/internal/engine/lock"

// Set counts the tokens of each second. It is safe for concurrent use, and its
// lock is a leaf: nothing is called with it held.
type Set struct {
	mu     lock.Leaf
	counts map[int64]int
}

// NewSet makes an empty set.
func NewSet() *Set { return &Set{counts: make(map[int64]int)} }

// Token keeps the watermark below the second of an instant. The zero value holds
// nothing. A token is owned by one goroutine at a time and is not copied: Pass
// hands it on.
type Token struct {
	set    *Set
	second int64
}

// Take returns a token for the instant, in Unix milliseconds.
func (s *Set) Take(at int64) Token {
	t := Token{s, Second(at)}
	s.mu.Lock()
	s.counts[t.second]++
	s.mu.Unlock()
	return t
}

// Before returns the last instant before the first second with a token, or the
// given instant if that is earlier. Both are Unix milliseconds.
func (s *Set) Before(instant int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for second := range s.counts {
		instant = min(instant, second*1000-1)
	}
	return instant
}

// Seconds returns how many seconds have tokens.
func (s *Set) Seconds() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.counts)
}

func (s *Set) release(second int64, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch remaining := s.counts[second] - n; {
	case remaining > 0:
		s.counts[second] = remaining
	case remaining == 0:
		delete(s.counts, second)
	default:
		panic("hold: more tokens were released than were taken")
	}
}

// Held reports whether the token holds something.
func (t *Token) Held() bool { return t.set != nil }

// Release gives the token up. It panics where there is nothing to give up.
func (t *Token) Release() {
	old := t.Pass()
	old.set.release(old.second, 1)
}

// Pass hands the token on: t holds nothing afterwards. It panics where t held
// nothing.
func (t *Token) Pass() Token {
	if t.set == nil {
		panic("hold: a token was used after it was given up")
	}
	old := *t
	*t = Token{}
	return old
}

// Advance takes a token for a later instant, in Unix milliseconds, and returns the
// one before it, which is the caller's to release. It panics for an earlier second:
// the watermark may have passed that.
func (t *Token) Advance(to int64) (before Token) {
	if t.set == nil {
		panic("hold: a token was advanced after it was given up")
	}
	if Second(to) < t.second {
		panic("hold: a token was moved backwards")
	}
	next := t.set.Take(to)
	before, *t = *t, next
	return before
}

// Batch releases many tokens with few locks: those of one second at a time, as
// those of one commit mostly are. The zero value is empty. Flush it.
type Batch struct {
	second Token
	n      int
}

// Release gives the token up, at the latest with Flush.
func (b *Batch) Release(t *Token) {
	token := t.Pass()
	if b.n > 0 && token != b.second {
		b.Flush()
	}
	b.second = token
	b.n++
}

// Flush releases what is left.
func (b *Batch) Flush() {
	if b.n > 0 {
		b.second.set.release(b.second.second, b.n)
	}
	*b = Batch{}
}

// Second returns the Unix second that an instant in Unix milliseconds is in.
func Second(ms int64) int64 {
	if ms < 0 {
		ms -= 999
	}
	return ms / 1000
}
