package engine

import (
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/record"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// release admits fires that are due to their jobs and queues them.
func (rn *runner) release(due []*run.Run) {
	now := rn.now()
	send := due[:0]
	var entries []record.Entry
	for _, r := range due {
		fence := rn.shards.At(r.Job.Shard).Fence()
		switch rn.admit(r) {
		case run.AdmitNot:
			r.Hold.Release()
		case run.AdmitSend:
			send = append(send, r)
		case run.AdmitSkip:
			fact := r.Result(domain.StatusSkipped, now, "the previous execution was still running (overlap SKIP)")
			entries = append(entries, record.Entry{Fact: fact, Run: r, Fence: fence})
		case run.AdmitWait: // the job keeps it
		}
	}
	rn.dispatch(send)
	rn.recorder.Add(entries...)
}

// admit drops what an edit has ended, keeps what an edit under way may end,
// applies the overlap policy, and enters what is to be sent into its job.
func (rn *runner) admit(r *run.Run) run.Admission {
	j := r.Job
	j.Mu.Lock()
	defer j.Mu.Unlock()
	switch {
	case r.At >= r.Ver.To.Load(), j.Lost():
		return run.AdmitNot // staged before an edit that ended its version, or its shard was lost
	case r.At >= j.ReadBacklog().EditFrom:
		a := j.OpenBacklog()
		a.AwaitEdit = append(a.AwaitEdit, r)
		return run.AdmitWait
	}
	verdict := run.DecideOverlap(r.Ver.Plan.Value().Overlap, int(j.Busy), len(j.ReadBacklog().Waiting) > 0)
	switch verdict {
	case run.AdmitSend:
		j.Enter(r)
	case run.AdmitWait:
		s := run.SpanOf(r)
		if j.KeepWaiting(s) {
			s.Hold.Release() // the first fire of the longer span holds W for all of it
			rn.trim(j.LastWaiting(), 0)
		}
	case run.AdmitSkip, run.AdmitNot:
	}
	return verdict
}

// releasePart is how many fires are admitted before they are queued.
const releasePart = 512
