package api

import (
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/wire"
)

// TestCursorsWhileKeysAreReplaced: a server opens what another one has sealed with any of its keys,
// in whatever order it has them, and refuses what was sealed with a key that it lacks.
func TestCursorsWhileKeysAreReplaced(t *testing.T) {
	t.Parallel()
	before, next := []byte("the old cursor key with 32 bytes"), []byte("the new cursor key with 32 bytes")
	seals := func(keys ...[]byte) cursorSeals {
		cs, err := newCursorSeals(keys)
		if err != nil {
			t.Fatal(err)
		}
		return cs
	}
	const latest = 253_402_300_799_999 // the last millisecond of the year 9999
	id := domain.NewJobID(1)
	for name, c := range map[string]struct {
		by, to cursorSeals
		ends   bool
	}{
		"one key":           {seals(before), seals(before), false},
		"a second key":      {seals(before), seals(before, next), false},
		"the other first":   {seals(before, next), seals(next, before), false},
		"and the other way": {seals(next, before), seals(before, next), false},
		"retired":           {seals(next, before), seals(next), false},
		"with a retired":    {seals(before, next), seals(next), true},
		"random":            {seals(), seals(), true},
	} {
		for _, list := range []wire.CursorList{wire.CursorExecutions, wire.CursorAlerts} {
			for _, at := range []int64{0, 1, latest} {
				want := wire.Cursor{List: list, At: at, Job: id, Nonce: 7}
				sent, err := wire.ParseCursor(list, c.by.sealed(want))
				if err != nil || sent.Job == id {
					t.Fatalf("%s: %+v, %v", name, sent, err)
				}
				got, err := c.to.opened(sent)
				if (err != nil) != c.ends || !c.ends && got != want {
					t.Errorf("%s: %+v, want %+v: %v", name, got, want, err)
				}
			}
		}
		for _, text := range []string{"", "canary", strings.Repeat("é", 100), strings.Repeat("😀", 100)} {
			want := wire.Cursor{List: wire.CursorNames, Job: id, Name: text}
			sent, err := wire.ParseCursor(wire.CursorNames, c.by.sealed(want))
			if err != nil || sent.Job == id || strings.Contains(sent.Name, "canary") {
				t.Fatalf("%s: %+v, %v", name, sent, err)
			}
			got, err := c.to.opened(sent)
			if (err != nil) != c.ends || !c.ends && got != want {
				t.Errorf("%s: %+v, want %+v: %v", name, got, want, err)
			}
			if sent.Name = sent.Name[1:]; !c.ends {
				if _, err := c.to.opened(sent); err == nil {
					t.Errorf("%s: a changed name was taken", name)
				}
			}
		}
		sent, err := wire.ParseCursor(wire.CursorJobs, c.by.sealedJob(id))
		if err != nil || sent.Job == id {
			t.Fatalf("%s: %+v, %v", name, sent, err)
		}
		if got, err := c.to.openedJob(sent); (err != nil) != c.ends || !c.ends && got != id {
			t.Errorf("%s: job %v, %v", name, got, err)
		}
	}
	start := wire.Cursor{List: wire.CursorExecutions}
	if got, err := seals(before).opened(start); err != nil || got != start {
		t.Errorf("the start of a list: %+v, %v", got, err)
	}
	unmarked := wire.Cursor{List: wire.CursorExecutions, At: latest, Job: id}
	cs := seals(before, next)
	cs[0].block.Encrypt(unmarked.Job[:], unmarked.Job[:])
	if got, err := cs.opened(unmarked); err != nil || got.Job != id || got.At != latest {
		t.Errorf("a cursor without a mark: %+v, %v", got, err)
	}
	if _, err := newCursorSeals([][]byte{before[:7]}); err == nil {
		t.Error("a short key is accepted")
	}
}
