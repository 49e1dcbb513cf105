package engine

import "sync"

// pendingSeconds counts, for each second, the fires scheduled in it whose
// outcome is not durable yet: staged, queued, in flight, in a span, or in a
// batch that is not acknowledged. The watermark stays below the first second
// that has any. An edit that commits holds its second in the same way.
type pendingSeconds struct {
	mu     sync.Mutex
	counts map[int64]int
}

func newPendingSeconds() *pendingSeconds {
	return &pendingSeconds{counts: make(map[int64]int)}
}

// add counts n more fires at the instant's second.
func (p *pendingSeconds) add(at int64, n int) {
	p.mu.Lock()
	p.counts[second(at)] += n
	p.mu.Unlock()
}

// done takes n fires off. A count below zero is a fault of the engine: the
// watermark could pass a fire that is not on record.
func (p *pendingSeconds) done(at int64, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := second(at)
	switch left := p.counts[s] - n; {
	case left > 0:
		p.counts[s] = left
	case left == 0:
		delete(p.counts, s)
	default:
		panic("engine: a fire was settled twice")
	}
}

// before returns the last instant before the first second that has pending
// fires, or the given instant if that is earlier.
func (p *pendingSeconds) before(instant int64) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	for s := range p.counts {
		instant = min(instant, s*1000-1)
	}
	return instant
}

// len returns how many seconds have pending fires.
func (p *pendingSeconds) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.counts)
}
