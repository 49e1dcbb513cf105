package engine

import (
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/record"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// release admits fires that are due to their jobs and queues them.
func (r *runner) release(due []*run.Run) {
	now := r.now()
	send := due[:0]
	var entries []record.Entry
	for _, f := range due {
		switch r.admit(f) {
		case run.AdmitNot:
			f.Hold.Release()
		case run.AdmitSend:
			send = append(send, f)
		case run.AdmitSkip:
			fact := f.Result(domain.StatusSkipped, now, "the previous execution was still running (overlap SKIP)")
			entries = append(entries, record.Entry{Fact: fact, Run: f})
		case run.AdmitWait: // the job keeps it
		}
	}
	r.dispatch(send)
	r.recorder.Add(entries...)
}

// admit drops what an edit has ended, keeps what an edit under way may end,
// applies the overlap policy, and enters what is to be sent into its job.
func (r *runner) admit(f *run.Run) run.Admission {
	j := f.Job
	j.Mu.Lock()
	defer j.Mu.Unlock()
	switch {
	case f.At >= f.Ver.To.Load():
		return run.AdmitNot // staged before an edit that ended its version first
	case f.At >= j.ReadBacklog().EditFrom:
		a := j.OpenBacklog()
		a.AwaitEdit = append(a.AwaitEdit, f)
		return run.AdmitWait
	}
	verdict := run.DecideOverlap(f.Ver.Plan.Value().Overlap, j.Busy, len(j.ReadBacklog().Waiting) > 0)
	switch verdict {
	case run.AdmitSend:
		j.Enter(f)
	case run.AdmitWait:
		s := run.SpanOf(f)
		if j.KeepWaiting(s) {
			s.Hold.Release() // the first fire of the longer span holds W for all of it
			r.trim(j.LastWaiting())
		}
	case run.AdmitSkip, run.AdmitNot:
	}
	return verdict
}

// dispatch queues fires that have entered their jobs. Those for which the host
// has no room become spans.
func (r *runner) dispatch(fires []*run.Run) {
	if len(fires) == 0 {
		return
	}
	refused := r.dispatcher.Push(fires)
	if len(refused) == 0 {
		return
	}
	spans := make([]*run.Span, len(refused))
	for i, f := range refused {
		f.Job.Mu.Lock()
		f.Job.Leave(f)
		f.Job.Busy--
		f.Job.Mu.Unlock()
		spans[i] = run.SpanOf(f)
	}
	r.queueSpans(spans)
}

// queueSpans hands spans to their hosts. A span that became part of another
// one releases its hold: that one's first fire is older and holds W.
func (r *runner) queueSpans(spans []*run.Span) {
	for _, s := range r.dispatcher.PushSpans(spans) {
		s.Hold.Release()
	}
}

// releasePart is how many fires are admitted before they are queued.
const releasePart = 512
