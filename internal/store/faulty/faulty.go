// Package faulty wraps any store and injects faults: a full disk, a slow database, a
// network that loses the answer.
//
//	caller ── [delay] ── [fail or hang before] ── real call ── [fail or hang after] ── caller
//
// [Rule]s decide what happens; tests add and remove them at any time. A rule with a
// probability depends only on the seed and on how many calls it has matched. So a run
// with the same seed and the same calls has the same faults, whatever other methods
// are called in between.
//
// A fault after the call is the hardest to handle and needs the most tests: the work
// is done but reported as failed. The contract of package store allows the caller to
// repeat the call then.
//
// Waiting is on timers and contexts only, so that all of it works in a
// testing/synctest bubble.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	faulty.go cluster.go settings.go roles.go
package faulty

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// ErrInjected is in the chain of every error that a rule makes, unless the rule
// brings its own.
var ErrInjected = errors.New("injected fault")

// Fault is what a rule does to a call.
type Fault int

// The faults.
const (
	FailBefore Fault = iota // an error; nothing was done
	FailAfter               // done, and reported as an error
	HangBefore              // nothing is done; the call ends with its context
	HangAfter               // done; the call ends with its context, with its error
	Delay                   // the call begins Rule.Delay later; later rules still apply
	HoldBefore              // the call begins when Rule.Until is closed, unless its context ends first
	HoldAfter               // done at once, and answered when Rule.Until is closed or the context ends
	faults
)

// Rule says which calls get which fault.
type Rule struct {
	// Method is "Ledger.Record", "Shards.Beat" and so on; "Ledger" is every
	// method of the role, "" every method of the store. Close never fails.
	Method string
	Fault  Fault
	P      float64       // probability; zero: always
	Skip   int           // calls that match and pass before the first fault
	Times  int           // faults before the rule is spent; zero: no limit
	Delay  time.Duration // for Delay
	Until  chan struct{} // for HoldBefore and HoldAfter
	Err    error         // instead of CodeUnavailable with ErrInjected
}

// Count is what happened to the calls of one method.
type Count struct {
	Calls  int
	Faults [faults]int // by Fault
}

// Store is a store whose calls pass through rules. It is safe for use by many
// goroutines, as the store beneath it is.
type Store struct {
	real store.Store
	seed uint64

	mu     sync.Mutex
	rules  []*rule
	made   uint64 // rules so far
	counts map[string]*Count
}

// rule is a Rule at work.
type rule struct {
	Rule
	number  uint64
	matched int
	done    int
}

// New wraps a store. The seed decides what rules with a probability do.
func New(real store.Store, seed uint64) *Store {
	return &Store{real: real, seed: seed, counts: make(map[string]*Count)}
}

// Add puts a rule after those that are there, and returns a function that
// takes it away again. Of all rules that match a call the first that is due
// decides; delays add up.
func (s *Store) Add(r Rule) (remove func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made++
	added := &rule{Rule: r, number: s.made}
	s.rules = append(s.rules, added)
	return func() { s.remove(added) }
}

func (s *Store) remove(gone *rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, r := range s.rules {
		if r == gone {
			s.rules = append(s.rules[:i:i], s.rules[i+1:]...)
			return
		}
	}
}

// Clear takes all rules away. Calls that hang go on hanging.
func (s *Store) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = nil
}

// Count returns what happened to the calls of a method so far: "Ledger.Record".
func (s *Store) Count(method string) Count {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.counts[method]; c != nil {
		return *c
	}
	return Count{}
}

// Total returns how many faults of a kind there were in all.
func (s *Store) Total(f Fault) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.counts {
		n += c.Faults[f]
	}
	return n
}

// matches reports whether the rule is about a method, given as role and name.
func (r *rule) matches(role, name string) bool {
	return r.Method == "" || r.Method == role || r.Method == role+"."+name
}

// due reports whether the rule strikes this call, and keeps count.
func (r *rule) due(seed uint64) bool {
	r.matched++
	if r.matched <= r.Skip || r.Times > 0 && r.done >= r.Times {
		return false
	}
	if r.P > 0 && rand.New(rand.NewPCG(seed^r.number<<32, uint64(r.matched))).Float64() >= r.P {
		return false
	}
	r.done++
	return true
}

// verdict is what the rules say of one call.
type verdict struct {
	delay time.Duration
	fault Fault // faults: none
	until chan struct{}
	err   error
}

func (s *Store) judge(role, name string) verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := s.counts[role+"."+name]
	if count == nil {
		count = new(Count)
		s.counts[role+"."+name] = count
	}
	count.Calls++
	v := verdict{fault: faults}
	for _, r := range s.rules {
		if !r.matches(role, name) || !r.due(s.seed) {
			continue
		}
		count.Faults[r.Fault]++
		if r.Fault == Delay {
			v.delay += r.Delay
			continue
		}
		v.fault, v.err, v.until = r.Fault, r.Err, r.Until
		if v.err == nil {
			v.err = domain.Unavailable(ErrInjected, "%s.%s failed", role, name)
		}
		break
	}
	return v
}

// call runs one method of the store beneath under the rules.
func (s *Store) call(ctx context.Context, role, name string, do func() error) error {
	v := s.judge(role, name)
	if v.delay > 0 && !wait(ctx, v.delay) {
		return ctx.Err()
	}
	switch v.fault {
	case FailBefore:
		return v.err
	case HangBefore:
		<-ctx.Done()
		return ctx.Err()
	case HoldBefore:
		if !held(ctx, v.until) {
			return ctx.Err()
		}
	}
	err := do()
	switch {
	case err != nil:
		return err
	case v.fault == FailAfter:
		return v.err
	case v.fault == HangAfter:
		<-ctx.Done()
		return ctx.Err()
	case v.fault == HoldAfter && !held(ctx, v.until):
		return ctx.Err()
	}
	return nil
}

// held waits until the channel is closed. It returns false when the context ended first.
func held(ctx context.Context, until <-chan struct{}) bool {
	select {
	case <-until:
		return true
	case <-ctx.Done():
		return false
	}
}

// wait returns false when the context ended first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// get is call for a method that returns a value, which an error takes away.
func get[T any](ctx context.Context, s *Store, role, name string, do func() (T, error)) (T, error) {
	var value, none T
	err := s.call(ctx, role, name, func() (err error) {
		value, err = do()
		return err
	})
	if err != nil {
		return none, err
	}
	return value, nil
}
