package executor

import (
	"container/heap"
	"time"
)

// simEvent is what happens at an instant of virtual time.
type simEvent struct {
	at  time.Duration
	seq int // of events at one instant the one that was planned first comes first
	fn  func()
}

type simEvents []simEvent

func (e simEvents) Len() int { return len(e) }
func (e simEvents) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].seq < e[j].seq
}
func (e simEvents) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *simEvents) Push(x any)   { *e = append(*e, x.(simEvent)) }
func (e *simEvents) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	(*e)[last].fn = nil
	*e = (*e)[:last]
	return x
}

// simClock is virtual time, and what is planned in it.
type simClock struct {
	now    time.Duration
	seq    int
	events simEvents
}

func (c *simClock) at(t time.Duration, fn func()) {
	c.seq++
	heap.Push(&c.events, simEvent{max(t, c.now), c.seq, fn})
}

func (c *simClock) after(d time.Duration, fn func()) { c.at(c.now+d, fn) }

// run lets everything happen until the instant.
func (c *simClock) run(until time.Duration) {
	for len(c.events) > 0 && c.events[0].at <= until {
		e := heap.Pop(&c.events).(simEvent)
		c.now = e.at
		e.fn()
	}
	c.now = until
}

// simJob is a piece of work, and what follows it.
type simJob struct {
	rest time.Duration
	fn   func()
}

// simProcessor has cores, on which jobs run in turns of at most a slice: the shorter it
// is, the more equal is what they get; the goroutines of one process have 10 ms.
type simProcessor struct {
	clock *simClock
	cores int
	slice time.Duration
	taken float64 // cores that other processes use: all jobs are slower by as much

	running int
	queue   []simJob
}

// use calls fn when the work is done.
func (p *simProcessor) use(work time.Duration, fn func()) {
	j := simJob{work, fn}
	if p.running >= p.cores {
		p.queue = append(p.queue, j)
		return
	}
	p.running++
	p.turn(j)
}

// turn lets a job run for a slice.
func (p *simProcessor) turn(j simJob) {
	part := min(j.rest, p.slice)
	j.rest -= part
	speed := 1 - p.taken/float64(p.cores)
	p.clock.after(time.Duration(float64(part)/speed), func() {
		if j.rest > 0 {
			p.queue = append(p.queue, j)
		}
		if len(p.queue) > 0 {
			next := p.queue[0]
			p.queue[0].fn = nil
			p.queue = p.queue[1:]
			p.turn(next)
		} else {
			p.running--
		}
		if j.rest <= 0 {
			j.fn()
		}
	})
}
