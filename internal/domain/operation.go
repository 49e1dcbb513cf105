package domain

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of operations on many jobs.
const (
	// MaxOperationJobs bounds what an operation matches: a row of some 40 bytes for each is
	// 80 MB.
	MaxOperationJobs = 2_000_000
	// MaxOpenOperations bounds those that have not ended, and MaxCallerOperations those of one
	// caller: they take turns, so that the last one would wait for all others.
	MaxOpenOperations   = 64
	MaxCallerOperations = 16
	// MaxOperationErrors is how many errors are kept with an operation, the first ones.
	MaxOperationErrors = 10
	maxOperationError  = 300 // bytes
)

// BulkAction is what an operation does with each job.
type BulkAction string

// The actions on many jobs.
const (
	BulkPause   BulkAction = "PAUSE"
	BulkResume  BulkAction = "RESUME"
	BulkTrigger BulkAction = "TRIGGER"
	BulkDelete  BulkAction = "DELETE"
	BulkTag     BulkAction = "TAG" // adds and removes tags
)

// BulkActions are all of them.
var BulkActions = []BulkAction{BulkPause, BulkResume, BulkTrigger, BulkDelete, BulkTag}

// JobFilter selects jobs as the parameters of a list do. A part that is zero selects every job.
type JobFilter struct {
	Active    *bool  `json:"isActive,omitempty"`
	Failing   *bool  `json:"failing,omitempty"` // whether it has an open alert of failures
	Namespace string `json:"namespace,omitempty"`
	Key       string `json:"key,omitempty"`
	Name      string `json:"name,omitempty"`
	Tag       string `json:"tag,omitempty"`
	Host      string `json:"host,omitempty"` // see [ParseHostFilter]
	Text      string `json:"text,omitempty"`
}

// String returns the filter as the parameters of a list, for the audit trail; "all": it selects
// every job.
func (f JobFilter) String() string {
	var b strings.Builder
	add := func(name, value string) {
		if value != "" {
			b.WriteString(" " + name + "=" + value)
		}
	}
	yes := func(p *bool) string {
		if p == nil {
			return ""
		}
		return strconv.FormatBool(*p)
	}
	add("isActive", yes(f.Active))
	add("failing", yes(f.Failing))
	add("namespace", f.Namespace)
	add("key", f.Key)
	add("name", f.Name)
	add("tag", f.Tag)
	add("host", f.Host)
	add("text", f.Text)
	if b.Len() == 0 {
		return "all"
	}
	return b.String()[1:]
}

// TagChange is which tags a job gets and loses.
type TagChange struct {
	Add    []string `json:"add,omitempty"`
	Remove []string `json:"remove,omitempty"`
}

// Validate returns a CodeInvalid error that names every wrong tag, or nil.
func (c *TagChange) Validate() error {
	var fe fieldErrors
	fe.requireAs(FieldRequired, len(c.Add)+len(c.Remove) > 0, "tags", "must name tags to add or to remove", nil)
	for _, part := range []struct {
		field string
		tags  []string
	}{{"tags.add", c.Add}, {"tags.remove", c.Remove}} {
		fe.requireAs(FieldLength, len(part.tags) <= MaxTags, part.field, tagsRule, len(part.tags))
		for i, tag := range part.tags {
			field := fmt.Sprintf("%s[%d]", part.field, i)
			fe.text(tag != "" && printable(tag), tag, MaxTagLength, field, tagRule, tag)
			fe.requireAs(FieldDuplicate, !slices.Contains(part.tags[:i], tag), field, "is there twice", tag)
		}
	}
	for i, tag := range c.Remove {
		fe.requireAs(FieldContradiction, !slices.Contains(c.Add, tag), fmt.Sprintf("tags.remove[%d]", i),
			"is to be added, too", tag)
	}
	return fe.err()
}

// Apply returns the tags of a job after the change, and whether they differ. The error is a
// CodeInvalid: there would be too many.
func (c *TagChange) Apply(tags []string) (next []string, changed bool, err error) {
	for _, tag := range tags {
		if !slices.Contains(c.Remove, tag) {
			next = append(next, tag)
		}
	}
	for _, tag := range c.Add {
		if !slices.Contains(next, tag) {
			next = append(next, tag)
		}
	}
	if len(next) > MaxTags {
		return tags, false, InvalidAs(FieldLength, "tags", tagsRule, len(next))
	}
	return next, !slices.Equal(next, tags), nil
}

// OperationState is how far an operation has come.
type OperationState string

// The states. An operation on jobs that are named one by one begins with RUNNING.
const (
	OperationMatching  OperationState = "MATCHING"  // the jobs are being written down
	OperationRunning   OperationState = "RUNNING"   // they are changed, one after the other
	OperationDone      OperationState = "DONE"      // each has been dealt with
	OperationCancelled OperationState = "CANCELLED" // by request; the rest of them is as it was
	OperationFailed    OperationState = "FAILED"    // it could not go on; the rest of them is as it was
)

// Ended reports whether the state is final.
func (s OperationState) Ended() bool { return s != OperationMatching && s != OperationRunning }

// OperationEvent is what happens to an operation.
type OperationEvent uint8

// The events.
const (
	AllMatched      OperationEvent = iota // every job that the filter selects is written down
	AllDealtWith                          // no job is pending
	CancelRequested                       // somebody wants it to end
	CannotGoOn                            // its author may not do that any more, or it is too large
)

// Next is the transition of an operation. The second result is false where the event does not
// happen in the state: it stays then.
func (s OperationState) Next(e OperationEvent) (OperationState, bool) {
	switch {
	case s.Ended():
	case e == CancelRequested:
		return OperationCancelled, true
	case e == CannotGoOn:
		return OperationFailed, true
	case s == OperationMatching && e == AllMatched:
		return OperationRunning, true
	case s == OperationRunning && e == AllDealtWith:
		return OperationDone, true
	}
	return s, false
}

// OperationCounts say what has become of the jobs of an operation. At its end Matched is the
// sum of the four after NotFound, unless it was cancelled or has failed.
type OperationCounts struct {
	Matched   int64 // jobs
	NotFound  int64 // ids of the request that are of no job; they are not among Matched
	Done      int64 // the action was carried out
	Unchanged int64 // the job was like that already
	Skipped   int64 // the job was deleted by somebody else before its turn
	Failed    int64 // the action was refused
}

// Pending returns how many jobs have not been dealt with.
func (c *OperationCounts) Pending() int64 {
	return c.Matched - c.Done - c.Unchanged - c.Skipped - c.Failed
}

// OperationError says why the action failed for a job.
type OperationError struct {
	JobID   JobID  `json:"jobId"`
	Message string `json:"message"`
}

// OperationProgress is where the work goes on after a crash.
type OperationProgress struct {
	// Matched is the job up to which the list of jobs was read.
	Matched JobID
	// StepAt is the instant of the step that is under way, in Unix milliseconds: the changes of
	// it may have been made. Zero: there is none. Entries of the trail and triggers of the step
	// have this instant, so that they are found again by it.
	StepAt int64
}

// Cancellation is who wanted an operation to end, and when.
type Cancellation struct {
	At int64 // Unix milliseconds; zero: nobody
	By Author
}

// Operation is one action on many jobs.
type Operation struct {
	ID        OperationID
	Action    BulkAction
	Tags      TagChange // of BulkTag
	Pause     Pause     // of BulkPause
	Named     int       // how many ids the request has; zero: it has a filter
	Filter    JobFilter
	Namespace string // the only one that its author sees; empty: all. No other job is matched

	By        Author
	Role      Role   // of the author, then
	RequestID string // of the request, as in the log
	CreatedAt int64  // Unix milliseconds, as all instants here

	State     OperationState
	Counts    OperationCounts
	Errors    []OperationError // the first ones
	Fault     string           // why it is FAILED
	MatchedAt int64            // when all jobs were matched; zero: not yet
	EndedAt   int64            // zero: not yet
	Progress  OperationProgress
	Cancelled Cancellation
}

// sizeOfOperation is about what an operation takes beside its texts.
const sizeOfOperation = 700

// Size returns about how many bytes the operation takes in memory. Pages are bounded by it.
func (o *Operation) Size() int {
	n := sizeOfOperation + len(o.Detail()) + len(o.Fault)
	for _, e := range o.Errors {
		n += len(e.JobID) + len(e.Message)
	}
	return n
}

// Note counts an error of a job, and keeps it if it is one of the first.
func (o *Operation) Note(job JobID, err error) {
	o.Counts.Failed++
	if len(o.Errors) >= MaxOperationErrors {
		return
	}
	message := err.Error()
	if len(message) > maxOperationError {
		message = strings.ToValidUTF8(message[:maxOperationError], "") + "…"
	}
	o.Errors = append(o.Errors, OperationError{job, message})
}

// Nonce returns the number that the entry of a job, and its trigger, have with the instant of
// their step; with the zero id that of the operation's own entry. It is never zero, and always
// the same, so that what is repeated after a crash is found.
func (o *Operation) Nonce(job JobID) int64 {
	var in [32]byte
	copy(in[:16], o.ID[:])
	copy(in[16:], job[:])
	sum := sha256.Sum256(in[:])
	return max(1, int64(binary.BigEndian.Uint64(sum[:8])>>16))
}

// Entry returns the entry of the audit trail about the operation itself.
func (o *Operation) Entry() Change {
	return Change{
		At: o.CreatedAt, Nonce: o.Nonce(JobID{}), By: o.By, Action: ActionBulk, RequestID: o.RequestID,
		Operation: o.ID, Count: o.Counts.Matched, Detail: o.Detail(),
	}
}

// PauseOf returns what is said of each pause; nil: nothing is.
func (o *Operation) PauseOf() *Pause {
	if o.Pause == (Pause{}) {
		return nil
	}
	return &o.Pause
}

// Detail says what the operation does, in one line.
func (o *Operation) Detail() string {
	what := string(o.Action)
	for _, tag := range o.Tags.Add {
		what += " +" + tag
	}
	for _, tag := range o.Tags.Remove {
		what += " -" + tag
	}
	if o.Pause.Until != 0 {
		what += " until " + time.UnixMilli(o.Pause.Until).UTC().Format(time.RFC3339)
	}
	if o.Pause.Reason != "" {
		what += " (" + o.Pause.Reason + ")"
	}
	if o.Named > 0 {
		return fmt.Sprintf("%s %d ids", what, o.Named)
	}
	return what + " " + o.Filter.String()
}

// Same reports whether another operation has the same request.
func (o *Operation) Same(other *Operation) bool {
	return o.ID == other.ID && o.CreatedAt == other.CreatedAt && o.By == other.By && o.Detail() == other.Detail()
}
