package model

// next implements machine.
func (p *cluster) next(s *clusterState, emit func(step, *clusterState)) {
	p.time(s, emit)
	p.remoteEdit(s, emit)
	p.answerStop(s, emit)
	for i := range s.nodes {
		switch s.nodes[i].mode {
		case without:
			p.claim(s, emit, i)
		case loading:
			p.recover(s, emit, i)
		case loaded:
			p.beat(s, emit, i)
		case owning:
			p.send(s, emit, i)
			p.decide(s, emit, i)
			p.takeOpen(s, emit, i)
			p.leaveRun(s, emit, i)
			p.beat(s, emit, i)
			p.ownerEdit(s, emit, i)
			p.release(s, emit, i)
		case handedOver:
			p.release(s, emit, i)
		}
		p.record(s, emit, i)
		p.crash(s, emit, i)
	}
	p.failover(s, emit)
}

// time passes, and the database's clock is set.
func (p *cluster) time(s *clusterState, emit func(step, *clusterState)) {
	if s.now < p.horizonOfTime() {
		p.alter(s, emit, "a tick passes", -1, func(n *clusterState) { n.now++ })
	}
	if s.steps > 0 {
		to := tick(0)
		if s.offset == 0 {
			to = p.stepTo
		}
		p.alter(s, emit, "the clock of the database is set", -1, func(n *clusterState) {
			n.steps--
			n.offset = to
		})
	}
}

// claim takes a shard that is free, or whose owner has not been heard of for as long as its
// horizon.
func (p *cluster) claim(s *clusterState, emit func(step, *clusterState), i int) {
	db := &s.db
	clock := s.databaseClock()
	if s.lives == maxNodes && s.tokens == 0 && i > 0 {
		return // the nodes are alike until the first claim
	}
	if db.owner != 0 && !p.claimEarly && (clock <= db.horizon || s.now <= db.touched+horizon) {
		return
	}
	if s.nodes[i].timeline != db.life {
		return // it inserts its facts again first
	}
	if db.owner == s.nodes[i].life || p.claimEarly && db.epoch > 1 {
		return
	}
	p.commit(s, emit, "claims the shard: node", i, func(n *clusterState) {
		me, db := &n.nodes[i], &n.db
		clean := db.clean
		n.tokens++
		if !clean {
			for f := range n.past {
				n.past[f].mayRepeat = n.past[f].mayRepeat || n.past[f].sent
			}
		}
		db.owner, db.epoch, db.token, db.clean, db.touched = me.life, db.epoch+1, n.tokens, false, n.now
		keep := me.runs // calls that are on their way
		*me = node{life: me.life, mode: loading, epoch: db.epoch, token: n.tokens, timeline: me.timeline, runs: keep}
		me.watermark, me.rev, me.edits = db.watermark, db.rev, db.edits
		p.readGap(n, i, clean)
	})
}

// readGap reads the record, as a recovery does with its claim.
func (p *cluster) readGap(n *clusterState, i int, clean bool) {
	me, db := &n.nodes[i], &n.db
	until := max(p.nodeClock(n, i), db.watermark)
	certain := db.horizon
	if clean || p.noHorizon {
		certain = db.watermark
	}
	for f := 1; f <= int(p.last); f++ {
		at := tick(f)
		if at > db.watermark && db.fact[f] != none {
			until = max(until, at)
		}
	}
	if p.othersFacts {
		until = max(until, p.others)
	}
	me.overdue, me.released = until, max(until, certain)
	if p.zeroIsNew && db.watermark == 0 {
		db.watermark, db.horizon = until, max(db.horizon, until)
		me.watermark = until
	}
	for f := 1; f <= int(p.last); f++ {
		me.runs[f] = p.judgeGap(n, i, f, certain)
	}
}

// judgeGap returns what becomes of a fire that a node finds when it has claimed the shard.
func (p *cluster) judgeGap(n *clusterState, i, f int, certain tick) where {
	me, db := &n.nodes[i], &n.db
	at := tick(f)
	_, named := p.named(&me.edits, at)
	onItsWay := me.runs[f] == flying || me.runs[f] == written
	switch {
	case onItsWay:
		return me.runs[f]
	case db.fact[f] != none:
		return known
	case db.runner[f] != 0 && n.alive(db.runner[f]) && !p.runnerIgnored:
		return known
	case db.runner[f] != 0:
		return again
	case !named || at <= me.watermark:
		return nowhere
	case at <= certain:
		return again
	}
	return nowhere
}

// taken reports whether a fire has a fact, or an open run of a process that lives.
func (s *clusterState) taken(f int) bool {
	return s.db.fact[f] != none || s.db.runner[f] != 0 && s.alive(s.db.runner[f])
}

// alive reports whether a process lives.
func (s *clusterState) alive(life uint8) bool {
	for i := range s.nodes {
		if s.nodes[i].life == life {
			return true
		}
	}
	return false
}

// recover makes the decisions about the gap durable: what may have been sent gets an open run
// before it is sent again, or is UNKNOWN.
func (p *cluster) recover(s *clusterState, emit func(step, *clusterState), i int) {
	if !p.holds(s, i) {
		p.alter(s, emit, "has lost the shard: node", i, func(n *clusterState) { p.lose(n, i) })
		return
	}
	p.commit(s, emit, "recovers the shard: node", i, func(n *clusterState) {
		me := &n.nodes[i]
		me.mode = loaded
		for f := 1; f <= int(p.last); f++ {
			if me.runs[f] != again {
				continue
			}
			if n.taken(f) && !p.blindUpsert && !p.runnerIgnored { // since it was read
				me.runs[f] = known
				continue
			}
			n.db.runner[f] = me.life
			if p.job.once || tick(f) < p.stoppedAt(&me.edits) {
				p.putDecision(n, f, unknown)
				n.db.runner[f] = 0
				me.runs[f] = judged
			}
		}
	})
}

// mayCall reports whether a node may send a fire now.
func (p *cluster) mayCall(s *clusterState, i, f int) bool {
	me := &s.nodes[i]
	at := tick(f)
	switch {
	case at > p.nodeClock(s, i) && at > me.overdue:
		return false
	case at > me.horizon && !p.noHorizon:
		return false
	}
	return s.now <= me.deadline || p.noDeadline || p.noHorizon
}

// send sends a fire, or sends it again after a takeover.
func (p *cluster) send(s *clusterState, emit func(step, *clusterState), i int) {
	me := &s.nodes[i]
	for f := 1; f <= int(p.last); f++ {
		at := tick(f)
		v, named := p.named(&me.edits, at)
		if me.runs[f] == again {
			v, named = p.valid(s, f)
		}
		first := me.runs[f] == nowhere && named && at > me.watermark
		stop := p.stoppedAt(&me.edits)
		if !first && me.runs[f] != again || !p.mayCall(s, i, f) || at < stop {
			continue
		}
		p.alter(s, emit, sendName(i), f, func(n *clusterState) {
			p.judgeSending(n, i, f, v)
			me := &n.nodes[i]
			me.released = max(me.released, at)
			if me.runs[f] == again {
				me.runs[f] = written
			} else {
				me.runs[f] = flying
			}
		})
	}
}

// valid returns the version of an open run: the one that was in effect.
func (p *cluster) valid(s *clusterState, f int) (uint8, bool) {
	return p.named(&s.db.edits, tick(f))
}

func sendName(i int) string {
	if i == 0 {
		return "node 0 sends fire"
	}
	return "node 1 sends fire"
}

// decide decides that a fire is not sent: it is late, and the policy says so; or the job is
// paused.
func (p *cluster) decide(s *clusterState, emit func(step, *clusterState), i int) {
	me := &s.nodes[i]
	stop := p.stoppedAt(&me.edits)
	for f := 1; f <= int(p.last); f++ {
		at := tick(f)
		_, named := p.named(&me.edits, at)
		ended := me.runs[f] == again && at < stop
		open := me.runs[f] == nowhere && named && at > me.watermark && at <= min(me.horizon, p.nodeClock(s, i))
		late := p.job.skip && at < p.nodeClock(s, i)
		if !ended && (!open || !late && at >= stop) {
			continue
		}
		p.alter(s, emit, "decides not to send fire", f, func(n *clusterState) {
			n.nodes[i].runs[f] = decided
			n.nodes[i].released = max(n.nodes[i].released, at)
		})
	}
}

// takeOpen takes over an open run whose process has died.
func (p *cluster) takeOpen(s *clusterState, emit func(step, *clusterState), i int) {
	if !p.holds(s, i) {
		return
	}
	for f := 1; f <= int(p.last); f++ {
		runner := s.db.runner[f]
		if runner == 0 || runner == s.nodes[i].life || s.alive(runner) || s.nodes[i].runs[f] != known {
			continue
		}
		p.commit(s, emit, "takes over the open run of fire", f, func(n *clusterState) {
			n.past[f].mayRepeat = true
			if p.job.once {
				n.db.runner[f] = 0
				p.putDecision(n, f, unknown)
				n.nodes[i].runs[f] = judged
				return
			}
			n.db.runner[f] = n.nodes[i].life
			n.nodes[i].runs[f] = again
		})
	}
}

// leaveRun gives a call in flight an open run.
func (p *cluster) leaveRun(s *clusterState, emit func(step, *clusterState), i int) {
	if !p.longCalls {
		return
	}
	for f := 1; f <= int(p.last); f++ {
		if s.nodes[i].runs[f] != flying {
			continue
		}
		p.commit(s, emit, "an open run is written of fire", f, func(n *clusterState) { p.writeOpen(n, i, f) })
	}
}

// writeOpen inserts an open run. One that another process has stays.
func (p *cluster) writeOpen(n *clusterState, i, f int) {
	me, db := &n.nodes[i], &n.db
	if db.fact[f] == none && (db.runner[f] == 0 || p.blindUpsert) {
		db.runner[f] = me.life
		me.runs[f] = written
	}
}

// record commits what has ended. What was seen to happen needs no fence; a decision does.
func (p *cluster) record(s *clusterState, emit func(step, *clusterState), i int) {
	if s.nodes[i].timeline != s.db.life {
		p.commit(s, emit, "inserts its facts and open runs again: node", i, func(n *clusterState) { p.replay(n, i) })
		return
	}
	some := false
	for f := range s.nodes[i].runs {
		w := s.nodes[i].runs[f]
		some = some || w == flying || w == written || w == decided
	}
	if !some {
		return
	}
	p.commit(s, emit, "commits results: node", i, func(n *clusterState) { p.recordAll(n, i) })
}

func (p *cluster) recordAll(n *clusterState, i int) {
	me, db := &n.nodes[i], &n.db
	mine := p.holds(n, i)
	for f := range me.runs {
		switch me.runs[f] {
		case flying, written:
			p.putOutcome(n, f)
			if db.runner[f] == me.life {
				db.runner[f] = 0
			}
		case decided:
			if !mine && !p.decideUnfenced {
				me.runs[f] = nowhere
				continue
			}
			me.runs[f] = p.putOwnDecision(n, i, f)
			continue
		default:
			continue
		}
		me.runs[f] = recorded
	}
}

// putOwnDecision records that a fire is not sent: of one with an open run nobody knows whether it
// was sent.
func (p *cluster) putOwnDecision(n *clusterState, i, f int) where {
	if n.db.runner[f] != n.nodes[i].life {
		p.putDecision(n, f, skipped)
		return recorded
	}
	n.db.runner[f] = 0
	p.putDecision(n, f, unknown)
	return judged
}

func (p *cluster) putOutcome(n *clusterState, f int) {
	if n.db.fact[f] == none {
		n.db.fact[f] = success
	}
}

func (p *cluster) putDecision(n *clusterState, f int, o outcome) {
	if n.db.fact[f] == none {
		n.db.fact[f] = o
	}
}

// crash ends a process without a word; another one starts in its place.
func (p *cluster) crash(s *clusterState, emit func(step, *clusterState), i int) {
	if s.crashes == 0 {
		return
	}
	p.alter(s, emit, "kill -9: node", i, func(n *clusterState) {
		n.crashes--
		for f, w := range n.nodes[i].runs {
			n.past[f].mayRepeat = n.past[f].mayRepeat || w == flying || w == written || w == again
		}
		n.lives++
		n.nodes[i] = node{life: n.lives, timeline: n.db.life}
	})
}

// failover loses the last commit of the database.
func (p *cluster) failover(s *clusterState, emit func(step, *clusterState)) {
	if s.losses == 0 || s.before == s.db {
		return
	}
	p.alter(s, emit, "the database fails over, without its last commit", -1, func(n *clusterState) {
		n.losses--
		n.lossy = true
		life := n.db.life + 1
		n.db = n.before
		n.db.life, n.before.life = life, life
		for f := range n.past {
			n.past[f].mayRepeat = n.past[f].mayRepeat || n.past[f].sent
		}
	})
}
