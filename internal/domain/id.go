package domain

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"github.com/google/uuid"
)

// JobID identifies a job: a UUIDv7, so that ids sort by the time of creation.
type JobID [16]byte

// ExecutionID identifies an execution: a UUIDv8 that starts with the scheduled instant.
// See [NewExecutionID].
type ExecutionID [16]byte

// OperationID identifies an operation on many jobs: a UUIDv7, so that ids sort by the time of
// the request.
type OperationID [16]byte

// NewJobID returns a fresh UUIDv7 (RFC 9562, section 5.7) for the instant ms,
// in Unix milliseconds.
func NewJobID(ms int64) JobID {
	var id JobID
	_, _ = rand.Read(id[6:]) // never fails: crypto/rand aborts the process instead
	putMillis(id[:], ms)
	id[6] = 0x70 | id[6]&0x0f
	id[8] = 0x80 | id[8]&0x3f
	return id
}

// NewOperationID returns a fresh id for the instant ms, in Unix milliseconds.
func NewOperationID(ms int64) OperationID { return OperationID(NewJobID(ms)) }

// NewJobIDs returns n ids for the instant ms that sort in the order in which
// they are returned. The twelve bits after the instant are a counter (RFC 9562, section
// 6.2, method 1); if it overflows, it continues in the next millisecond. Ids of other
// calls may sort in between, but none is equal: 62 bits are random.
func NewJobIDs(ms int64, n int) []JobID {
	ids := make([]JobID, n)
	for i := range ids {
		ids[i] = NewJobID(ms + int64(i>>12))
		ids[i][6] = 0x70 | byte(i>>8)&0x0f
		ids[i][7] = byte(i)
	}
	return ids
}

// NewNonce returns a random number that is never zero. It distinguishes manual
// executions of one job in one millisecond; zero marks a scheduled execution.
func NewNonce() int64 {
	var b [8]byte
	for {
		_, _ = rand.Read(b[:])
		if n := int64(binary.BigEndian.Uint64(b[:]) >> 16); n != 0 {
			return n
		}
	}
}

// NewExecutionID derives the id of an execution from the job, the scheduled instant in
// Unix milliseconds, and the nonce of a manual execution (zero for a scheduled fire).
// The first 48 bits are the instant, the rest come from SHA-256 of all three, in the
// layout of a UUIDv8 (RFC 9562, section 5.8).
func NewExecutionID(job JobID, scheduledAt, nonce int64) ExecutionID {
	var in [32]byte
	copy(in[:16], job[:])
	binary.BigEndian.PutUint64(in[16:], uint64(scheduledAt))
	binary.BigEndian.PutUint64(in[24:], uint64(nonce))
	sum := sha256.Sum256(in[:])

	var id ExecutionID
	copy(id[6:], sum[:10])
	putMillis(id[:], scheduledAt)
	id[6] = 0x80 | id[6]&0x0f
	id[8] = 0x80 | id[8]&0x3f
	return id
}

// ScheduledAt returns the scheduled instant that the id starts with, in Unix
// milliseconds.
func (id ExecutionID) ScheduledAt() int64 {
	return int64(binary.BigEndian.Uint64(id[:8]) >> 16)
}

// Slot returns the job's slot, 0 to 65535: a shard is a range of slots.
func (id JobID) Slot() uint16 {
	sum := sha256.Sum256(id[:])
	return binary.BigEndian.Uint16(sum[:2])
}

// Shard returns the shard that the job belongs to, out of the given number. Shards are
// ranges of slots, so that doubling their number splits each of them in two.
func (id JobID) Shard(of int) int {
	if of <= 1 {
		return 0 // not worth the hash
	}
	return int(id.Slot()) * of >> 16
}

func (id JobID) String() string       { return uuid.UUID(id).String() }
func (id ExecutionID) String() string { return uuid.UUID(id).String() }
func (id OperationID) String() string { return uuid.UUID(id).String() }

// IsZero reports whether the id is unset.
func (id JobID) IsZero() bool { return id == JobID{} }

// IsZero reports whether the id is unset.
func (id OperationID) IsZero() bool { return id == OperationID{} }

// MarshalText implements [encoding.TextMarshaler].
func (id JobID) MarshalText() ([]byte, error) { return uuid.UUID(id).MarshalText() }

// MarshalText implements [encoding.TextMarshaler].
func (id ExecutionID) MarshalText() ([]byte, error) { return uuid.UUID(id).MarshalText() }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (id *JobID) UnmarshalText(b []byte) error {
	got, err := ParseJobID(string(b))
	if err == nil {
		*id = got
	}
	return err
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (id *ExecutionID) UnmarshalText(b []byte) error {
	got, err := ParseExecutionID(string(b))
	if err == nil {
		*id = got
	}
	return err
}

// ParseJobID reads an id in the usual form of 36 characters, in either case.
// Other spellings of a UUID (braces, urn:uuid:, no hyphens) are refused, so
// that one job has one address.
func ParseJobID(s string) (JobID, error) {
	id, err := parseUUID(s)
	return JobID(id), err
}

// ParseExecutionID reads an id under the same rule as [ParseJobID].
func ParseExecutionID(s string) (ExecutionID, error) {
	id, err := parseUUID(s)
	return ExecutionID(id), err
}

// ParseOperationID reads an id under the same rule as [ParseJobID].
func ParseOperationID(s string) (OperationID, error) {
	id, err := parseUUID(s)
	return OperationID(id), err
}

func parseUUID(s string) (uuid.UUID, error) {
	id, err := uuid.Parse(s)
	if err != nil || len(s) != 36 || strings.ToLower(s) != id.String() {
		return uuid.UUID{}, InvalidAs(FieldFormat, "id", "must be a UUID of 36 characters, as in "+
			"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b", s)
	}
	return id, nil
}

// putMillis writes the low 48 bits of ms to the first six bytes of b.
func putMillis(b []byte, ms int64) {
	var t [8]byte
	binary.BigEndian.PutUint64(t[:], uint64(ms)<<16)
	copy(b[:6], t[:6])
}
