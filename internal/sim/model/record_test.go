package model

// due reports whether an execution has something on its way to the store.
func (e *execution) due() bool {
	return e.phase == ended || e.phase == opening || e.rowDue
}

func (w *owner) backlog() bool {
	for i := range w.runs {
		if w.runs[i].due() {
			return true
		}
	}
	return false
}

// record is one commit of the recorder: everything that waits, facts first.
// The store takes it; or it takes all or the facts alone and reports an error;
// or it takes nothing, which is the same as if it had not been asked yet.
func (p *protocol) record(s *state, emit func(step, *state), o int) {
	w := &s.owners[o]
	if p.sweep && w.mode == running {
		for i := range w.runs {
			if e := &w.runs[i]; e.phase == calling && !e.rowDue && e.counted {
				p.alter(s, emit, "a call runs long:", i, func(n *state) { n.owners[o].runs[i].rowDue = true })
			}
		}
	}
	if w.mode < running || !w.backlog() {
		return
	}
	p.alter(s, emit, "commit results", o, func(n *state) {
		p.land(n, o, true)
		p.acknowledge(n, o)
	})
	if s.world.faults == 0 {
		return
	}
	p.alter(s, emit, "commit results, an error is reported,", o, func(n *state) {
		spend(&n.world.faults)
		p.land(n, o, true)
		if p.sendAfterError {
			p.sendAgain(n, o)
		}
	})
	p.alter(s, emit, "commit the facts, not the open runs,", o, func(n *state) {
		spend(&n.world.faults)
		p.land(n, o, false)
	})
}

// sendAgain is a mutant: it takes an error of the store for one of the target.
func (p *protocol) sendAgain(n *state, o int) {
	for i := range p.runs {
		if e := &n.owners[o].runs[i]; e.phase == ended {
			e.phase, e.result = queued, none
		}
	}
}

// land writes what waits to the store. Facts are insert-only, and an open run
// is ignored where a fact exists.
func (p *protocol) land(n *state, o int, runs bool) {
	for i := range n.owners[o].runs {
		e, row := &n.owners[o].runs[i], &n.ledger[i]
		if e.phase == ended {
			p.putFact(n, i, e.result, e.version, true)
		}
		if !runs || row.fact != none {
			continue
		}
		switch {
		case e.phase == opening:
			row.open = openRun{true, p.runs[i].trigger && e.attempts == 0, e.version, e.attempts, e.crashes, e.retryAt}
		case e.rowDue:
			row.open = openRun{true, e.phase == calling, e.version, e.attempts, e.crashes, e.retryAt}
		}
	}
}

// putFact inserts a fact: the first of a key stays.
func (p *protocol) putFact(n *state, i int, fact outcome, version uint8, wet bool) {
	row := &n.ledger[i]
	if row.fact != none && !p.replaceFacts {
		return
	}
	if row.fact != none && row.fact != fact {
		n.breaks(factChanged)
	}
	row.fact, row.factVersion, row.wet = fact, version, wet
}

// acknowledge is Engine.committed: what is durable holds W no longer.
func (p *protocol) acknowledge(n *state, o int) {
	w := &n.owners[o]
	for i := range w.runs {
		e, row := &w.runs[i], &n.ledger[i]
		if e.rowDue {
			e.rowDue, e.counted = false, false
			e.inFlight = e.phase == calling
		}
		switch e.phase {
		case ended:
			row.wet = p.unsyncedFacts
			n.past[i].mayRepeat = n.past[i].mayRepeat && p.two // the other owner may not have seen it
			row.open = openRun{}
			*e = execution{}
		case opening:
			e.counted = false
			e.phase = waiting
			if p.runs[i].trigger && e.attempts == 0 {
				e.phase = queued
				n.past[i].answered = true
			}
		}
	}
}

// beat is Engine.beatOnce: it offers the W that is true now, and learns H.
func (p *protocol) beat(s *state, emit func(step, *state), o int) {
	w := &s.owners[o]
	if w.mode != running && w.mode != stopping {
		return
	}
	if s.shard.epoch != w.epoch && !p.noFence {
		p.alter(s, emit, "a beat is refused: there is another owner; end", o, func(n *state) { p.lose(n, o) })
		return
	}
	if !w.beating {
		p.begun = *s
		p.beginBeat(&p.begun, o)
		if !p.useful(&p.begun, o) {
			return
		}
		if p.split {
			emit(step{"a beat begins", int8(o)}, &p.begun)
		} else {
			p.endBeat(&p.begun, emit, o)
		}
		return
	}
	p.endBeat(s, emit, o)
}

func (p *protocol) beginBeat(n *state, o int) {
	w := &n.owners[o]
	w.beating, w.beatW, w.beatWall = true, p.watermark(n, o), n.wall()
	if p.edited {
		w.proposed = max(w.proposed, w.beatW)
	}
}

// useful reports whether a beat that was begun would change anything.
func (p *protocol) useful(n *state, o int) bool {
	after := *n
	p.commitBeat(&after, o)
	w := &after.owners[o]
	return after.shard != n.shard || w.horizon != n.owners[o].horizon || w.sendUntil != n.owners[o].sendUntil
}

func (p *protocol) endBeat(s *state, emit func(step, *state), o int) {
	p.alter(s, emit, "beat", o, func(n *state) { p.commitBeat(n, o) })
	if s.world.faults == 0 {
		return
	}
	clearBeat := func(w *owner) { w.beating, w.beatW, w.beatWall = false, 0, 0 }
	p.alter(s, emit, "a beat that fails", o, func(n *state) {
		spend(&n.world.faults)
		clearBeat(&n.owners[o])
	})
	p.alter(s, emit, "a beat that commits and reports an error", o, func(n *state) {
		spend(&n.world.faults)
		p.moveShard(n, n.owners[o].beatW)
		clearBeat(&n.owners[o])
	})
}

func (p *protocol) commitBeat(n *state, o int) {
	w := &n.owners[o]
	p.moveShard(n, w.beatW)
	w.horizon = n.shard.horizon
	if p.lease {
		w.sendUntil = w.beatWall + horizon + p.grace
	}
	w.beating, w.beatW, w.beatWall = false, 0, 0
}

// moveShard is the store's part of a beat.
func (p *protocol) moveShard(n *state, w tick) {
	n.shard.horizon = max(n.shard.horizon, p.clock(n)+horizon)
	n.shard.watermark = max(n.shard.watermark, min(w, n.shard.horizon))
}

// watermark is keeper.proposeWatermarks: the latest W that is true now.
func (p *protocol) watermark(s *state, o int) tick {
	w := &s.owners[o]
	to := min(s.wall(), w.table) - 1
	for i := range w.runs {
		e := &w.runs[i]
		if e.counted && (e.phase != ended || !p.wBeforeFacts) {
			to = min(to, s.past[i].at-1)
		}
	}
	for j := range w.jobs {
		if w.jobs[j].edit != noEdit && !p.noFloor {
			to = min(to, w.jobs[j].from-1)
		}
	}
	return to
}
