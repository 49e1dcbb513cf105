package model

// beat extends the horizon, moves the watermark, and tells of edits.
func (p *cluster) beat(s *clusterState, emit func(step, *clusterState), i int) {
	if s.nodes[i].timeline != s.db.life {
		return // it inserts its facts again first
	}
	if !p.passes(s, i) {
		p.alter(s, emit, "has lost the shard: node", i, func(n *clusterState) { p.lose(n, i) })
		return
	}
	p.commit(s, emit, "beats: node", i, func(n *clusterState) {
		p.beatDatabase(n, i)
		me, db := &n.nodes[i], &n.db
		me.watermark = db.watermark
		if !p.useBeforeLoad {
			me.rev, me.edits = db.rev, db.edits // it loads these edits before it uses H
		}
		me.horizon, me.deadline, me.mode = db.horizon, n.now+horizon, owning
	})
	if s.faults > 0 && s.nodes[i].mode == owning {
		p.commit(s, emit, "beats, and does not hear of it: node", i, func(n *clusterState) {
			n.faults--
			p.beatDatabase(n, i)
		})
	}
	if p.useBeforeLoad && s.nodes[i].rev != s.db.rev {
		p.alter(s, emit, "loads the edits: node", i, func(n *clusterState) {
			n.nodes[i].rev, n.nodes[i].edits = n.db.rev, n.db.edits
		})
	}
}

// replay inserts the facts and open runs again that a node has written: the database has failed
// over. Decisions are inserted again by an owner alone.
func (p *cluster) replay(n *clusterState, i int) {
	me, db := &n.nodes[i], &n.db
	me.timeline = db.life
	for f := range me.runs {
		if db.fact[f] != none || p.ringOff && (me.runs[f] == recorded || me.runs[f] == judged) {
			continue
		}
		switch w := me.runs[f]; {
		case w == recorded && n.past[f].sent:
			p.putOutcome(n, f)
			db.runner[f] = 0
		case w == recorded && p.holds(n, i):
			p.putDecision(n, f, skipped)
		case w == judged && p.holds(n, i):
			p.putDecision(n, f, unknown)
			db.runner[f] = 0
		case (w == written || w == again && me.mode >= loaded && p.holds(n, i)) &&
			(db.runner[f] == 0 || !n.alive(db.runner[f])):
			db.runner[f] = me.life
		case w == written && db.runner[f] != 0 && db.runner[f] != me.life:
			me.runs[f] = flying
		case w == again && db.runner[f] != 0 && db.runner[f] != me.life && n.alive(db.runner[f]):
			me.runs[f] = known
		case w == again && me.mode >= loaded && !p.holds(n, i):
			me.runs[f] = nowhere // the claim was lost, too
		case db.runner[f] == me.life && w != written && w != again:
			db.runner[f] = noRunner // that it gave this up was lost
		}
	}
}

// beatDatabase is the database's part of a beat.
func (p *cluster) beatDatabase(n *clusterState, i int) {
	me, db := &n.nodes[i], &n.db
	w := p.proposal(n, i)
	clock := min(n.databaseClock(), p.nodeClock(n, i)+slack)
	if p.databaseAlone {
		clock = n.databaseClock()
	}
	db.horizon = max(db.horizon, clock+horizon)
	db.watermark = max(db.watermark, min(w, db.horizon))
	db.applied, db.touched = me.rev, n.now
}

// proposal returns the W that a node offers: up to it everything is on record, and no edit that
// it has not loaded can have a fire.
func (p *cluster) proposal(n *clusterState, i int) tick {
	me := &n.nodes[i]
	top := min(p.nodeClock(n, i), me.horizon-horizon)
	if p.uncapped {
		top = min(p.nodeClock(n, i), me.horizon)
	}
	if p.noHorizon {
		top = p.nodeClock(n, i)
	}
	w := me.watermark
	for w < top && p.mayPass(n, i, w+1) {
		w++
	}
	return w
}

// mayPass reports whether W may pass an instant.
func (p *cluster) mayPass(n *clusterState, i int, at tick) bool {
	me := &n.nodes[i]
	if at > p.last {
		return true
	}
	switch me.runs[at] {
	case known, recorded, judged, written, again: // the last two have an open run
		return true
	case flying:
		return p.factsLater
	case decided:
		return false
	}
	_, named := p.named(&me.edits, at)
	return !named
}

// lose makes a node forget the shard. Calls on their way go on, and their outcome is recorded.
func (p *cluster) lose(n *clusterState, i int) {
	me := &n.nodes[i]
	keep := me.runs
	*me = node{life: me.life, timeline: me.timeline}
	for f, w := range keep {
		if n.db.runner[f] == me.life && w != written && !p.runnerKept {
			n.db.runner[f] = noRunner // it waits for its next owner
		}
		if w == flying || w == written || w == recorded || w == judged || w == decided && p.decideUnfenced {
			me.runs[f] = w
		}
	}
}

// release hands the shard over: nothing new is sent, calls in flight get open runs, everything
// is on record; then the shard is free, and the next owner finds nothing uncertain.
func (p *cluster) release(s *clusterState, emit func(step, *clusterState), i int) {
	me := &s.nodes[i]
	if me.mode == owning {
		if s.releases > 0 {
			p.alter(s, emit, "sends nothing more: node", i, func(n *clusterState) {
				n.releases--
				n.nodes[i].mode = handedOver
			})
		}
		return
	}
	if me.timeline != s.db.life {
		return
	}
	if !p.passes(s, i) {
		p.alter(s, emit, "has lost the shard: node", i, func(n *clusterState) { p.lose(n, i) })
		return
	}
	p.commit(s, emit, "writes open runs, and releases the shard: node", i, func(n *clusterState) {
		me, db := &n.nodes[i], &n.db
		for f := 1; f <= int(p.last); f++ {
			if me.runs[f] == flying && !p.releaseFirst {
				p.writeOpen(n, i, f)
			}
			if me.runs[f] == decided {
				me.runs[f] = p.putOwnDecision(n, i, f)
			}
			if me.runs[f] == again { // not sent yet: the next owner does it
				db.runner[f] = noRunner
			}
		}
		db.watermark = max(db.watermark, min(p.proposal(n, i), db.horizon))
		db.owner, db.clean = 0, true
		p.lose(n, i)
	})
}

// noRunner marks an open run that nobody is carrying out.
const noRunner = 255

// remoteEdit stores an edit without the owner: beyond the horizon, up to which the owner may
// send by what it knows. A version that ends nothing may begin earlier, because W waits for a
// beat that has loaded it.
func (p *cluster) remoteEdit(s *clusterState, emit func(step, *clusterState)) {
	if p.byOwner || !p.moreEdits(s) {
		return
	}
	db := &s.db
	clock := s.databaseClock()
	from := max(db.horizon, clock) + 1
	if db.edits.versions == 0 || p.plan(db.edits.versions-1).stops {
		from = max(db.watermark, db.horizon-horizon, clock) + 1
	}
	if p.noHorizon {
		from = clock + 1
	}
	if db.edits.versions > 0 && !p.beforePause {
		from = max(from, db.edits.from[db.edits.versions-1]+1)
	}
	if from > p.last {
		return
	}
	p.commit(s, emit, "a node that does not own the shard stores edit", int(db.edits.versions), func(n *clusterState) {
		db := &n.db
		stops := p.plan(db.edits.versions).stops
		p.storeEdit(n, from)
		if stops {
			n.pause = pause{asked: true, rev: db.rev, epoch: db.epoch, answered: p.appliedUnwaited}
		}
	})
}

func (p *cluster) moreEdits(s *clusterState) bool {
	return int(s.db.edits.versions) < 1+len(p.job.edits) && (s.db.edits.versions > 0 || p.job.create)
}

func (p *cluster) storeEdit(n *clusterState, from tick) {
	db := &n.db
	db.edits.from[db.edits.versions] = from
	db.edits.versions++
	db.rev++
}

// answerStop answers a pause once nothing new can go out: the owner has applied it, another
// owner has read it, or the horizon has passed.
func (p *cluster) answerStop(s *clusterState, emit func(step, *clusterState)) {
	asked, db := &s.pause, &s.db
	if !asked.asked || asked.answered || db.rev < asked.rev {
		return
	}
	silent := s.databaseClock() > db.horizon && (s.now > db.touched+horizon || p.clockAnswers)
	if db.applied >= asked.rev && db.epoch == asked.epoch || db.epoch != asked.epoch || silent {
		p.alter(s, emit, "the pause is answered", -1, func(n *clusterState) { n.pause.answered = true })
	}
}

// ownerEdit is an edit by the owner: after what it has sent, at once, and only while the shard
// is its own.
func (p *cluster) ownerEdit(s *clusterState, emit func(step, *clusterState), i int) {
	me := &s.nodes[i]
	if !p.byOwner || !p.moreEdits(s) || s.db.rev != me.rev {
		return
	}
	if !p.passes(s, i) && !p.ownerUnfenced {
		return
	}
	from := max(p.nodeClock(s, i), me.released, me.watermark) + 1
	if from > p.last {
		return
	}
	p.commit(s, emit, "the owner stores edit", int(s.db.edits.versions), func(n *clusterState) {
		stops := p.plan(n.db.edits.versions).stops
		p.storeEdit(n, from)
		n.nodes[i].rev, n.nodes[i].edits = n.db.rev, n.db.edits
		if stops {
			n.pause = pause{asked: true, answered: true}
		}
	})
}
