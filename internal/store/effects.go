package store

import (
	"context"
	"sync"
)

// Effects are changes that stop jobs and were made without their owners: who makes many of them
// waits once until all have ended what they end.
type Effects struct {
	mu   sync.Mutex
	last map[int]Effect // by shard, of the latest revision
}

// Add adds a change.
func (e *Effects) Add(made Effect) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last == nil {
		e.last = make(map[int]Effect)
	}
	if last, some := e.last[made.Number]; !some || made.Revision > last.Revision {
		e.last[made.Number] = made
	}
}

// Look drops the changes of shards whose rows say that they have ended what they end, and
// returns how many shards remain. The rows, in the order of their numbers, were read after the
// last Add. now is the clock of this process, see [Effect.Ends].
func (e *Effects) Look(rows []Shard, now int64) (open int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for number, made := range e.last {
		if made.Ends(&rows[number], now) {
			delete(e.last, number)
		}
	}
	return len(e.last)
}

// Empty reports whether there is no change whose end is not known.
func (e *Effects) Empty() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.last) == 0
}

type effectsKey struct{}

// WithEffects returns a context in which changes that stop jobs do not wait for their owners: they are
// added to the effects.
func WithEffects(ctx context.Context, effects *Effects) context.Context {
	return context.WithValue(ctx, effectsKey{}, effects)
}

// EffectsOf returns the effects of a context, or nil.
func EffectsOf(ctx context.Context) *Effects {
	effects, _ := ctx.Value(effectsKey{}).(*Effects)
	return effects
}
