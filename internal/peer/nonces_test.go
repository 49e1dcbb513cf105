package peer

import "testing"

// TestNonces: a nonce is remembered for as long as its request would be taken, and their
// number is bounded.
func TestNonces(t *testing.T) {
	t.Parallel()
	n := nonces{most: 3}
	window := Window.Milliseconds()
	name := func(i byte) [nonceSize]byte { return [nonceSize]byte{i} }
	for at := int64(1_000_000); at < 1_000_000+20*window; at += window / 7 {
		i := byte(at % 251)
		if n.add(name(i), at) == crowded {
			continue // one that is not remembered is not taken
		}
		for _, later := range []int64{0, 1, window, 2*window - 1} {
			copyOf := nonces{most: n.most, since: n.since, younger: n.younger, older: n.older}
			if got := copyOf.add(name(i), at+later); got != repeated {
				t.Fatalf("after %d ms: %d, want %d", later, got, repeated)
			}
		}
		if len(n.younger) > 3 || len(n.older) > 3 {
			t.Fatalf("%d and %d are remembered", len(n.younger), len(n.older))
		}
	}
	full := nonces{most: 2}
	for i, want := range []seen{fresh, fresh, crowded} {
		if got := full.add(name(byte(i)), 5); got != want {
			t.Errorf("number %d: %d, want %d", i, got, want)
		}
	}
	if got := full.add(name(9), 5+4*window); got != fresh {
		t.Errorf("after both generations: %d", got)
	}
}
