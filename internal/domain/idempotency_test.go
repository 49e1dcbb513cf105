package domain

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestIdempotencyKeys(t *testing.T) {
	seen := map[IdempotencyKey][3]string{}
	for _, parts := range [][3]string{{"a", "b", "c"}, {"ab", "", "c"}, {"a", "bc", ""}, {"", "ab", "c"},
		{"a", "b", "d"}} {
		key := NewIdempotencyKey(parts[0], parts[1], parts[2])
		if other, known := seen[key]; known {
			t.Errorf("%q and %q have one key", parts, other)
		}
		seen[key] = parts
		if NewIdempotencyKey(parts[0], parts[1], parts[2]) != key {
			t.Errorf("%q has two keys", parts)
		}
	}
}

// TestReplaces is the truth table of what becomes of a record whose key is kept already.
func TestReplaces(t *testing.T) {
	const at = 1_767_225_600_000
	age := IdempotencyAge.Milliseconds()
	base := IdempotencyRecord{Caller: "env", At: at, JobID: JobID{1}}
	state := func(items int, done bool) IdempotencyRecord {
		return IdempotencyRecord{Caller: "env", At: at, Import: ImportState{Items: items, Done: done}}
	}
	alter := func(fn func(*IdempotencyRecord)) IdempotencyRecord {
		r := base
		fn(&r)
		return r
	}
	for name, c := range map[string]struct {
		is, old  IdempotencyRecord
		want     bool
		conflict bool
	}{
		"a repeat":         {base, base, false, false},
		"read with more":   {base, alter(func(r *IdempotencyRecord) { r.Version = new(Version) }), false, false},
		"of another job":   {alter(func(r *IdempotencyRecord) { r.JobID = JobID{2} }), base, false, true},
		"of another time":  {alter(func(r *IdempotencyRecord) { r.At += age - 1 }), base, false, true},
		"the old one ends": {alter(func(r *IdempotencyRecord) { r.At += age }), base, true, false},
		"another request":  {alter(func(r *IdempotencyRecord) { r.Fingerprint[0]++ }), base, false, true},
		"no refusal is an empty one": {alter(func(r *IdempotencyRecord) { r.Refusal = []byte{} }), base,
			false, false},
		"an import goes on":         {state(2, false), state(1, false), true, false},
		"an import ends":            {state(2, true), state(2, false), true, false},
		"an import does not return": {state(1, false), state(2, false), false, false},
		"an import is repeated":     {state(2, false), state(2, false), false, false},
		"an import has ended":       {state(3, true), state(2, true), false, false},
	} {
		got, err := c.is.Replaces(&c.old)
		if got != c.want || (ErrorCode(err) == CodeConflict) != c.conflict {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// The limits are those of the comment, and one caller leaves room for others.
func TestIdempotencyLimits(t *testing.T) {
	if IdempotencyAge != 24*time.Hour || MaxCallerIdempotencyBytes/IdempotencyRecordBytes != 262_144 ||
		MaxIdempotencyBytes/IdempotencyRecordBytes != 1_048_576 || 4*MaxCallerIdempotencyBytes > MaxIdempotencyBytes {
		t.Error("the limits differ from their arithmetic")
	}
	for use, full := range map[IdempotencyUse]bool{
		{}: false, {MaxCallerIdempotencyBytes - 1, MaxIdempotencyBytes - 1}: false,
		{MaxCallerIdempotencyBytes, 0}: true, {0, MaxIdempotencyBytes}: true,
	} {
		if use.Full() != full {
			t.Errorf("%+v is full: %v", use, !full)
		}
	}
}

// The ids of an import sort like its items, are those of a UUIDv7, and are the same again.
func TestIdsOfAnImport(t *testing.T) {
	r := IdempotencyRecord{Key: NewIdempotencyKey("env", "", "a"), At: 1_767_225_600_000}
	other := r
	other.Key[0]++
	var last JobID
	for _, place := range []int{0, 1, 63, 64, 255, 256, 65_535, 65_536, 999_999} {
		id := r.JobOf(place)
		if u := uuid.UUID(id); u.Version() != 7 || u.Variant() != uuid.RFC4122 {
			t.Errorf("item %d: %s", place, id)
		}
		if bytes.Compare(id[:], last[:]) <= 0 || id != r.JobOf(place) || id == other.JobOf(place) ||
			!bytes.Equal(id[:6], []byte{0x01, 0x9b, 0x76, 0xda, 0xa8, 0x00}) {
			t.Errorf("item %d: %s after %s", place, id, last)
		}
		last = id
	}
}
