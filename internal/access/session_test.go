package access

import (
	"bytes"
	"context"
	"encoding/base64"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

var (
	secret1 = bytes.Repeat([]byte{1}, 32)
	secret2 = bytes.Repeat([]byte{2}, 32)
)

func openSessions(t *testing.T, k *Keyring, secrets ...[]byte) *Sessions {
	t.Helper()
	s, err := OpenSessions(t.Context(), SessionConfig{Keys: k, Secrets: secrets, TTL: 12 * time.Hour, Idle: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// begin begins a session with a key.
func begin(t *testing.T, s *Sessions, key string) Session {
	t.Helper()
	c, ok := s.Keys.Find(key)
	if !ok {
		t.Fatal("the key does not open")
	}
	begun, wait, err := s.Begin(&c)
	if err != nil || wait != 0 {
		t.Fatal(wait, err)
	}
	return begun
}

func wantSession(t *testing.T, s *Sessions, text string, want bool) Session {
	t.Helper()
	found, ok := s.Find(text)
	if ok != want {
		t.Errorf("the session goes on: %v, want %v", ok, want)
	}
	return found
}

// TestASessionIsItsKey: it has the role, the namespace and the name of the key with which it began, and its own end.
func TestASessionIsItsKey(t *testing.T) { synctest.Test(t, sessionIsItsKey) }

func sessionIsItsKey(t *testing.T) {
	w := open(t, newStore(t), "a key of the settings that is long enough")
	s := openSessions(t, w.Keyring, secret1)
	now := clock.NowMs(w.Clock)
	soon := now + time.Hour.Milliseconds()
	text, key, err := w.Create(t.Context(), domain.APIKey{Name: "CI", Role: domain.RoleEditor, Namespace: "billing",
		ExpiresAt: soon})
	if err != nil {
		t.Fatal(err)
	}
	begun := begin(t, s, text)
	got := wantSession(t, s, begun.Text, true)
	if c := got.Caller; c.Key != key.ID || c.Name != "CI" || c.Role != domain.RoleEditor ||
		c.Namespace != "billing" || c.ExpiresAt != soon || c.Session == (domain.SessionID{}) ||
		c.Session != begun.Caller.Session || got.Text != "" {
		t.Errorf("%+v", got)
	}
	fixed := wantSession(t, s, begin(t, s, "a key of the settings that is long enough").Text, true).Caller
	if fixed.Key != domain.AuthorEnv || fixed.Role != domain.RoleAdmin ||
		fixed.ExpiresAt != now+(12*time.Hour).Milliseconds() {
		t.Errorf("%+v", fixed)
	}
	time.Sleep(time.Hour - time.Millisecond)
	if _, ok := s.Find(begun.Text); !ok {
		t.Error("it has ended before its key")
	}
	time.Sleep(time.Millisecond)
	wantSession(t, s, begun.Text, false)
}

// TestASessionEndsByItself: after its time, and without requests sooner. A text that is renewed keeps its id and its
// end.
func TestASessionEndsByItself(t *testing.T) { synctest.Test(t, sessionEndsByItself) }

func sessionEndsByItself(t *testing.T) {
	w := open(t, newStore(t))
	s := openSessions(t, w.Keyring, secret1)
	key, _ := w.create(t, domain.RoleAdmin, 0)
	begun := begin(t, s, key)
	idle := begun.Text
	began, text, renewed := time.Now(), begun.Text, 0
	for {
		time.Sleep(5 * time.Minute)
		if time.Since(began) == time.Hour {
			wantSession(t, s, idle, false)
		}
		got, ok := s.Find(text)
		if !ok {
			break
		}
		if got.Caller.Session != begun.Caller.Session || got.Caller.ExpiresAt != begun.Caller.ExpiresAt {
			t.Fatalf("%+v, began as %+v", got.Caller, begun.Caller)
		}
		if got.Text != "" {
			text = got.Text
			renewed++
		}
	}
	if took := time.Since(began); took != 12*time.Hour {
		t.Errorf("it went on for %s", took)
	}
	if renewed < 60 || renewed > 72 {
		t.Errorf("renewed %d times in 12 h", renewed)
	}
	shorter := openSessions(t, w.Keyring, secret1)
	shorter.TTL = 10 * time.Minute
	begun = begin(t, s, key)
	time.Sleep(10 * time.Minute)
	wantSession(t, s, begun.Text, true)
	wantSession(t, shorter, begun.Text, false)
}

// TestNoTextIsMadeUp: a text that was changed, that another server has sealed, or that was sealed for another
// purpose, is no session; none of them panics.
func TestNoTextIsMadeUp(t *testing.T) { synctest.Test(t, noTextIsMadeUp) }

func noTextIsMadeUp(t *testing.T) {
	w := open(t, newStore(t))
	s := openSessions(t, w.Keyring, secret1)
	key, _ := w.create(t, domain.RoleAdmin, 0)
	text := begin(t, s, key).Text
	if strings.ContainsAny(text, "; ,\"\\\t") || len(text) > 1_000 {
		t.Errorf("%q cannot be in a cookie", text)
	}
	id, coded, _ := strings.Cut(text, ":")
	raw, err := base64.RawStdEncoding.DecodeString(coded)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(raw) * 8 {
		changed := bytes.Clone(raw)
		changed[i/8] ^= 1 << (i % 8)
		wantSession(t, s, id+":"+base64.RawStdEncoding.EncodeToString(changed), false)
	}
	for _, wrong := range []string{"", ":", text[1:], text[:len(text)-1], text + "A", " " + text, seal.Prefix + text,
		strings.Repeat("A", maxTicket+1), key} {
		wantSession(t, s, wrong, false)
	}
	k, err := seal.KeyOf(secret1)
	if err != nil {
		t.Fatal(err)
	}
	box, err := seal.NewBox(k)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := box.Open(sessionPlace, seal.Prefix+text)
	if err != nil {
		t.Fatal(err)
	}
	for place, want := range map[string]bool{string(sessionPlace): true, "": false, string(seal.Place("job")): false} {
		sealed, err := box.Seal([]byte(place), opened)
		if err != nil {
			t.Fatal(err)
		}
		wantSession(t, s, strings.TrimPrefix(sealed, seal.Prefix), want)
	}
	for _, wrong := range []string{
		"", "{}", "null", "[]", `{"key":"AAAA"}`, strings.Replace(opened, `"key"`, `"k"`, 1),
	} {
		sealed, err := box.Seal(sessionPlace, wrong)
		if err != nil {
			t.Fatal(err)
		}
		wantSession(t, s, strings.TrimPrefix(sealed, seal.Prefix), false)
	}
	wantSession(t, openSessions(t, w.Keyring, secret2), text, false)
	wantSession(t, openSessions(t, w.Keyring, secret2, secret1), text, true) // while the encryption key is replaced
}

// TestASessionEndsWithItsKey at once where the key is revoked, and within a second at other nodes.
func TestASessionEndsWithItsKey(t *testing.T) { synctest.Test(t, sessionEndsWithItsKey) }

func sessionEndsWithItsKey(t *testing.T) {
	store := newStore(t)
	a, b := openShared(t, store), openShared(t, store)
	at, bt := openSessions(t, a.Keyring, secret1), openSessions(t, b.Keyring, secret1)
	a.create(t, domain.RoleAdmin, 0)
	key, id := a.create(t, domain.RoleEditor, 0)
	time.Sleep(time.Second)
	text := begin(t, at, key).Text
	wantSession(t, bt, text, true)
	if _, err := a.Revoke(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	wantSession(t, at, text, false)
	time.Sleep(time.Second)
	wantSession(t, bt, text, false)
}

// TestALogoutHolds where it was asked for at once, at other nodes within a second, and after a restart. It ends one
// session alone, with every text that it had. It is dropped when the session would have ended by itself.
func TestALogoutHolds(t *testing.T) { synctest.Test(t, logoutHolds) }

func logoutHolds(t *testing.T) {
	store := newStore(t)
	a, b := openShared(t, store), openShared(t, store)
	at, bt := openSessions(t, a.Keyring, secret1), openSessions(t, b.Keyring, secret1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go at.Run(ctx)
	go bt.Run(ctx)
	key, _ := a.create(t, domain.RoleAdmin, 0)
	time.Sleep(time.Second)
	first, second := begin(t, at, key), begin(t, at, key)
	if first.Caller.Session == second.Caller.Session || first.Text == second.Text {
		t.Error("two sessions are one")
	}
	time.Sleep(7 * time.Minute)
	renewed := wantSession(t, at, first.Text, true)
	kept := wantSession(t, at, second.Text, true)
	if err := at.End(t.Context(), &renewed.Caller); err != nil {
		t.Fatal(err)
	}
	wantSession(t, at, first.Text, false)
	wantSession(t, at, renewed.Text, false)
	time.Sleep(time.Second)
	wantSession(t, bt, first.Text, false)
	wantSession(t, bt, renewed.Text, false)
	if at.Holds(first.Caller.Session) || bt.Holds(first.Caller.Session) || !bt.Holds(second.Caller.Session) ||
		!at.Holds(domain.SessionID{}) {
		t.Error("a stream goes on after a logout, or does not without one")
	}
	wantSession(t, bt, kept.Text, true)
	again := openSessions(t, a.Keyring, secret1)
	wantSession(t, again, renewed.Text, false)
	cancel()
	synctest.Wait()
	time.Sleep(12 * time.Hour)
	for _, s := range []*Sessions{at, bt} {
		if err := s.Refresh(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if len(at.ended)+len(bt.ended) != 0 {
		t.Errorf("%d and %d are remembered", len(at.ended), len(bt.ended))
	}
}

// TestALogoutWithoutTheStore holds at least where it was asked for, and is told.
func TestALogoutWithoutTheStore(t *testing.T) { synctest.Test(t, logoutWithoutTheStore) }

func logoutWithoutTheStore(t *testing.T) {
	w := openShared(t, newStore(t))
	s := openSessions(t, w.Keyring, secret1)
	go s.Run(t.Context())
	key, _ := w.create(t, domain.RoleAdmin, 0)
	begun := begin(t, s, key)
	remove := w.store.Add(faulty.Rule{Method: "Keys.EndSession", Fault: faulty.FailBefore})
	if err := s.End(t.Context(), &begun.Caller); domain.ErrorCode(err) != domain.CodeUnavailable {
		t.Errorf("End: %v", err)
	}
	time.Sleep(time.Minute)
	wantSession(t, s, begun.Text, false)
	remove()
	if err := s.End(t.Context(), &begun.Caller); err != nil {
		t.Error(err)
	}
	if _, err := OpenSessions(t.Context(), SessionConfig{Keys: w.Keyring}); err == nil {
		t.Error("sessions without a secret, a time and an end")
	}
}

// TestSignInsAreBounded: a key does not begin more sessions than may be remembered.
func TestSignInsAreBounded(t *testing.T) { synctest.Test(t, signInsAreBounded) }

func signInsAreBounded(t *testing.T) {
	w := open(t, newStore(t))
	s := openSessions(t, w.Keyring, secret1)
	key, _ := w.create(t, domain.RoleAdmin, 0)
	other, _ := w.create(t, domain.RoleViewer, 0)
	n := 0
	for began := time.Now(); time.Since(began) < 12*time.Hour; time.Sleep(10 * time.Second) {
		c, _ := w.Find(key)
		if _, wait, err := s.Begin(&c); err != nil {
			t.Fatal(err)
		} else if wait == 0 {
			n++
		}
	}
	if n < 700 || n > 12*60+SignInBurst {
		t.Errorf("%d in 12 h", n)
	}
	begin(t, s, other)
	if _, _, err := s.Begin(&Caller{}); err == nil {
		t.Error("a session without a key")
	}
}
