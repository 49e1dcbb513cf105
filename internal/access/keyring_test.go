package access

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
	"github.com/belfry-scheduler/belfry/internal/store/memory"
)

// world is a keyring over a store that can be made to fail.
type world struct {
	*Keyring
	store *faulty.Store
}

func open(t *testing.T, s *faulty.Store, fixed ...string) *world {
	t.Helper()
	k, err := Open(t.Context(), Config{Store: s.Keys(), Clock: clock.System{},
		Log: slog.New(slog.DiscardHandler), Fixed: fixed})
	if err != nil {
		t.Fatal(err)
	}
	return &world{k, s}
}

func newStore(t *testing.T) *faulty.Store {
	t.Helper()
	s, err := memory.NewDisk(clock.System{}).Open()
	if err != nil {
		t.Fatal(err)
	}
	return faulty.New(s, 1)
}

func (w *world) create(t *testing.T, role domain.Role, expiresAt int64) (text, id string) {
	t.Helper()
	text, key, err := w.Create(t.Context(), domain.APIKey{Name: "a " + string(role), Role: role, ExpiresAt: expiresAt})
	if err != nil {
		t.Fatal(err)
	}
	return text, key.ID
}

// caller returns who holds a key, as others see it.
func (w *world) caller(text string) (Caller, bool) {
	c, ok := w.Find(text)
	c.held = nil
	return c, ok
}

func (w *world) wantOpens(t *testing.T, text string, want bool) {
	t.Helper()
	if _, ok := w.Find(text); ok != want {
		t.Errorf("the key opens: %v, want %v", ok, want)
	}
}

func TestAKeyOpensUntilItIsRevoked(t *testing.T) { synctest.Test(t, keyOpensUntilRevoked) }

func keyOpensUntilRevoked(t *testing.T) {
	w := open(t, newStore(t))
	if !w.Empty() {
		t.Error("a new keyring is not empty")
	}
	admin, _ := w.create(t, domain.RoleAdmin, 0)
	viewer, id := w.create(t, domain.RoleViewer, 0)
	if c, ok := w.caller(viewer); !ok || c != (Caller{Key: id, Name: "a viewer", Role: domain.RoleViewer}) {
		t.Errorf("%+v, %v", c, ok)
	}
	for _, wrong := range []string{"", " ", viewer + "x", viewer[:len(viewer)-1], id, "bel_" + id, "bel_" + id + "_"} {
		w.wantOpens(t, wrong, false)
	}
	again := open(t, w.store) // a restart
	again.wantOpens(t, viewer, true)
	if _, err := w.Revoke(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	w.wantOpens(t, viewer, false)
	w.wantOpens(t, admin, true)
	open(t, w.store).wantOpens(t, viewer, false)
	time.Sleep(time.Millisecond)
	if _, err := w.Revoke(t.Context(), id); domain.ErrorCode(err) != domain.CodeNotFound {
		t.Errorf("a second revocation: %v", err)
	}
}

func TestAnExpiredKeyOpensNothingAndKeepsTheDoorShut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, newStore(t))
		w.create(t, domain.RoleAdmin, 0)
		text, _ := w.create(t, domain.RoleAdmin, clock.NowMs(clock.System{})+time.Hour.Milliseconds())
		w.wantOpens(t, text, true)
		time.Sleep(time.Hour - time.Millisecond)
		w.wantOpens(t, text, true)
		time.Sleep(time.Millisecond)
		w.wantOpens(t, text, false)
		if again := open(t, w.store); again.Empty() {
			t.Error("a server with keys is open")
		}
	})
}

// TestNobodyIsLockedOut: the keys always let somebody in who can make others.
func TestNobodyIsLockedOut(t *testing.T) {
	w := open(t, newStore(t))
	soon := clock.NowMs(w.Clock) + time.Hour.Milliseconds()
	for _, first := range []domain.APIKey{
		{Name: "x", Role: domain.RoleViewer}, {Name: "x", Role: domain.RoleEditor},
		{Name: "x", Role: domain.RoleAdmin, ExpiresAt: soon},
	} {
		if _, _, err := w.Create(t.Context(), first); domain.ErrorCode(err) != domain.CodeInvalid || !w.Empty() {
			t.Errorf("a first key %+v: %v", first, err)
		}
	}
	_, first := w.create(t, domain.RoleAdmin, 0)
	w.create(t, domain.RoleAdmin, soon)
	w.create(t, domain.RoleViewer, 0)
	if _, err := w.Revoke(t.Context(), first); domain.ErrorCode(err) != domain.CodeConflict {
		t.Errorf("the last one: %v", err)
	}
	_, second := w.create(t, domain.RoleAdmin, 0)
	if _, err := w.Revoke(t.Context(), first); err != nil {
		t.Error(err)
	}
	// With a key in the settings all of them may go.
	w = open(t, w.store, "a key of the settings")
	if _, err := w.Revoke(t.Context(), second); err != nil {
		t.Error(err)
	}
	if c, ok := w.caller("a key of the settings"); !ok || c != (Caller{
		Key: domain.AuthorEnv, Role: domain.RoleAdmin, Guessable: true,
	}) {
		t.Errorf("%+v, %v", c, ok)
	}
}

// TestGuessable: what Belfry makes is never guessable, and of the settings what is short.
func TestGuessable(t *testing.T) {
	long := strings.Repeat("k", SafeKeyLength)
	w := open(t, newStore(t), long, long[1:])
	made, _ := w.create(t, domain.RoleViewer, 0)
	for text, want := range map[string]bool{long: false, long[1:]: true, made: false} {
		if c, ok := w.Find(text); !ok || c.Guessable != want {
			t.Errorf("%d characters: %v, %v", len(text), c.Guessable, ok)
		}
	}
}

func TestTooManyKeysAndBadOnes(t *testing.T) {
	w := open(t, newStore(t), "a key of the settings")
	for range domain.MaxKeys {
		w.create(t, domain.RoleViewer, 0)
	}
	if _, _, err := w.Create(t.Context(), domain.APIKey{Name: "x", Role: domain.RoleViewer}); domain.ErrorCode(
		err) != domain.CodeConflict {
		t.Errorf("one more: %v", err)
	}
	for _, text := range []string{"", " x", "x "} {
		if _, err := Open(t.Context(), Config{Store: w.store.Keys(), Clock: w.Clock, Log: w.Log,
			Fixed: []string{text}}); err == nil {
			t.Errorf("key %q was taken", text)
		}
	}
}

// TestAStoreThatFailsOpensNothing: whatever the store did, a key that is to be
// revoked is refused, and one whose making failed was never shown.
func TestAStoreThatFailsOpensNothing(t *testing.T) { synctest.Test(t, failingStoreOpensNothing) }

func failingStoreOpensNothing(t *testing.T) {
	for _, fault := range []faulty.Fault{faulty.FailBefore, faulty.FailAfter} {
		w := open(t, newStore(t))
		w.create(t, domain.RoleAdmin, 0)
		text, id := w.create(t, domain.RoleEditor, 0)
		remove := w.store.Add(faulty.Rule{Method: "Keys", Fault: fault})
		if _, err := w.Revoke(t.Context(), id); domain.ErrorCode(err) != domain.CodeUnavailable {
			t.Errorf("Revoke: %v", err)
		}
		w.wantOpens(t, text, false)
		if lost, _, err := w.Create(t.Context(), domain.APIKey{Name: "x", Role: domain.RoleViewer}); err == nil ||
			lost != "" {
			t.Errorf("Create: %q, %v", lost, err)
		}
		if _, err := Open(t.Context(), w.Config); err == nil {
			t.Error("a server whose keys cannot be read would be open")
		}
		remove()
		time.Sleep(time.Millisecond)
		_, err := w.Revoke(t.Context(), id) // asked again
		if fault == faulty.FailBefore && err != nil || fault == faulty.FailAfter &&
			domain.ErrorCode(err) != domain.CodeNotFound {
			t.Errorf("asked again: %v", err)
		}
		open(t, w.store).wantOpens(t, text, false)
	}
}

// countingKeys counts the writes of uses.
type countingKeys struct {
	store.Keys
	mu     sync.Mutex
	writes []map[string]int64
	err    error
}

func (c *countingKeys) Used(ctx context.Context, at map[string]int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes = append(c.writes, at)
	if c.err != nil {
		return c.err
	}
	return c.Keys.Used(ctx, at)
}

// wrote returns how often uses were written, and sets what comes of the next
// time.
func (c *countingKeys) wrote(next error) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = next
	return len(c.writes)
}

// TestUseIsNotedOnceAMinute: thousands of requests are one write.
func TestUseIsNotedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counting := &countingKeys{Keys: newStore(t).Keys()}
		k, err := Open(t.Context(), Config{Store: counting, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
			Fixed: []string{"a key of the settings"}})
		if err != nil {
			t.Fatal(err)
		}
		text, key, err := k.Create(t.Context(), domain.APIKey{Name: "CI", Role: domain.RoleEditor})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { k.Run(ctx) })
		use := func() int64 {
			for range 1_000 {
				k.Find(text)
				k.Find("a key of the settings")
			}
			return clock.NowMs(k.Clock)
		}
		use()
		if keys, err := k.List(t.Context()); err != nil || keys[0].LastUsedAt != clock.NowMs(k.Clock) {
			t.Errorf("before it is written: %+v, %v", keys, err)
		}
		time.Sleep(10*time.Minute + 30*time.Second)
		if n := counting.wrote(errors.New("disk full")); n != 1 {
			t.Errorf("%d writes for one minute of use", n)
		}
		last := use()
		time.Sleep(3 * time.Minute)
		if n := counting.wrote(nil); n != 4 {
			t.Errorf("%d writes: a failed one is not tried again each minute", n)
		}
		cancel()
		running.Wait()
		stored, err := counting.List(t.Context())
		if err != nil || len(stored) != 1 || stored[0].ID != key.ID || stored[0].LastUsedAt != last {
			t.Errorf("after the end: %+v, %v, want a use at %d", stored, err, last)
		}
	})
}

// TestRevokedUnderLoad: once Revoke is called no look finds the key.
func TestRevokedUnderLoad(t *testing.T) {
	w := open(t, newStore(t), "a key of the settings")
	for range 50 {
		text, id := w.create(t, domain.RoleEditor, 0)
		stop := make(chan struct{})
		var users sync.WaitGroup
		for range 4 {
			users.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						w.Find(text)
					}
				}
			})
		}
		if _, err := w.Revoke(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		w.wantOpens(t, text, false)
		close(stop)
		users.Wait()
	}
}

func BenchmarkFind(b *testing.B) {
	s, err := memory.NewDisk(clock.System{}).Open()
	if err != nil {
		b.Fatal(err)
	}
	k, err := Open(b.Context(), Config{Store: s.Keys(), Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	text, _, err := k.Create(b.Context(), domain.APIKey{Name: "x", Role: domain.RoleAdmin})
	if err != nil {
		b.Fatal(err)
	}
	for range domain.MaxKeys - 1 {
		if _, _, err := k.Create(b.Context(), domain.APIKey{Name: "x", Role: domain.RoleViewer}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := k.Find(text); !ok {
			b.Fatal("not found")
		}
	}
}

// What an author might do holds until the key is revoked or has expired; without one, until
// there is a key.
func TestHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t)
		w := open(t, s)
		check := func(author string, want bool) {
			t.Helper()
			if got := w.Holds(domain.Author{Key: author}); got != want {
				t.Errorf("%s holds: %t, want %t", author, got, want)
			}
		}
		check(domain.AuthorLoopback, true)
		check(domain.AuthorAnonymous, true)
		check(domain.AuthorEnv, false)
		check("k7x2mq4a", false)
		_, admin := w.create(t, domain.RoleAdmin, 0)
		_, editor := w.create(t, domain.RoleEditor, 0)
		_, short := w.create(t, domain.RoleEditor, clock.NowMs(clock.System{})+1000)
		check(domain.AuthorLoopback, false)
		check(domain.AuthorAnonymous, false)
		check(admin, true)
		check(editor, true)
		check(short, true)
		if _, err := w.Revoke(t.Context(), editor); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		check(editor, false)
		check(short, false)
		check(admin, true)
		w = open(t, s, strings.Repeat("x", SafeKeyLength))
		check(domain.AuthorEnv, true)
	})
}
