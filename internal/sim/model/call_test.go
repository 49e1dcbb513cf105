package model

// calls sends what may be sent, and ends what is in flight.
func (p *protocol) calls(s *state, emit func(step, *state), o int) {
	w := &s.owners[o]
	if w.mode < running && (w.mode < flushed || !p.sendBeforeBeat) {
		return
	}
	for i := range p.runs {
		switch e := &w.runs[i]; {
		case e.phase == calling:
			p.answer(s, emit, o, i)
		case w.mode == closing, !p.leaseHolds(s, o):
		case e.phase == queued, e.phase == waiting && w.mode == running && e.retryAt <= s.wall():
			p.send(s, emit, o, i)
		}
	}
}

// refusal is why the send rule does not let a fire go: Engine.maySend.
type refusal uint8

const (
	goes      refusal = iota
	notMine           // its version ended before it: Engine.discard
	kept              // by an edit that commits
	stoppedBy         // the job was paused or deleted
	beyond            // H
)

func (p *protocol) maySend(s *state, o, i int) refusal {
	w, f := &s.owners[o], p.runs[i]
	e, job := &w.runs[i], &w.jobs[f.job]
	at := s.past[i].at
	fresh := !f.trigger && e.attempts == 0
	switch {
	case fresh && at >= p.memoryTo(s, o, f.job, e.version):
		return notMine
	case fresh && at >= job.hold:
		return kept
	case at < job.stop:
		return stoppedBy
	case !f.trigger && at > w.horizon && !p.clockIsEnough && !p.passesHorizon(w):
		return beyond
	}
	return goes
}

// passesHorizon reports whether a mutant sends whatever H is.
func (p *protocol) passesHorizon(w *owner) bool {
	return p.ignoreHorizon || p.sendBeforeBeat && w.mode == flushed
}

// leaseHolds is the first part of the send rule: nothing is sent once the wall
// clock is past H, or the last beat is too old.
func (p *protocol) leaseHolds(s *state, o int) bool {
	w := &s.owners[o]
	within := s.wall() <= w.horizon || p.graceBeyondH || p.passesHorizon(w)
	return within && (!p.lease || s.wall() <= w.sendUntil)
}

// memoryTo is where a version ends as far as the owner knows.
func (p *protocol) memoryTo(s *state, o, j int, version uint8) tick {
	job := &s.owners[o].jobs[j]
	switch {
	case version < job.version:
		return s.jobs[j].from[version+1]
	case !job.known:
		return s.jobs[j].deleted
	}
	return never
}

// send is one worker's Engine.maySend and the start of its call.
func (p *protocol) send(s *state, emit func(step, *state), o, i int) {
	switch p.maySend(s, o, i) {
	case notMine:
		p.alter(s, emit, "discard", i, func(n *state) { n.owners[o].runs[i] = execution{} })
	case kept:
		p.alter(s, emit, "keep for the edit", i, func(n *state) { n.owners[o].runs[i].phase = held })
	case stoppedBy:
		p.alter(s, emit, "turn away", i, func(n *state) {
			e := &n.owners[o].runs[i]
			e.phase, e.result = ended, failed
			if e.attempts == 0 {
				e.result = skipped
			}
		})
	case goes:
		p.alter(s, emit, "send", i, func(n *state) { p.request(n, o, i, true) })
		if s.world.fails > 0 {
			p.alter(s, emit, "send, and it does not arrive:", i, func(n *state) { p.request(n, o, i, false) })
		}
	}
}

// request is the step in which an owner sends a request. A law that it breaks is
// recorded, no matter which owner sends it.
func (p *protocol) request(n *state, o, i int, reached bool) {
	w, f := &n.owners[o], p.runs[i]
	e := &w.runs[i]
	p.judgeSend(n, o, i, reached)
	e.phase, e.reached = calling, reached
	past := &n.past[i]
	past.sent = true
	past.mayRepeat = false
	past.versions |= 1 << e.version
	past.id = past.at
	if p.idFromNow && !f.trigger {
		past.id = n.wall()
	}
	past.arrived = past.arrived || reached
}

// answer ends a call: runner.conclude.
func (p *protocol) answer(s *state, emit func(step, *state), o, i int) {
	e := &s.owners[o].runs[i]
	plan := &p.jobs[p.runs[i].job]
	if e.reached {
		p.alter(s, emit, "answer 200", i, func(n *state) { p.finish(n, o, i, success) })
		if s.world.fails > 0 {
			p.alter(s, emit, "answer 500, or none", i, func(n *state) { p.fail(n, o, i, true) })
		}
		return
	}
	p.alter(s, emit, "connection refused", i, func(n *state) { p.fail(n, o, i, false) })
	if plan.once {
		p.alter(s, emit, "time out", i, func(n *state) { p.fail(n, o, i, true) })
	}
}

// finish hands a fact to the recorder.
func (p *protocol) finish(n *state, o, i int, result outcome) {
	e := &n.owners[o].runs[i]
	e.phase, e.result = ended, result
}

// fail applies the retry policy to a failure: run.DecideEnding. maybe says that
// bytes may have reached the target.
func (p *protocol) fail(n *state, o, i int, maybe bool) {
	spend(&n.world.fails)
	e := &n.owners[o].runs[i]
	plan := &p.jobs[p.runs[i].job]
	n.past[i].mayRepeat = true
	e.reached = false
	switch failures := e.attempts + 1 - e.crashes; {
	case plan.once && maybe && !p.onceRetriesMaybe, failures > plan.retries:
		p.finish(n, o, i, failed)
		return
	}
	e.attempts++
	e.retryAt, e.inFlight, e.rowDue = min(n.wall()+1, p.lastWall()), false, false
	e.phase = opening
	if p.retryInMemory {
		e.phase, e.counted = waiting, false
	}
}
