package access

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

// openShared opens the keyring of a node on a store that it shares with others. It runs
// until the test ends.
func openShared(t *testing.T, s *faulty.Store, fixed ...string) *world {
	t.Helper()
	k, err := Open(t.Context(), Config{Store: s.Keys(), Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
		Fixed: fixed, Shared: true, Rate: 2})
	if err != nil {
		t.Fatal(err)
	}
	go k.Run(t.Context())
	return &world{k, s}
}

// TestKeysOfOtherNodes: the first key of all, and each that is made or revoked at a node, holds
// at the others within a second.
func TestKeysOfOtherNodes(t *testing.T) { synctest.Test(t, keysOfOtherNodes) }

func keysOfOtherNodes(t *testing.T) {
	s := newStore(t)
	a, b := openShared(t, s), openShared(t, s)
	if !b.Empty() {
		t.Fatal("the store has a key")
	}
	admin, _ := a.create(t, domain.RoleAdmin, 0)
	editor, id := a.create(t, domain.RoleEditor, 0)
	time.Sleep(time.Second)
	b.wantOpens(t, admin, true)
	b.wantOpens(t, editor, true)
	if _, err := b.Revoke(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	b.wantOpens(t, editor, false)
	time.Sleep(time.Second)
	a.wantOpens(t, editor, false)
	a.wantOpens(t, admin, true)
}

// TestRefreshKeepsRates: a refresh does not give a key its requests back, nor forget its use.
func TestRefreshKeepsRates(t *testing.T) { synctest.Test(t, refreshKeepsRates) }

func refreshKeepsRates(t *testing.T) {
	a := openShared(t, newStore(t))
	text, _ := a.create(t, domain.RoleAdmin, 0)
	for i := range 6 {
		caller, _ := a.Find(text)
		if wait := caller.Wait(time.Now()); (wait > 0) != (i >= 2) {
			t.Errorf("request %d waits for %s", i, wait)
		}
		if err := a.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if keys, err := a.List(t.Context()); err != nil || len(keys) != 1 || keys[0].LastUsedAt == 0 {
		t.Errorf("%+v, %v", keys, err)
	}
}

// TestLastKeyAtTwoNodes: two nodes that revoke the last two keys of admins at the same time,
// neither of which has seen what the other did, do not lock everybody out. The one that is
// refused lets its key open again.
func TestLastKeyAtTwoNodes(t *testing.T) { synctest.Test(t, lastKeyAtTwoNodes) }

func lastKeyAtTwoNodes(t *testing.T) {
	s := newStore(t)
	a := open(t, s)
	_, first := a.create(t, domain.RoleAdmin, 0)
	second, id := a.create(t, domain.RoleAdmin, 0)
	b := open(t, s)
	if _, err := a.Revoke(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Revoke(t.Context(), id); domain.ErrorCode(err) != domain.CodeConflict {
		t.Errorf("the last key: %v", err)
	}
	b.wantOpens(t, second, true)
	fixed := open(t, s, "a key of the settings that is long enough")
	if _, err := fixed.Revoke(t.Context(), id); err != nil {
		t.Errorf("with a key in the settings: %v", err)
	}
}

// TestRefreshOpensNothing: a key whose revocation has an unknown outcome stays shut, also
// where the store still has it, until it is revoked or gone.
func TestRefreshOpensNothing(t *testing.T) { synctest.Test(t, refreshOpensNothing) }

func refreshOpensNothing(t *testing.T) {
	for _, fault := range []faulty.Fault{faulty.FailBefore, faulty.FailAfter} {
		w := open(t, newStore(t))
		w.create(t, domain.RoleAdmin, 0)
		text, id := w.create(t, domain.RoleEditor, 0)
		remove := w.store.Add(faulty.Rule{Method: "Keys.Revoke", Fault: fault})
		if _, err := w.Revoke(t.Context(), id); domain.ErrorCode(err) != domain.CodeUnavailable {
			t.Fatalf("Revoke: %v", err)
		}
		remove()
		for range 3 {
			if err := w.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.wantOpens(t, text, false)
		}
		if want := fault == faulty.FailBefore; w.shut[id] != want {
			t.Errorf("shut: %v, want %v", w.shut[id], want)
		}
	}
}

// slowList is keys whose list is read at once and answered later.
type slowList struct {
	store.Keys
	answer chan struct{}
}

func (k slowList) List(ctx context.Context) ([]domain.APIKey, error) {
	keys, err := k.Keys.List(ctx)
	<-k.answer
	return keys, err
}

// TestRefreshDuringAChange: a list that was read before a change is not taken for one after it.
func TestRefreshDuringAChange(t *testing.T) { synctest.Test(t, refreshDuringAChange) }

func refreshDuringAChange(t *testing.T) {
	w := open(t, newStore(t))
	w.create(t, domain.RoleAdmin, 0)
	revoked, id := w.create(t, domain.RoleEditor, 0)
	slow := slowList{w.Store, make(chan struct{})}
	w.Store = slow
	done := make(chan error)
	go func() { done <- w.Refresh(t.Context()) }()
	synctest.Wait()
	if _, err := w.Revoke(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	made, _ := w.create(t, domain.RoleViewer, 0)
	close(slow.answer)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	w.wantOpens(t, revoked, false)
	w.wantOpens(t, made, true)
}
