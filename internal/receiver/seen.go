package receiver

import (
	"encoding/binary"
	"sync"
	"sync/atomic"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

const (
	seenBuckets = 1 << 18 // 2 million executions in 16 MiB
	seenWays    = 8       // entries of a bucket: one cache line
	seenLocks   = 256
)

// seen remembers which attempts of which executions came: a set-associative
// table of fingerprints, in which a new entry takes the place of the oldest in
// its bucket. Two executions are mistaken for each other with a probability of
// 8 in 2^48 per request.
type seen struct {
	executions, retries, duplicates atomic.Int64

	buckets [][seenWays]seenEntry
	locks   [seenLocks]sync.Mutex
}

// seenEntry is a fingerprint of 48 bits above a set of attempts: bit n-1 for
// attempt n, the last bit for all from the 16th on. Zero is an empty place: an
// entry has an attempt.
type seenEntry uint64

const (
	attemptBits = 16
	attemptMask = 1<<attemptBits - 1
)

func newSeen(buckets int) *seen {
	return &seen{buckets: make([][seenWays]seenEntry, buckets)}
}

// add counts an attempt. Fingerprint and bucket are bits of the hash in the
// id, from bytes 10 to 15 and from those that hold little else: see
// [domain.NewExecutionID].
func (s *seen) add(id domain.ExecutionID, attempt int) {
	fingerprint := seenEntry(binary.BigEndian.Uint64(id[8:])) << attemptBits
	bit := seenEntry(1) << (min(attempt, attemptBits) - 1)
	n := (int(id[8])<<16 | int(id[7])<<8 | int(id[9])) & (len(s.buckets) - 1)

	lock := &s.locks[n%seenLocks]
	lock.Lock()
	defer lock.Unlock()
	bucket := &s.buckets[n]
	for i, entry := range bucket {
		switch {
		case entry&^attemptMask != fingerprint || entry == 0:
			continue
		case entry&bit != 0 && attempt < attemptBits:
			s.duplicates.Add(1)
		default:
			s.retries.Add(1)
		}
		bucket[i] = entry | bit
		return
	}
	s.executions.Add(1)
	copy(bucket[1:], bucket[:seenWays-1])
	bucket[0] = fingerprint | bit
}
