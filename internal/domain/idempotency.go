package domain

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"reflect"
	"strings"
	"time"
)

// IdempotencyAge is how long a record is kept: a client that tries again does so within
// minutes, and one that was down overnight within a day.
const IdempotencyAge = 24 * time.Hour

// Limits of the records that are kept at a time. A record counts as IdempotencyRecordBytes,
// twice the 124 to 134 bytes that it took in a file with 600,000 of them: deletions leave
// pages partly empty. What a refusal says takes MaxRefusalBytes at most.
//
//	one caller   64 MiB / 256 bytes =   262,144 records, 3 a second over a day
//	all         256 MiB / 256 bytes = 1,048,576 records
//
// One caller can therefore not use up what is left for the others. Requests that are under
// way are not counted yet: as many as there are connections.
const (
	IdempotencyRecordBytes    = 256
	MaxRefusalBytes           = 4 << 10
	MaxIdempotencyBytes       = 256 << 20
	MaxCallerIdempotencyBytes = 64 << 20
)

// IdempotencyKey identifies a request of a caller that may come more than once: a hash of who
// asks and of the text that he has chosen. The text itself is not kept.
type IdempotencyKey [16]byte

// Fingerprint is a hash of what a request asks for.
type Fingerprint [16]byte

// NewIdempotencyKey returns the key of a text that a caller sends. Another caller with the
// same text has another key.
func NewIdempotencyKey(caller, namespace, text string) IdempotencyKey {
	return IdempotencyKey(hashOf([]byte(caller), []byte(namespace), []byte(text)))
}

// NewFingerprint returns the fingerprint of the parts of a request, in order.
func NewFingerprint(parts ...[]byte) Fingerprint { return Fingerprint(hashOf(parts...)) }

// hashOf returns the first half of a SHA-256 over parts, each with its length, so that no
// two lists of parts run into one.
func hashOf(parts ...[]byte) (half [16]byte) {
	h := sha256.New()
	var length [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(length[:], uint64(len(p)))
		_, _ = h.Write(length[:]) // a hash takes everything
		_, _ = h.Write(p)
	}
	copy(half[:], h.Sum(nil))
	return half
}

// ImportState says how far an import has come, whose jobs are stored in several commits.
type ImportState struct {
	Items  int         // that were read up to the last commit; zero: it is no import, or one of nothing
	Digest Fingerprint // of their texts
	Done   bool        // all of them were
}

// IdempotencyRecord is what is kept of a request with an Idempotency-Key, so that the
// request is carried out once however often it comes. It names what the request made; the
// answer is made of that again.
type IdempotencyRecord struct {
	Key         IdempotencyKey
	Caller      string // who asks, as in [Author]; his share of the limits
	Fingerprint Fingerprint
	At          int64 // of the first request, Unix milliseconds

	JobID     JobID       // that it made or triggered
	Execution ExecutionID // that it started
	KeyID     string      // of the API key that it made
	Operation OperationID // that it began
	Import    ImportState // how far an import has come

	// Refusal is the answer to a request that was refused for good, with its status.
	Status  int
	Refusal []byte

	Version *Version // of a record that was read: version 1 of the job that was made, if kept
	APIKey  *APIKey  // the same of the API key
}

// JobOf returns the id of the job that an import makes of the item at a place, counted from
// 0: a UUIDv7 of the instant of the first request. The twenty bits behind the version are the
// place, so that ids sort like the items; the rest is a hash of the key. An import that comes
// again gets the same ids.
func (r *IdempotencyRecord) JobOf(place int) JobID {
	var number [8]byte
	binary.BigEndian.PutUint64(number[:], uint64(place))
	hash := hashOf(r.Key[:], number[:])
	var id JobID
	copy(id[8:], hash[:])
	putMillis(id[:], r.At)
	id[6] = 0x70 | byte(place>>16)&0x0f
	id[7] = byte(place >> 8)
	id[8] = 0x80 | byte(place>>2)&0x3f
	id[9] = byte(place<<6) | id[9]&0x3f
	return id
}

// SilenceID returns the id of the silence that a request makes: another one for a request that comes after the record
// of the one before is too old.
func (r *IdempotencyRecord) SilenceID() string {
	var at [8]byte
	binary.BigEndian.PutUint64(at[:], uint64(r.At))
	hash := hashOf([]byte("silence"), r.Key[:], at[:])
	return SilenceIDOf(hash[:])
}

// SilenceIDOf returns the id of a silence that is made of bytes that nobody guesses, ten or more.
func SilenceIDOf(random []byte) string {
	return "s-" + strings.ToLower(base32.StdEncoding.EncodeToString(random[:10]))
}

// Bytes returns how much of the limits the record takes.
func (r *IdempotencyRecord) Bytes() int64 { return IdempotencyRecordBytes + int64(len(r.Refusal)) }

// Replaces decides what becomes of the record when one with the same key, old, is kept
// already. A repeat writes nothing, one that is too old gives way, an import goes on, and
// any other conflicts.
func (r *IdempotencyRecord) Replaces(old *IdempotencyRecord) (bool, error) {
	is, was := r.stored(), old.stored()
	is.Import, was.Import = ImportState{}, ImportState{}
	switch {
	case r.At-old.At >= IdempotencyAge.Milliseconds():
		return true, nil
	case reflect.DeepEqual(is, was):
		return r.Import.after(&old.Import), nil
	}
	return false, Conflict("a request with the same Idempotency-Key was carried out")
}

// after reports whether an import has come further.
func (s *ImportState) after(old *ImportState) bool {
	return !old.Done && (s.Items > old.Items || s.Done)
}

// stored returns the record without what is read with it.
func (r *IdempotencyRecord) stored() IdempotencyRecord {
	is := *r
	is.Version, is.APIKey = nil, nil
	if len(is.Refusal) == 0 {
		is.Refusal = nil
	}
	return is
}

// IdempotencyUse is how much the records that are kept take, in bytes of the limits.
type IdempotencyUse struct{ Caller, All int64 }

// Full reports whether no more records are taken of the caller, or of anybody.
func (u IdempotencyUse) Full() bool {
	return u.Caller >= MaxCallerIdempotencyBytes || u.All >= MaxIdempotencyBytes
}
