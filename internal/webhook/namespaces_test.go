package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// The base64 of "a secret of 24 bytes xxxx", and of another one.
const (
	first  = Secret("whsec_YSBzZWNyZXQgb2YgMjQgYnl0ZXMgeHh4eA==")
	second = Secret("whsec_YW5vdGhlciBzZWNyZXQsIGFsc28gMjQgYnl0ZXM=")
)

// TestDerive: what verifiers have never changes. The values are computed here by the
// definition of HKDF (RFC 5869): one round of extract, one of expand.
func TestDerive(t *testing.T) {
	seen := map[Secret]string{}
	for _, namespace := range []string{"default", "pay", "pay2", ""} {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(first.Reveal(), Prefix))
		if err != nil {
			t.Fatal(err)
		}
		extract := hmac.New(sha256.New, make([]byte, sha256.Size))
		extract.Write(key)
		expand := hmac.New(sha256.New, extract.Sum(nil))
		expand.Write([]byte("belfry signing secret of namespace " + namespace + "\x01"))
		want := Prefix + base64.StdEncoding.EncodeToString(expand.Sum(nil))
		got, err := first.Derive(namespace)
		if err != nil || got.Reveal() != want || got.Validate() != nil {
			t.Errorf("%q: %v, another secret than by the definition: %t", namespace, err, got.Reveal() != want)
		}
		if other, twice := seen[got]; twice || got == first {
			t.Errorf("%q and %q have the same secret", namespace, other)
		}
		seen[got] = namespace
	}
	if _, err := Secret("whsec_short").Derive("pay"); err == nil {
		t.Error("a wrong secret was taken")
	}
}

// signatures returns those of a header.
func signatures(s *Signer) []string {
	header := string(s.AppendHeaders(nil, []byte("id"), 1, []byte("body")))
	_, list, _ := strings.Cut(header, "webhook-signature: ")
	return strings.Fields(list)
}

func TestNamespaces(t *testing.T) {
	for _, tc := range []struct {
		secrets   []Secret
		undivided []string
		namespace string
		count     int
	}{
		{[]Secret{first}, nil, "default", 1}, {[]Secret{first}, []string{"default"}, "default", 2},
		{[]Secret{first}, []string{"default"}, "pay", 1}, {[]Secret{first, second}, []string{"pay"}, "pay", 4},
		{[]Secret{first, second}, []string{"pay"}, "default", 2},
	} {
		n, err := NewNamespaces(tc.secrets, tc.undivided)
		if err != nil {
			t.Fatal(err)
		}
		s := n.Signer(tc.namespace)
		got := signatures(s)
		if len(got) != tc.count || len(s.Texts()) != 2*len(tc.secrets) || n.Signer(tc.namespace) != s {
			t.Errorf("%v in %s: %d signatures, want %d", tc.undivided, tc.namespace, len(got), tc.count)
		}
		for i, secret := range tc.secrets { // those of the namespace come first, then those of the server
			derived, err := secret.Derive(tc.namespace)
			if err != nil {
				t.Fatal(err)
			}
			want := []Secret{derived}
			if tc.count > len(tc.secrets) {
				want = append(want, secret)
			}
			for j, w := range want {
				one, err := NewSigner([]Secret{w})
				if err != nil {
					t.Fatal(err)
				}
				if got[i+j*len(tc.secrets)] != signatures(one)[0] {
					t.Errorf("%v in %s: signature %d is another", tc.undivided, tc.namespace, i+j*len(tc.secrets))
				}
			}
		}
	}
	if n, err := NewNamespaces(nil, nil); n != nil || err != nil {
		t.Errorf("without a secret: %v, %v", n, err)
	}
	if _, err := NewNamespaces([]Secret{"x"}, nil); err == nil {
		t.Error("a wrong secret was taken")
	}
}

// TestManyNamespaces: the memory is bounded, what was dropped is derived anew, and a call in
// one namespace more costs no more, however many are known.
func TestManyNamespaces(t *testing.T) {
	n, err := NewNamespaces([]Secret{first}, nil)
	if err != nil {
		t.Fatal(err)
	}
	before := signatures(n.Signer("pay"))
	const rounds, most = 3 * maxKnown, 8 << 10 // a signer takes 2 to 3 KiB while it is derived
	used := allocatedBytes(func() {
		for i := range rounds {
			n.Signer(fmt.Sprint(i))
		}
	})
	if used > rounds*most {
		t.Errorf("%d bytes for each namespace, want at most %d", used/rounds, most)
	}
	known := 0
	n.known.Range(func(any, any) bool { known++; return true })
	if known > maxKnown || known != n.count {
		t.Errorf("%d signers are known, and %d are counted", known, n.count)
	}
	if after := signatures(n.Signer("pay")); after[0] != before[0] {
		t.Error("the secret of a namespace has changed")
	}
}

// allocatedBytes returns how much memory a function asks for.
func allocatedBytes(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Calls of many goroutines in one namespace get one signer.
func TestNamespacesAtOnce(t *testing.T) {
	n, err := NewNamespaces([]Secret{first}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var callers sync.WaitGroup
	got := make([]*Signer, 16)
	for i := range got {
		callers.Go(func() { got[i] = n.Signer("pay") })
	}
	callers.Wait()
	for _, s := range got {
		if s != got[0] || n.count != 1 {
			t.Fatalf("several signers, of which %d are counted", n.count)
		}
	}
}

func TestNamespacesDoNotAllocate(t *testing.T) {
	n, err := NewNamespaces([]Secret{first}, nil)
	if err != nil {
		t.Fatal(err)
	}
	namespace := strings.Repeat("p", 3)
	n.Signer(namespace)
	if allocs := testing.AllocsPerRun(100, func() { n.Signer(namespace) }); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
