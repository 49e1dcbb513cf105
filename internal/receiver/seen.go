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

// seen remembers which attempts of which executions have arrived. It is a set-associative
// table of fingerprints, in which a new entry replaces the oldest one of its bucket. The
// probability that an execution is mistaken for another one is 8 in 2^48 per request.
type seen struct {
	executions, retries, duplicates atomic.Int64

	buckets [][seenWays]seenEntry
	locks   [seenLocks]sync.Mutex
}

// seenEntry has a fingerprint in its upper 48 bits and a set of attempts in the lower
// ones: bit n-1 is attempt n, and the last bit is every attempt from the 16th on. Zero is
// an empty entry, because every other entry has an attempt.
type seenEntry uint64

const (
	attemptBits = 16
	attemptMask = 1<<attemptBits - 1
)

func newSeen(buckets int) *seen {
	return &seen{buckets: make([][seenWays]seenEntry, buckets)}
}

// add counts an attempt. The fingerprint and the bucket are bits of the hash in the id:
// the fingerprint is bytes 10 to 15, the bucket is taken from bytes 7 to 9, which contain
// little besides the hash. See [domain.NewExecutionID].
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
