package domain

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestOperationTransitions is the truth table of the states of an operation.
func TestOperationTransitions(t *testing.T) {
	events := []OperationEvent{AllMatched, AllDealtWith, CancelRequested, CannotGoOn}
	for _, c := range []struct {
		state OperationState
		ended bool
		next  [4]OperationState // by event; empty: it does not happen
	}{
		{OperationMatching, false, [4]OperationState{OperationRunning, "", OperationCancelled, OperationFailed}},
		{OperationRunning, false, [4]OperationState{"", OperationDone, OperationCancelled, OperationFailed}},
		{OperationDone, true, [4]OperationState{}},
		{OperationCancelled, true, [4]OperationState{}},
		{OperationFailed, true, [4]OperationState{}},
	} {
		if c.state.Ended() != c.ended {
			t.Errorf("%s: ended %t", c.state, c.state.Ended())
		}
		for i, e := range events {
			next, happens := c.state.Next(e)
			want := c.next[i]
			if happens != (want != "") || happens && next != want || !happens && next != c.state {
				t.Errorf("%s after event %d: %s, %t; want %q", c.state, e, next, happens, want)
			}
		}
	}
}

func TestTagChange(t *testing.T) {
	many := make([]string, MaxTags)
	for i := range many {
		many[i] = strings.Repeat("x", i+1)
	}
	for _, c := range []struct {
		change     TagChange
		tags, want []string
		changed    bool
		refused    bool
	}{
		{TagChange{Add: []string{"b"}}, []string{"a"}, []string{"a", "b"}, true, false},
		{TagChange{Add: []string{"a"}}, []string{"a"}, []string{"a"}, false, false},
		{TagChange{Remove: []string{"a"}}, []string{"a", "b"}, []string{"b"}, true, false},
		{TagChange{Remove: []string{"a"}}, []string{"a"}, nil, true, false},
		{TagChange{Remove: []string{"c"}}, nil, nil, false, false},
		{TagChange{Add: []string{"c"}, Remove: []string{"a"}}, []string{"a", "b"}, []string{"b", "c"}, true, false},
		{TagChange{Add: []string{"new"}}, many, many, false, true},
		{TagChange{Add: []string{"new"}, Remove: many[:1]}, many, append(slices.Clone(many[1:]), "new"), true, false},
	} {
		got, changed, err := c.change.Apply(slices.Clone(c.tags))
		if !slices.Equal(got, c.want) || changed != c.changed || (ErrorCode(err) == CodeInvalid) != c.refused {
			t.Errorf("%+v of %v: %v, %t, %v", c.change, c.tags, got, changed, err)
		}
	}
	for fields, c := range map[string]TagChange{
		"tags":           {},
		"tags.add[1]":    {Add: []string{"a", ""}},
		"tags.remove[0]": {Add: []string{"a"}, Remove: []string{"a"}},
		"tags.add":       {Add: append(slices.Clone(many), "new")},
		"tags.remove[1]": {Remove: []string{"a", "a"}},
		"tags.add[0]":    {Add: []string{"a\x00"}},
		"":               {Add: []string{"a"}, Remove: []string{"b"}},
	} {
		var de *Error
		named := ""
		if errors.As(c.Validate(), &de) {
			named = de.Fields[0].Field
		}
		if named != fields {
			t.Errorf("%+v: names %q, want %q", c, named, fields)
		}
	}
}

func TestOperationDetail(t *testing.T) {
	yes, no := true, false
	for want, o := range map[string]Operation{
		"PAUSE all":    {Action: BulkPause},
		"DELETE 3 ids": {Action: BulkDelete, Named: 3},
		"TAG +a +b -c tag=x y": {Action: BulkTag, Filter: JobFilter{Tag: "x y"},
			Tags: TagChange{[]string{"a", "b"}, []string{"c"}}},
		"RESUME isActive=false": {Action: BulkResume, Filter: JobFilter{Active: &no}},
		"TRIGGER failing=true":  {Action: BulkTrigger, Filter: JobFilter{Failing: &yes}},
		"PAUSE namespace=n key=k name=m host=h text=t": {Action: BulkPause,
			Filter: JobFilter{Namespace: "n", Key: "k", Name: "m", Host: "h", Text: "t"}},
	} {
		if got := o.Detail(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// What a step has made is found again by its nonce, which is of the operation and the job.
func TestOperationNonce(t *testing.T) {
	a, b := Operation{ID: NewOperationID(1)}, Operation{ID: NewOperationID(1)}
	job := NewJobID(1)
	seen := map[int64]bool{}
	for _, n := range []int64{a.Nonce(job), a.Nonce(JobID{}), b.Nonce(job), a.Nonce(NewJobID(1))} {
		if n <= 0 || n >= 1<<48 || seen[n] {
			t.Errorf("nonce %d, after %v", n, seen)
		}
		seen[n] = true
	}
	if a.Nonce(job) != (&Operation{ID: a.ID, State: OperationDone}).Nonce(job) {
		t.Error("the nonce depends on more than the ids")
	}
}

func TestOperationNotesTheFirstErrors(t *testing.T) {
	var o Operation
	for i := range MaxOperationErrors + 3 {
		o.Note(JobID{byte(i)}, errors.New(strings.Repeat("ä", 400)))
	}
	if o.Counts.Failed != MaxOperationErrors+3 || len(o.Errors) != MaxOperationErrors ||
		o.Errors[1].JobID != (JobID{1}) || len(o.Errors[0].Message) > maxOperationError+3 ||
		!strings.HasSuffix(o.Errors[0].Message, "ä…") {
		t.Errorf("%d failed, errors %+v", o.Counts.Failed, o.Errors)
	}
	o.Counts = OperationCounts{Matched: 10, NotFound: 9, Done: 1, Unchanged: 2, Skipped: 3, Failed: 1}
	if n := o.Counts.Pending(); n != 3 {
		t.Errorf("%d pending, want 3", n)
	}
}
