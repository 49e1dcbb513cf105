package engine

import (
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// dispatch queues fires that have entered their jobs. Those for which the host
// has no room become spans.
func (rn *runner) dispatch(fires []*run.Run) {
	if len(fires) == 0 {
		return
	}
	refused := rn.dispatcher.Push(fires)
	if len(refused) == 0 {
		return
	}
	spans := make([]*run.Span, len(refused))
	for i, r := range refused {
		r.Job.Mu.Lock()
		r.Job.Leave(r)
		r.Job.Busy--
		r.Job.Mu.Unlock()
		spans[i] = run.SpanOf(r)
	}
	rn.queueSpans(spans)
}

// queueSpans hands spans to their hosts. A span that became part of another
// one releases its hold: that one's first fire is older and holds W.
func (rn *runner) queueSpans(spans []*run.Span) {
	for _, s := range rn.dispatcher.PushSpans(spans) {
		s.Hold.Release()
	}
}

func (rn *runner) now() int64 { return clock.NowMs(rn.clock) }
