package model

// next implements machine.
func (p *protocol) next(s *state, emit func(step, *state)) {
	p.time(s, emit)
	for o := range s.owners {
		if s.owners[o].mode == down {
			p.claim(s, emit, o)
			continue
		}
		p.recovery(s, emit, o)
		p.turn(s, emit, o)
		p.calls(s, emit, o)
		p.record(s, emit, o)
		p.beat(s, emit, o)
		p.edits(s, emit, o)
		p.trigger(s, emit, o)
		p.stop(s, emit, o)
		p.kill(s, emit, o)
	}
	p.cut(s, emit)
}

// time passes, and the wall clock is set.
func (p *protocol) time(s *state, emit func(step, *state)) {
	notice := func(n *state) { n.world.seen = max(n.world.seen, n.wall()) }
	if s.world.now < p.last {
		p.alter(s, emit, "a tick passes", -1, func(n *state) {
			n.world.now++
			notice(n)
		})
	}
	for _, by := range []tick{-1, 1} {
		if to := s.world.offset + by; s.world.steps > 0 && to >= -p.back && to <= p.ahead {
			name := "the wall clock is set back"
			if by > 0 {
				name = "the wall clock is set forward"
			}
			p.alter(s, emit, name, -1, func(n *state) {
				n.world.steps--
				n.world.offset = to
				notice(n)
			})
		}
	}
}

// turn is Engine.turn: it stages the seconds that have come, and releases what
// is due.
func (p *protocol) turn(s *state, emit func(step, *state), o int) {
	if s.owners[o].mode != running {
		return
	}
	p.alter(s, emit, "turn", o, func(n *state) {
		w := &n.owners[o]
		limit := min(n.wall()+1, w.horizon)
		if p.ignoreHorizon {
			limit = n.wall() + 1
		}
		for w.table <= limit {
			at := w.table
			w.table++
			for j := range p.jobs {
				if w.jobs[j].known && w.jobs[j].next == at {
					p.stage(n, o, j, min(n.wall(), w.horizon))
				}
			}
		}
		p.release(n, o)
	})
}

// stage is Engine.stage for one job: its next fire, or a span of all up
// to the given instant when it is overdue.
func (p *protocol) stage(n *state, o, j int, until tick) {
	job := &n.owners[o].jobs[j]
	if job.next >= n.wall()-lagLimit {
		p.stageFire(n, o, j)
		return
	}
	for first := true; first || job.next <= until; first = false {
		p.overdue(n, o, p.stageFire(n, o, j))
	}
}

// overdue applies the misfire policy to a fire that nobody could send in time:
// Engine.addLate.
func (p *protocol) overdue(n *state, o, i int) {
	w := &n.owners[o]
	if p.edited && !p.spanUnseen {
		w.released = max(w.released, p.runs[i].at)
	}
	e := &w.runs[i]
	e.phase = queued
	if p.jobs[p.runs[i].job].skip {
		e.phase, e.result = ended, missed
	}
}

// stageFire is Engine.stageFire. It returns the number of the execution.
func (p *protocol) stageFire(n *state, o, j int) int {
	w := &n.owners[o]
	job := &w.jobs[j]
	i := p.find(j, job.next)
	w.runs[i] = execution{phase: staged, version: job.version, counted: true}
	after := job.next
	if p.nextFromNow {
		after = max(after, n.wall())
	}
	job.next = p.nextAfter(j, job.version, n.jobs[j].from[job.version], after)
	return i
}

// release is due.Timetable.TakeDue and runner.admit: fires that are due and within
// the horizon are queued, or kept by an edit that commits.
func (p *protocol) release(n *state, o int) {
	w := &n.owners[o]
	limit := min(n.wall(), w.horizon)
	if p.ignoreHorizon {
		limit = n.wall()
	}
	if p.releaseEarly {
		limit = min(n.wall()+1, w.horizon)
	}
	for i, f := range p.runs {
		e, job := &w.runs[i], &w.jobs[f.job]
		if e.phase != staged || f.at > limit {
			continue
		}
		if p.edited {
			w.released = max(w.released, f.at)
		}
		if f.at >= job.hold {
			e.phase = held
			continue
		}
		e.phase = queued
	}
}
