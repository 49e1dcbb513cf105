package engine

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// liveLook is how many runs are looked at for a page of LiveList: with fewer, a page of one status
// among many of the other would end early too often.
const liveLook = 2_000

// LiveList returns a page of the executions of all jobs that have not ended and that the query
// selects, newest scheduled first. A page may end early, as those of [store.History] do.
//
// Each run that is queued or in flight is passed over once for its key, with the lock of its place
// held; of the newest ones the state is read.
func (e *Engine) LiveList(q store.ExecutionQuery) store.ExecutionPage {
	page := q.Collect()
	newest, more := newestRuns(e.runner, &q)
	for _, r := range newest {
		r.Job.Mu.Lock()
		x, live := r.Snapshot(), r.Entered
		r.Job.Mu.Unlock()
		if !live || !q.Selects(&x) { // it is on record, or was dropped
			continue
		}
		if page.Full() {
			return page.EndBefore()
		}
		page.Add(x)
	}
	if more {
		return page.EndAfter(newest[len(newest)-1].Key())
	}
	return page.End()
}

// newestRuns returns the newest runs whose keys the query may select, in order, and whether there
// are more of them.
func newestRuns(rn *runner, q *store.ExecutionQuery) ([]*run.Run, bool) {
	i := slices.IndexFunc(q.Statuses, func(s domain.Status) bool { return !s.Final() })
	if len(q.Statuses) > 0 && i < 0 {
		return nil, false
	}
	top, anyKey := q.Start(), *q
	anyKey.Retrying = nil // a key does not tell
	n := newest{most: max(q.Limit, liveLook), take: func(r *run.Run) bool {
		probe := domain.Execution{FireKey: r.Key()}
		if i >= 0 {
			probe.Status = q.Statuses[i]
		}
		return compareNewest(probe.FireKey, top) > 0 && anyKey.Selects(&probe) && q.Host.MatchesHost(r.Ver.Host)
	}}
	for _, find := range placesOf(rn) {
		find(n.add) // which matches none, so that all are looked at
	}
	n.trim()
	return n.runs, n.dropped
}

// newest keeps the newest of the runs that it is given.
type newest struct {
	most    int
	take    func(*run.Run) bool
	runs    []*run.Run
	full    bool           // runs that come after least are not wanted
	least   domain.FireKey // the oldest that was kept
	dropped bool
}

func (n *newest) add(r *run.Run) bool {
	if n.full && compareNewest(r.Key(), n.least) > 0 {
		n.dropped = n.dropped || n.take(r)
		return false
	}
	if n.take(r) {
		if n.runs = append(n.runs, r); len(n.runs) >= 2*n.most {
			n.trim()
		}
	}
	return false
}

func (n *newest) trim() {
	slices.SortFunc(n.runs, func(a, b *run.Run) int { return compareNewest(a.Key(), b.Key()) })
	n.runs = slices.CompactFunc(n.runs, func(a, b *run.Run) bool { return a.Key() == b.Key() })
	if len(n.runs) > n.most {
		n.runs, n.dropped = n.runs[:n.most], true
	}
	if len(n.runs) == n.most && n.most > 0 {
		n.full, n.least = true, n.runs[n.most-1].Key()
	}
}

// compareNewest is the order of lists of executions: scheduled at, job and nonce, all descending.
func compareNewest(a, b domain.FireKey) int {
	return cmp.Or(cmp.Compare(b.ScheduledAt, a.ScheduledAt), bytes.Compare(b.JobID[:], a.JobID[:]),
		cmp.Compare(b.Nonce, a.Nonce))
}
