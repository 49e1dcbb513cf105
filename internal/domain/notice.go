package domain

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/google/uuid"
)

// GroupID identifies a group of alerts: a UUIDv8 that is derived, so that whoever makes the same again, after a
// crash or at another node, makes it under the same id.
type GroupID [16]byte

// NotificationID identifies a message about a group, in the same way.
type NotificationID [16]byte

// NewGroupID derives the id of a group from its rule, its key and the alert that opened it. The first 48 bits
// are the completion of the first failure.
func NewGroupID(rule, key string, by AlertKey, firstAt int64) GroupID {
	return GroupID(derivedID("group", firstAt, []byte(rule), []byte(key), by.JobID[:], number(by.OpenedAt),
		number(by.OpenedNonce)))
}

// NewNotificationID derives the id of the message number seq of a group to a channel, made at an instant.
func NewNotificationID(group GroupID, seq int64, channel string, at int64) NotificationID {
	return NotificationID(derivedID("notification", at, group[:], number(seq), []byte(channel)))
}

// NewDigestID derives the id of the digest of some messages, in any order, the first of which was made at an
// instant. It is none of their ids: who knows one of them does not know the others.
func NewDigestID(of []NotificationID, at int64) NotificationID {
	ids := slices.SortedFunc(slices.Values(of), func(a, b NotificationID) int { return bytes.Compare(a[:], b[:]) })
	parts := make([][]byte, len(ids))
	for i := range ids {
		parts[i] = ids[i][:]
	}
	return NotificationID(derivedID("digest", at, parts...))
}

// SubjectID derives the id that stands in groups for what is no job: a check, a server or a channel.
func SubjectID(name string) JobID { return JobID(derivedID("subject", 0, []byte(name))) }

// NewTestID returns the id of a message that tries a channel at an instant.
func NewTestID(at int64) NotificationID {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	return NotificationID(derivedID("test", at, random[:]))
}

// MadeAt returns the instant in the id: when the message was made, Unix milliseconds.
func (id NotificationID) MadeAt() int64 { return int64(binary.BigEndian.Uint64(id[:8]) >> 16) }

func number(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

// derivedID hashes parts, each with its length before it, into a UUIDv8 that starts with an instant.
func derivedID(what string, at int64, parts ...[]byte) (id [16]byte) {
	h := sha256.New()
	for _, p := range append(parts, []byte(what)) {
		h.Write(number(int64(len(p))))
		h.Write(p)
	}
	copy(id[6:], h.Sum(nil))
	putMillis(id[:], at)
	id[6] = 0x80 | id[6]&0x0f
	id[8] = 0x80 | id[8]&0x3f
	return id
}

func (id GroupID) String() string        { return uuid.UUID(id).String() }
func (id NotificationID) String() string { return uuid.UUID(id).String() }

// IsZero reports whether the id is unset.
func (id GroupID) IsZero() bool { return id == GroupID{} }

// IsZero reports whether the id is unset.
func (id NotificationID) IsZero() bool { return id == NotificationID{} }

// MarshalText implements [encoding.TextMarshaler].
func (id GroupID) MarshalText() ([]byte, error) { return uuid.UUID(id).MarshalText() }

// MarshalText implements [encoding.TextMarshaler].
func (id NotificationID) MarshalText() ([]byte, error) { return uuid.UUID(id).MarshalText() }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (id *GroupID) UnmarshalText(b []byte) error {
	got, err := parseUUID(string(b))
	*id = GroupID(got)
	return err
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (id *NotificationID) UnmarshalText(b []byte) error {
	got, err := parseUUID(string(b))
	*id = NotificationID(got)
	return err
}

// ParseGroupID reads an id under the same rule as [ParseJobID].
func ParseGroupID(s string) (GroupID, error) {
	id, err := parseUUID(s)
	return GroupID(id), err
}

// ParseNotificationID reads an id under the same rule as [ParseJobID].
func ParseNotificationID(s string) (NotificationID, error) {
	id, err := parseUUID(s)
	return NotificationID(id), err
}

// AlertKey names an alert: its job, and the failure that opened it.
type AlertKey struct {
	JobID       JobID
	OpenedAt    int64 // scheduled instant of the failure
	OpenedNonce int64
}

// AlertChange is the state of an alert that has changed since it was last read by those who tell of it.
type AlertChange struct {
	Alert
	OpenedAt, OpenedNonce int64 // of the failure that opened it
}

// Key names the alert.
func (c *AlertChange) Key() AlertKey { return AlertKey{c.JobID, c.OpenedAt, c.OpenedNonce} }

// Member is what a group has of the alert of one job: the state that was read last. A job is in one group of
// a rule at a time, and its next alert takes the place of the one before.
type Member struct {
	Rule        string
	Group       GroupID
	AlertKey          // JobID is part of the key of the row
	Count       int64 // failures that are counted in the group
	LastAt      int64 // of the latest failure, Unix milliseconds as all instants here
	RecoveredAt int64 // zero: it is open
	Withdrawn   bool  // ended since the job was paused or deleted
}

// Open reports whether the alert is counted among those that are open.
func (m *Member) Open() bool { return m.RecoveredAt == 0 }

// GroupState is how far people know of a group.
type GroupState string

// The states.
const (
	GroupWaiting      GroupState = "WAITING"      // nobody was told: others of the same cause may follow at once
	GroupOpen         GroupState = "OPEN"         // the channels know of it
	GroupAcknowledged GroupState = "ACKNOWLEDGED" // somebody looks after it: no message until it is worse or over
	GroupFlapping     GroupState = "FLAPPING"     // it recovers and fails in turn: no message until that ends
	GroupRecovered    GroupState = "RECOVERED"    // no alert of it is open: a failure soon after opens it again
	GroupClosed       GroupState = "CLOSED"       // it does not change any more
)

// GroupBy is what the alerts of a group have in common.
type GroupBy string

// What alerts are grouped by. A group of a host with one job is told as that of the job.
const (
	ByHost      GroupBy = "HOST"
	ByNamespace GroupBy = "NAMESPACE"
	ByJob       GroupBy = "JOB"
)

// Level is how bad a group is, for those who are told.
type Level string

// The levels.
const (
	LevelInfo     Level = "INFO"
	LevelWarning  Level = "WARNING"
	LevelCritical Level = "CRITICAL"
)

// GroupTold is what people were told of a group last.
type GroupTold struct {
	Seq      int64 `json:"seq,omitempty"` // number of the message; zero: there was none
	At       int64 `json:"at,omitempty"`
	Jobs     int   `json:"jobs,omitempty"`     // that failed then
	AllJobs  int   `json:"allJobs,omitempty"`  // that had failed since it began
	Failures int64 `json:"failures,omitempty"` // until then, or later where nobody is to be told of them
}

// Acknowledgement is who looks after a group.
type Acknowledgement struct {
	At   int64  `json:"at,omitempty"`
	By   Author `json:"by,omitzero"`
	Note string `json:"note,omitempty"`
	Jobs int    `json:"jobs,omitempty"` // that failed then
}

// QuietKind is why people are not told of a group for a while.
type QuietKind string

// The kinds.
const (
	QuietSilence QuietKind = "SILENCE"
	QuietWindow  QuietKind = "WINDOW"
)

// Quiet says by what people are not told of a group now, and until when.
type Quiet struct {
	Kind   QuietKind `json:"kind"`
	ID     string    `json:"id"`
	Reason string    `json:"reason"`
	By     Author    `json:"by"`
	Until  int64     `json:"until"` // Unix milliseconds
}

// GroupSample is an alert of a group that its messages show.
type GroupSample struct {
	JobID      JobID       `json:"jobId"`
	Name       string      `json:"name,omitempty"`
	Namespace  string      `json:"namespace,omitempty"`
	Target     string      `json:"target,omitempty"` // the host
	Execution  ExecutionID `json:"executionId"`
	HTTPStatus int         `json:"httpStatus,omitempty"`
	Error      string      `json:"error,omitempty"`
	Count      int64       `json:"count"` // failures in a row
	LastAt     int64       `json:"lastAt"`
	NextAt     int64       `json:"nextAt,omitempty"` // first fire after LastAt; zero: none is known
}

// GroupCounts say how many alerts a group is of.
type GroupCounts struct {
	Jobs      int   `json:"jobs"`    // whose alerts are open
	AllJobs   int   `json:"allJobs"` // whose alerts were open since it began
	Failures  int64 `json:"failures"`
	Withdrawn int   `json:"withdrawn,omitempty"` // jobs that were paused or deleted meanwhile
}

// Group is alerts that have one cause, as far as is known, and of which people are told together.
type Group struct {
	ID       GroupID       `json:"-"`
	Revision int64         `json:"-"` // of the row: zero, it is not stored
	State    GroupState    `json:"state"`
	Rule     string        `json:"rule"`
	By       GroupBy       `json:"by"`
	Key      string        `json:"key"`                 // the host, namespace or job
	Limit    string        `json:"namespace,omitempty"` // the only namespace of its jobs; empty: they are of any
	Level    Level         `json:"level"`
	When     ConditionKind `json:"when,omitempty"` // of its rule; empty: FAILURES

	Counts      GroupCounts   `json:"counts"`
	FirstAt     int64         `json:"firstAt"`               // the first failure
	LastAt      int64         `json:"lastAt"`                // the latest failure
	RecoveredAt int64         `json:"recoveredAt,omitempty"` // when the last alert of it ended; zero: one is open
	TurnedAt    int64         `json:"turnedAt"`              // when it opened or recovered last
	Reopened    int           `json:"reopened,omitempty"`    // how often it has failed again
	Samples     []GroupSample `json:"samples,omitempty"`

	Told  GroupTold       `json:"told,omitzero"`
	Ack   Acknowledgement `json:"ack,omitzero"`
	Quiet *Quiet          `json:"quiet,omitempty"` // nil: nothing keeps back what there is to tell
	DueAt int64           `json:"dueAt,omitempty"` // when it is to be decided on again; zero: when it changes
}

// NotificationState is what has become of a message.
type NotificationState string

// The states.
const (
	NotificationPending       NotificationState = "PENDING"
	NotificationDelivered     NotificationState = "DELIVERED"
	NotificationUndeliverable NotificationState = "UNDELIVERABLE" // it was tried for a day, or its channel is gone
	NotificationSuperseded    NotificationState = "SUPERSEDED"    // a later one of its group took its place
)

// Ended reports whether the message is not to be sent any more.
func (s NotificationState) Ended() bool { return s != NotificationPending }

// NotificationType is what a message says. The names are those of the webhooks.
type NotificationType string

// The types.
const (
	NoticeOpened    NotificationType = "alert.opened"
	NoticeUpdated   NotificationType = "alert.updated"
	NoticeRecovered NotificationType = "alert.recovered"
	NoticeDigest    NotificationType = "alert.digest" // of several groups, past the limit of a channel
	NoticeTest      NotificationType = "alert.test"
)

// Delivery is how far a message has come.
type Delivery struct {
	From     int64          `json:"from,omitempty"` // when it was to be sent again by hand; zero: when it was made
	Attempts int            `json:"attempts,omitempty"`
	LastAt   int64          `json:"lastAt,omitempty"`
	Error    string         `json:"error,omitempty"` // of the last attempt, without secrets
	EndedAt  int64          `json:"endedAt,omitempty"`
	Via      NotificationID `json:"via,omitzero"` // the digest that had it, or the message that took its place
}

// Notification is one message on its way to one channel.
type Notification struct {
	ID        NotificationID    `json:"-"`
	Channel   string            `json:"-"`
	Group     GroupID           `json:"-"`
	State     NotificationState `json:"-"`
	NextAt    int64             `json:"-"` // of the next attempt
	Type      NotificationType  `json:"type"`
	Seq       int64             `json:"seq"` // of the group
	CreatedAt int64             `json:"createdAt"`
	Delivery  Delivery          `json:"delivery,omitzero"`
	About     Group             `json:"about"` // the group as it was then
}
