package executor

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/webhook"
	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	secretA webhook.Secret = "whsec_YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
	secretB webhook.Secret = "whsec_YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI="
	secretC webhook.Secret = "whsec_Y2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2M="
)

func newSigner(t testing.TB, secrets ...webhook.Secret) *webhook.Signer {
	t.Helper()
	s, err := webhook.NewSigner(secrets)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// verified is what the target's library says of a request.
func verified(t *testing.T, secret webhook.Secret, request string) error {
	t.Helper()
	req, body, ok := readRequest(bufio.NewReader(strings.NewReader(request)))
	if !ok {
		t.Fatalf("no request: %q", request)
	}
	wh, err := standard.NewWebhook(secret.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	return wh.Verify([]byte(body), req.Header)
}

// Every kind of body is signed as it is sent; the job's secrets go in the place
// of the server's.
func TestSignedRequests(t *testing.T) {
	server, job := newSigner(t, secretA), newSigner(t, secretB, secretC)
	long := []byte(strings.Repeat("long", maxInlineBody))
	for name, tc := range map[string]struct {
		prepare func(*domain.Call)
		good    []webhook.Secret
		bad     []webhook.Secret
	}{
		"the server's secret": {func(*domain.Call) {}, []webhook.Secret{secretA}, []webhook.Secret{secretB}},
		"the job's secrets": {func(c *domain.Call) { c.Signer = job }, []webhook.Secret{secretB, secretC},
			[]webhook.Secret{secretA}},
		"a body": {func(c *domain.Call) { c.Body, c.BodyIsJSON = []byte(`{"a":1}`), true },
			[]webhook.Secret{secretA}, nil},
		"a long body":   {func(c *domain.Call) { c.Body = long }, []webhook.Secret{secretA}, nil},
		"no body":       {func(c *domain.Call) { c.Method = "GET" }, []webhook.Secret{secretA}, nil},
		"an empty body": {func(c *domain.Call) { c.Body = []byte{} }, []webhook.Secret{secretA}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, request := sent(t, Config{Signing: Signing{Of: forAll(server)}}, tc.prepare)
			for _, secret := range tc.good {
				if err := verified(t, secret, request); err != nil {
					t.Errorf("%v: %q", err, request)
				}
			}
			for _, secret := range tc.bad {
				if err := verified(t, secret, request); !errors.Is(err, standard.ErrNoMatchingSignature) {
					t.Errorf("signed by another secret: %v", err)
				}
			}
			if n := strings.Count(request, "webhook-"); n != 3 {
				t.Errorf("%d headers of a signature in %q", n, request)
			}
			if !strings.Contains(request, "\r\nwebhook-id: "+wireExec+"\r\n") {
				t.Errorf("%q does not name the execution", request)
			}
		})
	}
}

func TestUnsignedRequests(t *testing.T) {
	if _, request := sent(t, Config{}, func(*domain.Call) {}); strings.Contains(request, "webhook-") {
		t.Errorf("signed without a secret: %q", request)
	}
}

// The time is that of the attempt, by the clock that was given; the id is the
// same for each.
func TestRetriesAreSignedAnew(t *testing.T) {
	heads := make(chan http.Header, 2)
	s := serveRaw(t, func(_ int, c net.Conn) {
		br := bufio.NewReader(c)
		for {
			req, _, ok := readRequest(br)
			if !ok {
				return
			}
			heads <- req.Header
			_, _ = c.Write([]byte(rawResponse(503, "")))
		}
	})
	wall := new(clock.Manual)
	x := newTestExecutor(t, Config{Clock: wall, Signing: Signing{Of: forAll(newSigner(t, secretA))}})
	call := newCall(s.url())
	do(x, call)
	first := <-heads
	wall.Step(90 * time.Second)
	call.Attempt = 2
	do(x, call)
	second := <-heads
	if first.Get("webhook-id") != second.Get("webhook-id") || first.Get("webhook-id") != first.Get("Idempotency-Key") {
		t.Errorf("ids %q and %q", first.Get("webhook-id"), second.Get("webhook-id"))
	}
	if first.Get("webhook-timestamp") == second.Get("webhook-timestamp") ||
		first.Get("webhook-signature") == second.Get("webhook-signature") {
		t.Errorf("the second attempt says %v, as the first", second)
	}
}

// forAll signs the calls of every namespace alike.
func forAll(s *webhook.Signer) func(string) *webhook.Signer {
	return func(string) *webhook.Signer { return s }
}

// TestSignedForItsNamespace: each namespace has its signature, and a target that repeats a
// secret of it is not recorded with it.
func TestSignedForItsNamespace(t *testing.T) {
	n, err := webhook.NewNamespaces([]webhook.Secret{secretA}, []string{"default"})
	if err != nil {
		t.Fatal(err)
	}
	for namespace, undivided := range map[string]bool{"default": true, "pay": false} {
		_, request := sent(t, Config{Signing: Signing{Of: n.Signer}}, func(c *domain.Call) { c.Namespace = namespace })
		for of, want := range map[string]bool{"default": namespace == "default", "pay": namespace == "pay"} {
			derived, err := secretA.Derive(of)
			if err != nil {
				t.Fatal(err)
			}
			if got := verified(t, derived, request) == nil; got != want {
				t.Errorf("a call of %s verified by the secret of %s: %t", namespace, of, got)
			}
		}
		if got := verified(t, secretA, request) == nil; got != undivided {
			t.Errorf("a call of %s verified by the secret of the server: %t", namespace, got)
		}
	}
}
