package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Keys stores the API keys, each by its hash, and which sessions were ended before their time.
// There are at most [domain.MaxKeys], and about [domain.MaxEndedSessions].
//
// Add and Revoke write an entry of the trail if their context has a change, and Add the
// record of an Idempotency-Key, as the methods of [Jobs] do.
type Keys interface {
	// Add inserts a key. A repeat with the same content succeeds; CodeConflict
	// when its id or its hash is another key's.
	Add(ctx context.Context, key domain.APIKey) error
	// Revoke ends a key at the instant. CodeNotFound: there is none with the
	// id, or it was revoked at another instant. CodeConflict: keepLast, and no other key
	// that is not revoked is an admin's without an expiry, but this one is. That is decided
	// in the transaction: of two handles that end the last two such keys, one is refused.
	Revoke(ctx context.Context, id string, at int64, keepLast bool) error
	// List returns the keys that are not revoked, oldest first.
	List(ctx context.Context) ([]domain.APIKey, error)
	// Used notes when keys were last used, by id. An older instant than the
	// one that is kept, and an id that is not known, change nothing.
	Used(ctx context.Context, at map[string]int64) error
	// EndSession notes that a session has ended, and drops those that have ended by themselves by
	// now. A repeat changes nothing. CodeConflict: as many as there may be are known.
	EndSession(ctx context.Context, session domain.EndedSession, now int64) error
	// EndedSessions returns the sessions that were ended, in the order of their ids.
	EndedSessions(ctx context.Context) ([]domain.EndedSession, error)
}

// Changes is the audit trail: who did what, and when. Entries about jobs
// and keys are written with what they tell of; see [WithChange]. Expire of
// [History] drops what is older than the history, in whole days.
type Changes interface {
	// Add writes an entry about what leaves no trace in this store by itself.
	// One with the same At and Nonce as another raises its Count, Times and
	// LastAt to its own, where these are greater, and changes nothing else.
	Add(ctx context.Context, change domain.Change) error
	// List returns entries, newest first, with the versions and keys that they
	// name as far as those are kept. Among those of one job is that of the import
	// that has made it, with the job and its first version.
	List(ctx context.Context, q ChangeQuery) ([]domain.Change, error)
}

// ChangeQuery selects entries of the trail in the order (At, Nonce) descending.
type ChangeQuery struct {
	BeforeAt    int64 // with BeforeNonce the entry after which to begin; zero: at the newest
	BeforeNonce int64
	From, To    int64 // of At, both inclusive, Unix milliseconds
	JobID       domain.JobID
	Operation   domain.OperationID // of an operation on many jobs; without JobID and RequestID
	RequestID   string             // empty: of any request; without JobID, since there is no index of both
	Limit       int
	MaxBytes    int  // of the page; zero: no bound
	MaxBody     int  // of a job's body of more bytes only the length is told: see [domain.Version.BodyCut]
	HashBodies  bool // and its SHA-256
}

type changeKey struct{}

// WithChange returns a context for one write of a job or a key. The store writes an
// entry of the trail with it: At, Nonce, By and RequestID come from the change, the other fields
// from the write. If the change has Action IMPORT, all jobs created with it make one
// entry, which counts them.
//
// The context carries the change because the API knows the author and the store makes
// the write. The engine, which is between them, does not need it.
func WithChange(ctx context.Context, change domain.Change) context.Context {
	return context.WithValue(ctx, changeKey{}, change)
}

// ChangeOf returns the change that a context has, and whether it has one.
func ChangeOf(ctx context.Context) (domain.Change, bool) {
	c, ok := ctx.Value(changeKey{}).(domain.Change)
	return c, ok
}

// ImportOf returns the instant and the nonce of the import's entry under which a job is created.
func ImportOf(ctx context.Context) (at, nonce int64, ok bool) {
	c, _ := ChangeOf(ctx)
	return c.At, c.Nonce, c.Action == domain.ActionImport
}

// HashOfBody returns the SHA-256 of a body in hexadecimal digits.
func HashOfBody(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// JobEntry completes a change with what one write of a job knows. The second
// result is false when there is none in the context.
func JobEntry(ctx context.Context, action domain.Action, id domain.JobID, number int) (domain.Change, bool) {
	c, ok := ChangeOf(ctx)
	c.Action, c.JobID, c.Version = action, id, number
	return c, ok
}

// KeyEntry is JobEntry for a write of a key.
func KeyEntry(ctx context.Context, action domain.Action, id string) (domain.Change, bool) {
	c, ok := ChangeOf(ctx)
	c.Action, c.KeyID = action, id
	return c, ok
}

// CreationEntry completes a change with the creation of n jobs, of which v is
// the first.
func CreationEntry(ctx context.Context, v *domain.Version, n int64) (domain.Change, bool) {
	c, ok := ChangeOf(ctx)
	if c.Action == domain.ActionImport || n > 1 {
		c.Action, c.Count = domain.ActionImport, n
	} else {
		c.Action, c.JobID, c.Version = domain.ActionCreate, v.JobID, v.Number
	}
	return c, ok
}

// OperationEntry returns the entry of an operation that begins. The second result is false when
// there is no change in the context.
func OperationEntry(ctx context.Context, o *domain.Operation) (domain.Change, bool) {
	_, ok := ChangeOf(ctx)
	return o.Entry(), ok
}

// CancelEntry completes a change with the request to cancel an operation.
func CancelEntry(ctx context.Context, id domain.OperationID) (domain.Change, bool) {
	c, ok := ChangeOf(ctx)
	c.Action, c.Operation = domain.ActionCancel, id
	return c, ok
}

// LastKey is the CodeConflict error about the only key that will always let an admin in.
func LastKey(id string) error {
	return domain.Conflict("%s is the last key of an admin that does not expire: make another one first", id)
}

// TooManyEnded is the CodeConflict error about a session that cannot be ended before its time.
func TooManyEnded() error {
	return domain.Conflict("%d sessions have ended before their time, as many as may be known: revoke the key of this "+
		"one to end it, or try again later", domain.MaxEndedSessions)
}

// NoKey is the CodeNotFound error about a key.
func NoKey(id string) error {
	return &domain.Error{Code: domain.CodeNotFound, Message: "key " + id + " does not exist"}
}
