// Package budget shares a fixed amount between callers: bytes of memory, or places.
//
// # What it guarantees
//
//   - What is lent at a time never exceeds the total, and one caller never has more than its part.
//   - Who does not get a share at once waits in line, for a bounded time, in a line of bounded
//     length. Callers are served in turn, so that one with a hundred requests in line does not
//     delay another one by more than a request. One caller has at most half of the line, so that
//     it does not keep another one out of it.
//   - While nobody waits, a share costs a few atomic operations and no lock.
//
// # How this is shown
//
// The tests run many callers at once and compare what is lent with the total; in virtual time,
// they fill the line, let waits end, and count the turns of each caller.
package budget

import (
	"container/list"
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a budget is made of.
type Config struct {
	Total     int64         // of all shares
	PerCaller int64         // of one caller's shares; zero: Total
	Line      int           // how many may wait; of one caller half as many
	Wait      time.Duration // how long each may wait
}

// slots is how many callers are distinguished. Two whose names fall into one slot share a part and
// a turn; nobody can choose the slot of another one.
const slots = 256

// ErrFull is returned when a share is not to be had in time.
var ErrFull = errors.New("the budget is used up")

// Budget lends shares.
type Budget struct {
	cfg     Config
	seed    maphash.Seed
	free    atomic.Int64
	held    [slots]atomic.Int64 // by each caller
	waiting atomic.Int64        // requests in line

	mu    sync.Mutex
	lines [slots]list.List // of *waiter
	turn  int              // the slot that is served next
}

// waiter is a request in line.
type waiter struct {
	amount int64
	served chan struct{} // closed when it has its share
}

// New makes a budget. A share larger than a caller's part is never lent.
func New(c Config) *Budget {
	if c.PerCaller == 0 {
		c.PerCaller = c.Total
	}
	b := &Budget{cfg: c, seed: maphash.MakeSeed()}
	b.free.Store(c.Total)
	return b
}

// Share is what a caller has. It is not for use by several goroutines at once.
type Share struct {
	budget *Budget
	slot   int
	amount int64
}

// Take lends an amount to a caller. The error is ErrFull, or that of the context.
func (b *Budget) Take(ctx context.Context, caller string, amount int64) (*Share, error) {
	s := &Share{b, int(maphash.String(b.seed, caller) % slots), amount}
	if amount > b.cfg.PerCaller {
		return nil, ErrFull
	}
	if b.waiting.Load() == 0 && b.try(s.slot, amount) {
		return s, nil
	}
	w := &waiter{amount, make(chan struct{})}
	place := b.join(s.slot, w)
	if place == nil {
		return nil, ErrFull
	}
	if err := b.wait(ctx, s, w, place); err != nil {
		return nil, err
	}
	return s, nil
}

// join puts a request into the line of its caller. It returns nil if there is no place.
func (b *Budget) join(slot int, w *waiter) *list.Element {
	b.mu.Lock()
	defer b.mu.Unlock()
	line := &b.lines[slot]
	if b.waiting.Load() >= int64(b.cfg.Line) || line.Len() >= (b.cfg.Line+1)/2 {
		return nil
	}
	b.waiting.Add(1) // before serve looks at what is free: who gives back then looks at the line
	place := line.PushBack(w)
	b.serve()
	return place
}

// wait waits for a share in line.
func (b *Budget) wait(ctx context.Context, s *Share, w *waiter, place *list.Element) error {
	timer := time.NewTimer(b.cfg.Wait)
	defer timer.Stop()
	err := ErrFull
	select {
	case <-w.served:
		return nil
	case <-timer.C:
	case <-ctx.Done():
		err = ctx.Err()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-w.served: // in the meantime
		if errors.Is(err, ErrFull) {
			return nil
		}
		b.put(s.slot, s.amount)
	default:
		b.lines[s.slot].Remove(place)
		b.waiting.Add(-1)
	}
	b.serve() // the next one in line may want less
	return err
}

// try lends an amount if it is there.
func (b *Budget) try(slot int, amount int64) bool {
	if !takeUpTo(&b.held[slot], amount, b.cfg.PerCaller) {
		return false
	}
	for {
		free := b.free.Load()
		if free < amount {
			b.held[slot].Add(-amount)
			return false
		}
		if b.free.CompareAndSwap(free, free-amount) {
			return true
		}
	}
}

func takeUpTo(held *atomic.Int64, amount, limit int64) bool {
	for {
		is := held.Load()
		if is+amount > limit {
			return false
		}
		if held.CompareAndSwap(is, is+amount) {
			return true
		}
	}
}

func (b *Budget) put(slot int, amount int64) {
	b.held[slot].Add(-amount)
	b.free.Add(amount)
}

// serve gives shares to those in line, one caller after the other; under mu. A caller that has
// its part is passed over. When the amount that is free does not suffice for the next one,
// nobody overtakes it: otherwise small requests would keep a large one waiting permanently.
func (b *Budget) serve() {
	for passed := 0; passed < slots; b.turn, passed = (b.turn+1)%slots, passed+1 {
		line := &b.lines[b.turn]
		first := line.Front()
		if first == nil {
			continue
		}
		w := first.Value.(*waiter)
		if b.held[b.turn].Load()+w.amount > b.cfg.PerCaller {
			continue
		}
		if !b.try(b.turn, w.amount) {
			return
		}
		line.Remove(first)
		b.waiting.Add(-1)
		close(w.served)
		passed = -1
	}
}

// Shrink gives back what of a share is more than the amount.
func (s *Share) Shrink(amount int64) {
	if back := s.amount - max(0, amount); back > 0 {
		s.amount -= back
		s.budget.giveBack(s.slot, back)
	}
}

// Release gives a share back. A nil share, and one that was given back, are nothing.
func (s *Share) Release() {
	if s != nil {
		s.Shrink(0)
	}
}

func (b *Budget) giveBack(slot int, amount int64) {
	b.put(slot, amount)
	if b.waiting.Load() > 0 {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.serve()
	}
}

// Free returns how much is not lent.
func (b *Budget) Free() int64 { return b.free.Load() }
