package store

import "github.com/belfry-scheduler/belfry/internal/domain"

// Lease tells one ownership of a shard from every other.
type Lease struct {
	Epoch int64
	Token int64
}

// Shard is the state of a shard after Claim or Beat, or at Peek.
type Shard struct {
	Number int
	Lease
	Node      int64 // the process that owns it, or was the last to own it; zero: none
	Horizon   int64 // H: no scheduled fire beyond it is sent
	Watermark int64 // W: every fire at or before it has its outcome on record or an open run
	Clock     int64 // the store's clock during the call
	Revision  int64 // grows with every edit that was made without the owner
	Applied   int64 // the revision that the owner had loaded at its last beat
	Clean     bool  // after Claim and at Peek: it was free, and nothing of it is uncertain
}

// Beat is how far the owner of a shard has come.
type Beat struct {
	Number int // of the shard
	Lease
	Watermark int64 // w: every fire of the shard at or before it is on record or has an open run
	Clock     int64 // the owner's, Unix milliseconds
	Last      Progress
}

// Progress is what the owner of a shard knows of its row: by the last answer to a claim or a
// beat whose edits it has loaded.
type Progress struct {
	Horizon, Watermark, Revision int64
}

// LeastWatermark returns the instant up to which the fires of all shards are on
// record or have open runs.
func LeastWatermark(all []Shard) int64 {
	least := domain.Forever
	for _, sh := range all {
		least = min(least, sh.Watermark)
	}
	return least
}

// Progress returns what the answer to a claim or a beat tells its owner.
func (sh *Shard) Progress() Progress { return Progress{sh.Horizon, sh.Watermark, sh.Revision} }

// ClockSlack is how far the store's clock may be ahead of the clock of a node that beats, in
// milliseconds: see [Shard.Renew].
const ClockSlack = 1_000

// Claim names a shard that a process wants to own.
type Claim struct {
	Number int
	// Seen is the row by which the caller has found that the owner is gone. A shard that
	// is free is taken whatever it says.
	Seen Seen
}

// Seen tells one state of a shard's row from another: each claim and each beat changes it.
type Seen struct {
	Lease
	Horizon int64
}

// Seen returns what tells this state of the row from another.
func (sh *Shard) Seen() Seen { return Seen{sh.Lease, sh.Horizon} }

// ClaimsOf returns claims of shards whose owners are gone as far as the caller knows.
func ClaimsOf(shards []Shard) []Claim {
	claims := make([]Claim, len(shards))
	for i := range shards {
		claims[i] = Claim{shards[i].Number, shards[i].Seen()}
	}
	return claims
}

// Grants reports whether a claim of the shard succeeds: it is free, or its row is what the
// caller has seen, so that of two processes that saw the same one wins.
func (sh *Shard) Grants(c Claim) bool { return sh.Clean || sh.Seen() == c.Seen }

// Holds reports whether the lease is the shard's and was not released.
func (sh *Shard) Holds(lease Lease) bool { return sh.Lease == lease && !sh.Clean }

// Renew moves H and W by a beat, and reports whether the lease holds. It does not where the
// row is behind what the owner knows either: the database has lost commits.
//
// H follows the earlier one of the store's clock, which is sh.Clock, and the node's plus the
// slack: H never goes back, and one wrong step of the store's clock must not carry it away.
func (sh *Shard) Renew(b *Beat, ahead int64) bool {
	last := &b.Last
	if !sh.Holds(b.Lease) || sh.Horizon < last.Horizon || sh.Watermark < last.Watermark ||
		sh.Revision < last.Revision {
		return false
	}
	sh.Horizon = max(sh.Horizon, min(sh.Clock, b.Clock+ClockSlack)+ahead)
	sh.Advance(b, ahead)
	sh.Applied = last.Revision
	return true
}

// Advance moves W by a beat. While the owner has not loaded an edit, W stays where that edit
// may begin: see [EffectiveWithout].
func (sh *Shard) Advance(b *Beat, ahead int64) {
	w := min(b.Watermark, sh.Horizon)
	if sh.Revision > b.Last.Revision {
		w = min(w, b.Last.Horizon-ahead)
	}
	sh.Watermark = max(sh.Watermark, w)
}

// EffectiveWithout returns from when a change is valid that is made without the owner of the
// shard, in Unix milliseconds. What ends a version that may have fires up to H begins beyond H, up to
// which the owner may send by what it knows. What ends none begins after W, and after the clock of the
// last beat, which W does not pass before the owner has loaded the change. Both begin after
// the store's clock, not before the instant that is wanted, and after the version that they
// follow. Its EffectiveFrom is after, and activeFrom its [domain.ActiveFrom]: domain.Forever where there is none.
func EffectiveWithout(sh *Shard, activeFrom, wanted, after, ahead int64) int64 {
	from := max(sh.Watermark, sh.Horizon-ahead)
	if activeFrom <= sh.Horizon {
		from = sh.Horizon
	}
	return max(from, sh.Clock, wanted-1, after) + 1
}
