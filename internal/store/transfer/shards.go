package transfer

import "github.com/belfry-scheduler/belfry/internal/store"

// slots is what the shards of a database divide: see [domain.JobID.Shard].
const slots = 1 << 16

// Spread returns the shards of a database of n shards that gets the jobs of another one. A shard
// goes on where the last one has ended of those that its jobs come from: W is the least of
// theirs and H the greatest, so that each fire that may have no record is looked for, and each
// that may have been sent counts as such. It is clean if all of them are.
func Spread(from []store.Shard, n int) []store.Shard {
	to := make([]store.Shard, n)
	for i := range to {
		sh := &to[i]
		first := true
		for j := range from {
			f := &from[j]
			if !overlap(i, n, f.Number, len(from)) {
				continue
			}
			if first {
				*sh = store.Shard{Horizon: f.Horizon, Watermark: f.Watermark, Clean: true}
				first = false
			}
			sh.Horizon, sh.Watermark = max(sh.Horizon, f.Horizon), min(sh.Watermark, f.Watermark)
			sh.Epoch = max(sh.Epoch, f.Epoch)
			sh.Clean = sh.Clean && f.Clean
		}
		sh.Number = i
	}
	return to
}

// overlap reports whether shard a of n and shard b of m have slots in common.
func overlap(a, n, b, m int) bool {
	return start(a, n) < start(b+1, m) && start(b, m) < start(a+1, n)
}

// start returns the first slot of a shard of n.
func start(a, n int) int { return (a*slots + n - 1) / n }
