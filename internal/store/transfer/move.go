package transfer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// State is what a copy has made of a database.
type State string

// The states of a database.
const (
	Ready   State = ""        // no copy is concerned with it
	Filling State = "FILLING" // a copy into it has not ended: nobody may start on it
	Moved   State = "MOVED"   // what it had is in another database: nobody may start on it
)

// Mark is what a database keeps of a copy. The zero value is that of one which is [Ready].
type Mark struct {
	State State
	Copy  string // which copy; both databases have the same
	Peer  string // the name of the other database
	Stamp string // of the source, when the copy began
	At    int64  // Unix milliseconds
}

// Refusal returns why a server may not start on a database with the mark, in one line, or nil.
func (m *Mark) Refusal(name string) error {
	at := time.UnixMilli(m.At).UTC().Format(time.RFC3339)
	switch m.State {
	case Filling:
		return domain.Unavailable(nil, "the copy of %s to %s, begun at %s, has not ended: run the same `belfry "+
			"copy` again, or use another database", m.Peer, name, at)
	case Moved:
		return domain.Unavailable(nil, "the jobs of %s were moved to %s at %s: start the server on that one; if "+
			"none has run there, `belfry copy --undo` takes this one back into use", name, m.Peer, at)
	case Ready:
	}
	return nil
}

// ErrChanged says that a server has run on the source of a copy meanwhile.
var ErrChanged = domain.Conflict("a server was started on it during the copy: stop it, and copy to an empty database")

// StampOf tells one state of a database from another: each start of a server on it, each beat
// and each change of a job without an owner makes a new one.
func StampOf(shards []store.Shard) string {
	sum := sha256.New()
	for i := range shards {
		sh := &shards[i]
		_, _ = fmt.Fprintln(sum, sh.Number, sh.Epoch, sh.Token, sh.Horizon, sh.Watermark, sh.Revision, sh.Clean)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// step is what a copy begins with.
type step int

const (
	begin    step = iota // the target is empty: mark it
	resume               // the target has a part of the source
	conclude             // the source is marked already: only the target is to be freed
)

// plan decides what a copy does with two databases. empty says that the target has no rows.
func plan(from, to *Mark, stamp string, empty bool) (step, error) {
	switch {
	case to.State == Moved:
		return 0, domain.Conflict("the target is not empty: its jobs were moved to %s", to.Peer)
	case from.State == Filling:
		return 0, domain.Conflict("the source is incomplete: a copy of %s into it has not ended", from.Peer)
	case from.State == Moved && to.State == Filling && from.Copy == to.Copy:
		return conclude, nil
	case from.State == Moved:
		return 0, domain.Conflict("the source was moved to %s already", from.Peer)
	case to.State == Filling && to.Stamp == stamp:
		return resume, nil
	case to.State == Filling:
		return 0, domain.Conflict("the target has a part of another database, or of this one before a server has " +
			"run on it again: use an empty one")
	case !empty:
		return 0, domain.Conflict("the target is not empty")
	}
	return begin, nil
}
