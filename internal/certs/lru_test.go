package certs

import "testing"

func TestLRU(t *testing.T) {
	t.Parallel()
	l := newLRU[int, string](3)
	if _, _, ok := l.oldest(); ok {
		t.Error("there is an oldest of none")
	}
	for i, s := range []string{"a", "b", "c"} {
		l.put(i, s)
	}
	if v, ok := l.get(0); !ok || v != "a" { // 1 is the oldest now
		t.Errorf("%q, %t", v, ok)
	}
	if v, ok := l.peek(1); !ok || v != "b" { // and stays that
		t.Errorf("%q, %t", v, ok)
	}
	l.put(2, "C") // 1, 0, 2
	l.put(3, "d")
	if _, ok := l.get(1); ok || len(l.values()) != 3 {
		t.Errorf("%v", l.values())
	}
	if k, v, ok := l.oldest(); !ok || k != 0 || v != "a" {
		t.Errorf("%d, %q, %t", k, v, ok)
	}
	l.remove(0)
	l.remove(0)
	if k, _, _ := l.oldest(); k != 2 || l.order.Len() != 2 || len(l.byKey) != 2 {
		t.Errorf("the oldest is %d, %d entries", k, l.order.Len())
	}
	if v, _ := l.get(2); v != "C" {
		t.Errorf("%q", v)
	}
	if _, ok := l.peek(9); ok {
		t.Error("9 is there")
	}
}
