package peer

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// TestKeysChange: while nodes get a new key one by one, they understand each other.
func TestKeysChange(t *testing.T) {
	t.Parallel()
	old, next := secret, []byte(strings.Repeat("n", minSecret))
	keys := func(secrets ...[]byte) *Keys {
		k, err := NewKeys(secrets...)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	for _, row := range []struct {
		sender, receiver *Keys
		want             Outcome
	}{
		{keys(old, next), keys(old), Answered}, {keys(old), keys(old, next), Answered},
		{keys(next, old), keys(old, next), Answered}, {keys(old, next), keys(next, old), Answered},
		{keys(next), keys(old), Unknown}, {keys(next, old), keys(old), Unknown},
	} {
		w := newWorld(t, func(g *GateConfig, l *LinkConfig) { g.Keys, l.Keys = row.receiver, row.sender })
		if _, got, err := w.send(t.Context()); got != row.want {
			t.Errorf("%d, want %d: %v", got, row.want, err)
		}
	}
	if _, err := NewKeys(); err == nil {
		t.Error("no secret is accepted")
	}
	if _, err := NewKeys(old, old[:31]); err == nil {
		t.Error("a short secret is accepted")
	}
	if text := fmt.Sprintf("%v %+v %#v", keys(old), keys(old), keys(old)); strings.Contains(text, "115") {
		t.Errorf("a key shows: %s", text)
	}
}

// TestConfigs: what a gate and a link must not be made of.
func TestConfigs(t *testing.T) {
	t.Parallel()
	if _, err := NewGate(GateConfig{}); err == nil {
		t.Error("a gate of nothing")
	}
	if _, err := NewLink(LinkConfig{}); err == nil {
		t.Error("a link of nothing")
	}
	w := newWorld(t)
	gate, link := w.gate.GateConfig, w.link.LinkConfig
	gate.MaxRequest, link.Timeout = -1, -1
	if _, err := NewGate(gate); err == nil {
		t.Error("a negative limit")
	}
	if _, err := NewLink(link); err == nil {
		t.Error("a negative timeout")
	}
}

// FuzzUnpack: whatever comes in the header, it is refused without a panic, unless it has a
// right MAC. A request that is read is read whole.
func FuzzUnpack(f *testing.F) {
	keys, err := NewKeys(secret)
	if err != nil {
		f.Fatal(err)
	}
	h := newHead("a", Node{Name: "b"}, 1, alice, nil)
	h.Nonce = make([]byte, nonceSize) // the processes of the fuzzer need the same
	value, err := h.pack(keys)
	if err != nil {
		f.Fatal(err)
	}
	r, body := request("PUT", "/jobs/1", "{}")
	text, err := packRequest(r, body)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(value, text)
	f.Add("a.b", []byte("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, head string, text []byte) {
		if got, err := unpack(keys, head); err == nil && head != value {
			t.Errorf("%q is taken for a head: %+v", head, got)
		}
		r, err := unpackRequest(text)
		if err != nil {
			return
		}
		if body, err := io.ReadAll(r.Body); err != nil || int64(len(body)) != r.ContentLength {
			t.Errorf("%d bytes of %d, %v", len(body), r.ContentLength, err)
		}
	})
}
