package send

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/goleak"

	"github.com/belfry-scheduler/belfry/internal/alert"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ample is more time than anything takes here, stalls included.
const ample = time.Minute

const signing = "whsec_YSBzZWNyZXQgb2YgMjQgYnl0ZXMgeHh4eA=="

// guard refuses a name or an address; what it was asked is noted.
type guard struct {
	name, addr error
	asked      []string
}

func (g *guard) CheckName(name string, _ uint16) error {
	g.asked = append(g.asked, name)
	return g.name
}

func (g *guard) CheckAddr(_ string, to netip.AddrPort) error {
	g.asked = append(g.asked, to.Addr().String())
	return g.addr
}

func sender(t *testing.T, g *guard) *Sender {
	t.Helper()
	s, err := New(Config{Guard: g, UserAgent: "belfry/test", Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func message() *alert.Message {
	return &alert.Message{
		ID: domain.NotificationID{1, 2}, Type: domain.NoticeOpened, At: 1_700_000_000_000, Link: "https://b/alerts",
		Groups: []domain.Group{{
			ID: domain.GroupID{3}, State: domain.GroupOpen, Rule: "default", By: domain.ByHost,
			Level: domain.LevelCritical, Key: "https://pay.example.com:443",
			Counts:  domain.GroupCounts{Jobs: 2, AllJobs: 3, Failures: 4},
			FirstAt: 1_700_000_000_000, LastAt: 1_700_000_001_000, Samples: []domain.GroupSample{{
				JobID: domain.JobID{5}, Name: "bill", Target: "pay.example.com:443", Error: "503 busy", HTTPStatus: 503,
			}},
		}},
	}
}

// The reference library accepts the signature, and the body is as it is documented.
func TestWebhook(t *testing.T) {
	var header http.Header
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		header = r.Header
		body, _ = io.ReadAll(r.Body)
	}))
	defer server.Close()
	g := new(guard)
	c := domain.Channel{Kind: domain.ChannelWebhook, Secrets: domain.ChannelSecrets{URL: server.URL + "/hook",
		Signing: []webhook.Secret{signing}}}
	m := message()
	if err := sender(t, g).Send(t.Context(), &c, m); err != nil {
		t.Fatal(err)
	}
	verifier, err := standardwebhooks.NewWebhook(signing)
	if err != nil {
		t.Fatal(err)
	}
	if err := verifier.Verify(body, header); err != nil {
		t.Errorf("the signature: %v", err)
	}
	if header.Get("Webhook-Id") != m.ID.String() || header.Get("User-Agent") != "belfry/test" {
		t.Errorf("%v", header)
	}
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	data, _ := got["data"].(map[string]any)
	groups, _ := data["groups"].([]any)
	if got["type"] != "alert.opened" || got["timestamp"] != "2023-11-14T22:13:20.000Z" ||
		data["title"] != "Failing: pay.example.com:443, 2 jobs" || data["url"] != "https://b/alerts" ||
		len(groups) != 1 {
		t.Fatalf("%s", body)
	}
	group, _ := groups[0].(map[string]any)
	if group["jobs"] != 2.0 || group["failures"] != 4.0 || group["recoveredAt"] != nil || group["level"] != "CRITICAL" {
		t.Errorf("%v", group)
	}
	if text, _ := data["text"].(string); !strings.Contains(text, "job bill (pay.example.com:443): 503 busy") {
		t.Errorf("the text is %q", data["text"])
	}
	if len(g.asked) != 2 {
		t.Errorf("the guard was asked about %v", g.asked)
	}
}

// Each way to fail is an error in time that says why, and shows no secret.
func TestWebhookFails(t *testing.T) {
	const token = "T0KEN-0123456789"
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("do") {
		case "busy":
			w.Header().Set("Retry-After", "120")
			http.Error(w, "not now: "+r.URL.Path, http.StatusTooManyRequests)
		case "date":
			w.Header().Set("Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
			w.WriteHeader(http.StatusServiceUnavailable)
		case "redirect":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		case "endless":
			w.WriteHeader(http.StatusInternalServerError)
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		case "hang":
			<-hang
		}
	}))
	defer server.Close()
	defer close(hang)
	for _, c := range []struct {
		do      string
		guard   guard
		text    string
		askedMs int64
	}{
		{"busy", guard{}, "429 Too Many Requests: not now: /********", 120_000},
		{"date", guard{}, "503 Service Unavailable", 3_600_000},
		{"redirect", guard{}, "302 Found", 0},
		{"endless", guard{}, "500 Internal Server Error", 0},
		{"hang", guard{}, "context deadline exceeded", 0},
		{"", guard{name: errors.New("is denied")}, "is denied", 0},
		{"", guard{addr: errors.New("is a private address")}, "is a private address", 0},
	} {
		ch := domain.Channel{Kind: domain.ChannelWebhook, Secrets: domain.ChannelSecrets{URL: server.URL + "/" + token +
			"?do=" + c.do}}
		limit := ample
		if c.do == "hang" {
			limit = 2 * time.Second // enough to reach the server
		}
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		err := sender(t, &c.guard).Send(ctx, &ch, message())
		cancel()
		failure, ok := errors.AsType[*alert.DeliveryError](err)
		if !ok || !strings.Contains(failure.Text, c.text) || strings.Contains(failure.Text, token) {
			t.Errorf("%q: %v, want %s", c.do, err, c.text)
			continue
		}
		if off := failure.AskedMs - c.askedMs; off > 0 || off < -ample.Milliseconds() {
			t.Errorf("%q: asked for %d ms, want %d", c.do, failure.AskedMs, c.askedMs)
		}
	}
	for _, wrong := range []string{"http://127.0.0.1:1/" + token, "::" + token, "http://no.invalid/" + token} {
		ch := domain.Channel{Kind: domain.ChannelWebhook, Secrets: domain.ChannelSecrets{URL: wrong}}
		if err := sender(t, new(guard)).Send(t.Context(), &ch, message()); err == nil ||
			strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

// Whom to trust is asked for each connection: an authority that is added is trusted without a restart, and one that is
// removed is not any more.
func TestTrustChangesWithoutARestart(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	trusted := x509.NewCertPool()
	s, err := New(Config{
		Guard: new(guard), Clock: clock.System{}, UserAgent: "belfry/test",
		Roots: func() *x509.CertPool { return trusted },
	})
	if err != nil {
		t.Fatal(err)
	}
	c := &domain.Channel{Kind: domain.ChannelWebhook, Secrets: domain.ChannelSecrets{URL: server.URL}}
	for _, trust := range []bool{false, true, false} {
		trusted = x509.NewCertPool()
		if trust {
			trusted.AddCert(server.Certificate())
		}
		if err := s.Send(t.Context(), c, message()); (err == nil) != trust ||
			err != nil && !strings.Contains(err.Error(), "certificate") {
			t.Errorf("trusted %t: %v", trust, err)
		}
	}
}
