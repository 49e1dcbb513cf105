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

// Any order of taking, advancing, passing on and releasing tokens, against a list
// of the seconds of those that are held.
func TestSetModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		set := NewSet()
		var tokens []*Token
		var batch Batch
		held := make(map[int64]int) // by second; with those that the batch has not released yet
		inBatch := make(map[int64]int)
		at := rapid.Int64Range(-3_000, 20_000)
		drop := func(second int64) {
			if held[second]--; held[second] == 0 {
				delete(held, second)
			}
		}
		pick := func(t *rapid.T) (int, *Token) {
			if len(tokens) == 0 {
				t.Skip("no token")
			}
			i := rapid.IntRange(0, len(tokens)-1).Draw(t, "token")
			return i, tokens[i]
		}
		t.Repeat(map[string]func(*rapid.T){
			"take": func(t *rapid.T) {
				token := set.Take(at.Draw(t, "at"))
				held[token.second]++
				tokens = append(tokens, &token)
			},
			"release": func(t *rapid.T) {
				i, token := pick(t)
				drop(token.second)
				token.Release()
				tokens = slices.Delete(tokens, i, i+1)
			},
			"release in a batch": func(t *rapid.T) {
				i, token := pick(t)
				inBatch[token.second]++
				batch.Release(token)
				tokens = slices.Delete(tokens, i, i+1)
			},
			"flush": func(*rapid.T) {
				batch.Flush()
				for second, n := range inBatch {
					for range n {
						drop(second)
					}
				}
				clear(inBatch)
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
				if Second(to) < token.second {
					if !panics(func() { token.Advance(to) }) {
						t.Fatal("a token was moved backwards")
					}
					return
				}
				before := token.Advance(to)
				held[Second(to)]++
				drop(before.second)
				before.Release()
			},
			"": func(t *rapid.T) {
				limit := at.Draw(t, "limit")
				batch.Flush()
				for second, n := range inBatch {
					for range n {
						drop(second)
					}
				}
				clear(inBatch)
				want := limit
				for s := range maps.Keys(held) {
					want = min(want, s*1000-1)
				}
				if got := set.Before(limit); got != want || set.Seconds() != len(held) {
					t.Fatalf("Before(%d) = %d with %d seconds, want %d with %d", limit, got, set.Seconds(),
						want, len(held))
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
		set := NewSet()
		token := set.Take(5_000)
		if !panics(func() { misuse(set, &token) }) {
			t.Errorf("a token that was %s: nobody noticed", name)
		}
	}
}

// Advancing holds the later instant before the earlier one is released.
func TestAdvanceLeavesNoGap(t *testing.T) {
	t.Parallel()
	set := NewSet()
	token := set.Take(5_400)
	before := token.Advance(9_100)
	if got := set.Before(20_000); got != 4_999 {
		t.Errorf("the watermark may go to %d while both are held, want 4999", got)
	}
	before.Release()
	if got := set.Before(20_000); got != 8_999 {
		t.Errorf("the watermark may go to %d, want 8999", got)
	}
	token.Release()
	if got := set.Before(20_000); got != 20_000 {
		t.Errorf("the watermark may go to %d, want 20000", got)
	}
}
