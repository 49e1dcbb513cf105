package domain

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// The ids of executions are written into databases and sent to targets: they
// must never change. These were computed with Python's hashlib.
func TestExecutionIDGolden(t *testing.T) {
	t.Parallel()
	job := JobID(uuid.MustParse("0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"))
	for _, c := range []struct {
		job       JobID
		at, nonce int64
		want      string
	}{
		{job, 1_767_225_600_000, 0, "019b76da-a800-805b-bc36-8d6461d808f8"},
		{job, 1_767_225_600_001, 0, "019b76da-a801-8aed-8864-47457e9c3cdc"},
		{job, 1_767_225_600_000, 42, "019b76da-a800-8dcb-a341-b97d1c36b55d"},
		{JobID{}, 0, 0, "00000000-0000-8668-baad-f862bd776c8f"},
	} {
		if got := NewExecutionID(c.job, c.at, c.nonce).String(); got != c.want {
			t.Errorf("%s at %d, nonce %d: %s, want %s", c.job, c.at, c.nonce, got, c.want)
		}
		if got := (FireKey{c.job, c.at, c.nonce}).ID().String(); got != c.want {
			t.Errorf("by key: %s", got)
		}
	}
}

func TestExecutionIDProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var job, other JobID
		for i := range job {
			job[i], other[i] = rapid.Byte().Draw(t, "job"), rapid.Byte().Draw(t, "other")
		}
		at := rapid.Int64Range(0, 1<<48-1).Draw(t, "at")
		nonce := rapid.Int64().Draw(t, "nonce")
		id := NewExecutionID(job, at, nonce)
		u := uuid.UUID(id)
		if u.Version() != 8 || u.Variant() != uuid.RFC4122 {
			t.Fatalf("%s is version %d, %s", u, u.Version(), u.Variant())
		}
		if id.ScheduledAt() != at {
			t.Fatalf("%s starts with %d, want %d", u, id.ScheduledAt(), at)
		}
		if id != NewExecutionID(job, at, nonce) {
			t.Fatal("the same fire has two ids")
		}
		if job != other && id == NewExecutionID(other, at, nonce) || id == NewExecutionID(job, at, nonce+1) {
			t.Fatal("two fires have one id")
		}
		back, err := ParseExecutionID(id.String())
		if err != nil || back != id {
			t.Fatalf("%s comes back as %s: %v", id, back, err)
		}
	})
}

func TestNewJobID(t *testing.T) {
	t.Parallel()
	seen := make(map[JobID]bool)
	for i := range 1000 {
		ms := time.Date(2026, 3, 10, 12, 0, i, 5_000_000, time.UTC).UnixMilli()
		id := NewJobID(ms)
		u := uuid.UUID(id)
		if u.Version() != 7 || u.Variant() != uuid.RFC4122 || ExecutionID(id).ScheduledAt() != ms ||
			seen[id] || id.IsZero() {
			t.Fatalf("%s for %d", u, ms)
		}
		seen[id] = true
	}
	if !(JobID{}).IsZero() {
		t.Error("the zero id is not zero")
	}
}

// The ids of one import sort in its order, also beyond one millisecond's count.
func TestNewJobIDs(t *testing.T) {
	t.Parallel()
	const ms, n = 1_767_225_600_000, 3*4096 + 5
	ids := NewJobIDs(ms, n)
	for i, id := range ids {
		u := uuid.UUID(id)
		if u.Version() != 7 || u.Variant() != uuid.RFC4122 {
			t.Fatalf("%s is version %d, %s", u, u.Version(), u.Variant())
		}
		if i > 0 && bytes.Compare(ids[i-1][:], id[:]) >= 0 {
			t.Fatalf("id %d does not sort after the one before", i)
		}
		if at := ExecutionID(id).ScheduledAt(); at != ms+int64(i)/4096 {
			t.Fatalf("id %d is of %d", i, at)
		}
	}
	if len(ids) != n || len(NewJobIDs(ms, 0)) != 0 {
		t.Errorf("%d ids", len(ids))
	}
}

func TestNewNonce(t *testing.T) {
	t.Parallel()
	seen := make(map[int64]bool)
	for range 1000 {
		n := NewNonce()
		if n <= 0 || n >= 1<<48 || seen[n] {
			t.Fatalf("nonce %d", n)
		}
		seen[n] = true
	}
}

func TestParseIDs(t *testing.T) {
	t.Parallel()
	const good = "0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"
	for _, s := range []string{good, "0192F0C1-2D3E-7A4B-8C5D-6E7F80910A1B"} {
		if id, err := ParseJobID(s); err != nil || id.String() != good {
			t.Errorf("%s: %s, %v", s, id, err)
		}
	}
	for _, s := range []string{
		"", "7", good[:35], good + "0", "{" + good + "}", "urn:uuid:" + good, "0192f0c12d3e7a4b8c5d6e7f80910a1b",
		"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1g", "0192f0c1_2d3e_7a4b_8c5d_6e7f80910a1b", " " + good[1:],
	} {
		if _, err := ParseJobID(s); ErrorCode(err) != CodeInvalid {
			t.Errorf("%q as a job: %v", s, err)
		}
		if _, err := ParseExecutionID(s); ErrorCode(err) != CodeInvalid {
			t.Errorf("%q as an execution: %v", s, err)
		}
	}
}

func TestIDsAsText(t *testing.T) {
	t.Parallel()
	type doc struct {
		Job JobID
		Run ExecutionID
	}
	in := doc{NewJobID(5), NewExecutionID(JobID{1}, 2, 3)}
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out doc
	if err := json.Unmarshal(text, &out); err != nil || out != in {
		t.Errorf("%s: %+v, %v", text, out, err)
	}
	if err := json.Unmarshal([]byte(`{"Job":"x"}`), &out); err == nil || out != in {
		t.Errorf("a wrong id: %v, and the target is %+v", err, out)
	}
	if err := json.Unmarshal([]byte(`{"Run":"x"}`), &out); err == nil {
		t.Error("a wrong execution id was taken")
	}
}

// Slots are spread over the whole range, and stay.
func TestSlot(t *testing.T) {
	t.Parallel()
	var quarters [4]int
	for i := range 4000 {
		quarters[JobID{14: byte(i >> 8), 15: byte(i)}.Slot()>>14]++
	}
	for i, n := range quarters {
		if n < 850 || n > 1150 {
			t.Errorf("quarter %d holds %d of 4000 jobs", i, n)
		}
	}
	if got := (JobID{}).Slot(); got != 14151 {
		t.Errorf("slot %d, want %d", got, 14151)
	}
}
