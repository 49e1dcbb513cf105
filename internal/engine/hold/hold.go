// Package hold keeps the watermark of a shard below what is not on record yet.
//
// # What it guarantees
//
// [Set.Before] never passes an instant of a shard that has a [Token]. The
// owner of anything whose outcome is not durable (a run, a span of fires, an edit that
// commits) has the token of its instant. A token is taken once, advanced or passed on
// any number of times, and released once, by its last owner:
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

// MaxShards is how many shards a set can have: a shard's number is a byte.
const MaxShards = 1 << shardBits

const shardBits = 8

// Set counts the tokens of each second of each shard. It is safe for concurrent use,
// and its lock is a leaf: nothing is called with it held.
type Set struct {
	mu     lock.Leaf
	counts map[key]int
}

// key is a second of a shard, in one word: the fastest key of a map.
type key int64

func keyOf(shard uint8, at int64) key { return key(Second(at)<<shardBits | int64(shard)) }

func (k key) second() int64 { return int64(k) >> shardBits }
func (k key) shard() uint8  { return uint8(k & (MaxShards - 1)) } //nolint:gosec // the low bits are wanted

// NewSet makes an empty set for so many shards. It panics for more than MaxShards.
func NewSet(shards int) *Set {
	if shards > MaxShards {
		panic("hold: too many shards")
	}
	return &Set{counts: make(map[key]int)}
}

// Token keeps the watermark of a shard below the second of an instant. The zero value
// holds nothing. A token is owned by one goroutine at a time and is not copied: Pass
// hands it on.
type Token struct {
	set *Set
	key key
}

// Take returns a token for an instant of a shard, in Unix milliseconds.
func (s *Set) Take(shard uint8, at int64) Token { return s.take(keyOf(shard, at)) }

func (s *Set) take(k key) Token {
	s.mu.Lock()
	s.counts[k]++
	s.mu.Unlock()
	return Token{s, k}
}

// Before lowers instants, one for each shard by its number, to the last one before
// the first second of the shard with a token. All are Unix milliseconds.
func (s *Set) Before(instants []int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range s.counts {
		instants[k.shard()] = min(instants[k.shard()], k.second()*1000-1)
	}
}

// Seconds returns how many seconds have tokens, each shard's counted for itself.
func (s *Set) Seconds() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.counts)
}

func (s *Set) release(k key, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch remaining := s.counts[k] - n; {
	case remaining > 0:
		s.counts[k] = remaining
	case remaining == 0:
		delete(s.counts, k)
	default:
		panic("hold: more tokens were released than were taken")
	}
}

// Held reports whether the token holds something.
func (t *Token) Held() bool { return t.set != nil }

// Release gives the token up. It panics where there is nothing to give up.
func (t *Token) Release() {
	old := t.Pass()
	old.set.release(old.key, 1)
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
	if Second(to) < t.key.second() {
		panic("hold: a token was moved backwards")
	}
	next := t.set.Take(t.key.shard(), to)
	before, *t = *t, next
	return before
}

// Batch releases many tokens with few locks: those of one second of a shard at a
// time, as those of one commit mostly are. The zero value is empty. Flush it.
type Batch struct {
	token Token
	n     int
}

// Release gives the token up, at the latest with Flush.
func (b *Batch) Release(t *Token) {
	token := t.Pass()
	if b.n > 0 && token != b.token {
		b.Flush()
	}
	b.token = token
	b.n++
}

// Flush releases what is left.
func (b *Batch) Flush() {
	if b.n > 0 {
		b.token.set.release(b.token.key, b.n)
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
