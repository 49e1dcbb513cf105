package hold

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// panics reports whether fn panics.
func panics(fn func()) (did bool) {
	defer func() { did = recover() != nil }()
	fn()
	return false
}

const modelShards = 3

// model is the keys of all tokens that are held, and of those that a batch has not
// released yet, with how many there are of each.
type model struct{ held, inBatch map[key]int }

func (m *model) drop(k key) {
	if m.held[k]--; m.held[k] == 0 {
		delete(m.held, k)
	}
}

func (m *model) flush() {
	for k, n := range m.inBatch {
		for range n {
			m.drop(k)
		}
	}
	clear(m.inBatch)
}

// before is what Before makes of one limit for all shards.
func (m *model) before(limit int64) []int64 {
	out := slices.Repeat([]int64{limit}, modelShards)
	for k := range maps.Keys(m.held) {
		out[k.shard()] = min(out[k.shard()], k.second()*1000-1)
	}
	return out
}

// Any order of taking, advancing, passing on and releasing tokens of three shards,
// against a list of those that are held.
func TestSetModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		set := NewSet(modelShards)
		var tokens []*Token
		var batch Batch
		m := model{make(map[key]int), make(map[key]int)}
		at := rapid.Int64Range(-3_000, 20_000)
		pick := func(t *rapid.T) (int, *Token) {
			if len(tokens) == 0 {
				t.Skip("no token")
			}
			i := rapid.IntRange(0, len(tokens)-1).Draw(t, "token")
			return i, tokens[i]
		}
		t.Repeat(map[string]func(*rapid.T){
			"take": func(t *rapid.T) {
				token := set.Take(rapid.Uint8Range(0, modelShards-1).Draw(t, "shard"), at.Draw(t, "at"))
				m.held[token.key]++
				tokens = append(tokens, &token)
			},
			"release": func(t *rapid.T) {
				i, token := pick(t)
				m.drop(token.key)
				token.Release()
				tokens = slices.Delete(tokens, i, i+1)
			},
			"release in a batch": func(t *rapid.T) {
				i, token := pick(t)
				m.inBatch[token.key]++
				batch.Release(token)
				tokens = slices.Delete(tokens, i, i+1)
			},
			"flush": func(*rapid.T) {
				batch.Flush()
				m.flush()
			},
			"pass on": func(t *rapid.T) {
				i, token := pick(t)
				next := token.Pass()
				if token.Held() || !next.Held() {
					t.Fatal("a token that was passed on is held by the wrong one")
				}
				tokens[i] = &next
			},
			"advance": func(t *rapid.T) {
				_, token := pick(t)
				to := at.Draw(t, "to")
				if Second(to) < token.key.second() {
					if !panics(func() { token.Advance(to) }) {
						t.Fatal("a token was moved backwards")
					}
					return
				}
				before := token.Advance(to)
				m.held[keyOf(before.key.shard(), to)]++
				m.drop(before.key)
				before.Release()
			},
			"": func(t *rapid.T) {
				limit := at.Draw(t, "limit")
				batch.Flush()
				m.flush()
				got := slices.Repeat([]int64{limit}, modelShards)
				set.Before(got)
				if want := m.before(limit); !slices.Equal(got, want) || set.Seconds() != len(m.held) {
					t.Fatalf("Before(%d) = %d with %d seconds, want %d with %d", limit, got, set.Seconds(),
						want, len(m.held))
				}
			},
		})
	})
}

// A token that was given up is of no use, and says so.
func TestTokensAreReleasedOnce(t *testing.T) {
	t.Parallel()
	for name, misuse := range map[string]func(set *Set, token *Token){
		"released twice":               func(_ *Set, token *Token) { token.Release(); token.Release() },
		"released after it was passed": func(_ *Set, token *Token) { token.Pass(); token.Release() },
		"passed twice":                 func(_ *Set, token *Token) { token.Pass(); token.Pass() },
		"advanced after its release":   func(_ *Set, token *Token) { token.Release(); token.Advance(9_000) },
		"moved backwards":              func(_ *Set, token *Token) { token.Advance(4_999) },
		"released twice in a batch": func(_ *Set, token *Token) {
			var b Batch
			b.Release(token)
			b.Release(token)
		},
		"copied": func(_ *Set, token *Token) {
			other := *token
			token.Release()
			other.Release()
		},
	} {
		set := NewSet(1)
		token := set.Take(0, 5_000)
		if !panics(func() { misuse(set, &token) }) {
			t.Errorf("a token that was %s: nobody noticed", name)
		}
	}
}

// before is how far the watermark of the only shard may go.
func before(set *Set, limit int64) int64 {
	limits := []int64{limit}
	set.Before(limits)
	return limits[0]
}

// Advancing holds the later instant before the earlier one is released.
func TestAdvanceLeavesNoGap(t *testing.T) {
	t.Parallel()
	set := NewSet(1)
	token := set.Take(0, 5_400)
	earlier := token.Advance(9_100)
	if got := before(set, 20_000); got != 4_999 {
		t.Errorf("the watermark may go to %d while both are held, want 4999", got)
	}
	earlier.Release()
	if got := before(set, 20_000); got != 8_999 {
		t.Errorf("the watermark may go to %d, want 8999", got)
	}
	token.Release()
	if got := before(set, 20_000); got != 20_000 {
		t.Errorf("the watermark may go to %d, want 20000", got)
	}
}
