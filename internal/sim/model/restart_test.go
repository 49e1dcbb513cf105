package model

// claim starts a process: Shards.Claim. With one owner it waits for the lock
// of the dead one, which is gone; with two it waits until the lease of the
// other, which may live, has run out.
func (p *protocol) claim(s *state, emit func(step, *state), o int) {
	for other := range s.owners {
		if other == o || s.owners[other].mode == down {
			continue
		}
		if !p.two || (p.clock(s) <= s.shard.horizon+p.grace && !p.claimAtOnce) || s.owners[other].mode < running {
			return
		}
	}
	if o > 0 && (!p.two || s.shard.epoch == 0) {
		return
	}
	p.alter(s, emit, "a process starts and claims the shard", o, func(n *state) {
		n.shard.epoch++
		n.owners[o] = owner{mode: claimed, epoch: n.shard.epoch, wasClean: n.shard.clean}
		n.shard.clean = false
		for i := range n.ledger {
			n.past[i].mayRepeat = n.past[i].mayRepeat || n.past[i].sent && n.ledger[i].fact == none
			n.ledger[i].wet = n.ledger[i].wet && (p.unsyncedOpen || p.unsyncedFacts)
		}
	})
}

// recovery reads the record and decides, then makes the decisions durable,
// then begins to fire: Engine.recover.
func (p *protocol) recovery(s *state, emit func(step, *state), o int) {
	switch s.owners[o].mode {
	case claimed:
		if s.shard.epoch != s.owners[o].epoch {
			return
		}
		p.alter(s, emit, "recovery decides", o, func(n *state) {
			p.decide(n, o)
			n.owners[o].mode = flushed
		})
	case flushed:
		if s.shard.epoch != s.owners[o].epoch {
			return
		}
		p.alter(s, emit, "the first beat; it runs", o, func(n *state) {
			n.owners[o].mode = running
			p.beginBeat(n, o)
			p.commitBeat(n, o)
			n.owners[o].wasClean = false
		})
	}
}

// gap is what recovery knows: see type recovery of the engine.
type gap struct {
	certain tick // fires after it were never sent
	until   tick // the timetable takes over after it
	clean   bool
}

func (p *protocol) readGap(n *state, o int) gap {
	now, w, h := n.wall(), n.shard.watermark, n.shard.horizon
	g := gap{certain: h, until: max(now, w), clean: n.owners[o].wasClean}
	if !g.clean && now < h-horizon-slack {
		g.until = max(g.until, h)
	}
	if g.clean || p.allNeverSent {
		g.certain = w
	}
	for i, f := range p.runs {
		onRecord := n.ledger[i].fact != none && f.at > w || n.ledger[i].open.exists
		if onRecord && !f.trigger {
			g.until = max(g.until, f.at)
		}
	}
	return g
}

// decide makes of every fire of the gap and every open run what it becomes,
// and flushes it.
func (p *protocol) decide(n *state, o int) {
	g := p.readGap(n, o)
	w := &n.owners[o]
	w.table = g.until
	if p.edited {
		w.proposed, w.released = g.until, g.until
	}
	for j := range p.jobs {
		p.load(n, o, j, g)
	}
	for i := range p.runs {
		p.decideRun(n, o, i, g)
	}
}

// load puts a job into the timetable, and learns what stops its fires.
func (p *protocol) load(n *state, o, j int, g gap) {
	t := &n.jobs[j]
	if t.versions == 0 {
		return
	}
	job := newJob()
	job.version = t.versions - 1
	for v := range t.versions {
		if p.plan(j, v).stops && (t.to(v) > n.shard.watermark || !p.stopIgnored) {
			job.stop = t.from[v]
		}
	}
	if t.deleted != never {
		job.known, job.stop = false, t.deleted
	} else {
		job.next = p.nextAfter(j, job.version, t.from[job.version], g.until)
	}
	n.owners[o].jobs[j] = job
}

// decideRun decides about one execution: recovery.judge, run.DecideResume and
// recovery.resumeOne.
func (p *protocol) decideRun(n *state, o, i int, g gap) {
	f, row, e := p.runs[i], &n.ledger[i], &n.owners[o].runs[i]
	if row.fact != none {
		row.open = openRun{}
		return
	}
	run := row.open
	if run.exists && p.dropRuns {
		return
	}
	if !run.exists {
		v, ok := n.jobs[f.job].valid(f.at)
		if f.trigger || !ok || !p.names(f.job, v, f.at) || f.at <= n.shard.watermark || f.at > g.until {
			return
		}
		if f.at > g.certain {
			*e = execution{version: v, counted: true}
			p.overdue(n, o, i)
			return
		}
		run = openRun{exists: true, version: v, next: f.at, inFlight: true}
	}
	run.inFlight = run.inFlight || (!g.clean && run.next <= g.certain)
	p.resume(n, o, i, run)
}

// poison is how many crashes in a row make an end of it.
const poison = 3

func (p *protocol) resume(n *state, o, i int, run openRun) {
	f, e := p.runs[i], &n.owners[o].runs[i]
	stopped := n.past[i].at < n.owners[o].jobs[f.job].stop
	result := none
	switch {
	case run.inFlight && (p.jobs[f.job].once || stopped):
		result = unknown
	case stopped && run.attempts == 0:
		result = skipped
	case stopped, run.inFlight && run.crashes+1 >= poison:
		result = failed
	}
	if run.inFlight {
		run.attempts++
		run.crashes++
	}
	if result != none {
		if !p.neverFlushed {
			p.putFact(n, i, result, run.version, false)
			n.ledger[i].open = openRun{}
		}
		return
	}
	run.next = max(run.next, n.past[i].at)
	if !p.neverFlushed {
		n.ledger[i].open = run
	}
	*e = execution{phase: waiting, version: run.version, attempts: run.attempts, crashes: run.crashes,
		retryAt: run.next, inFlight: run.inFlight}
}

// stop ends a process in good order: Engine.Stop.
func (p *protocol) stop(s *state, emit func(step, *state), o int) {
	w := &s.owners[o]
	switch {
	case w.mode == running && s.world.stops > 0:
		p.alter(s, emit, "stop: nothing new", o, func(n *state) {
			spend(&n.world.stops)
			n.owners[o].mode = stopping
		})
	case w.mode == stopping && !w.beating:
		p.alter(s, emit, "stop: open runs for what is in flight", o, func(n *state) { p.leaveOpen(n, o) })
	case w.mode == closing && !w.backlog() && s.shard.epoch == w.epoch:
		p.alter(s, emit, "stop: release the shard, end", o, func(n *state) {
			n.shard.watermark = max(n.shard.watermark, min(p.watermark(n, o), n.shard.horizon))
			n.shard.clean = true
			p.lose(n, o)
		})
	}
}

// leaveOpen is Engine.leaveOpen.
func (p *protocol) leaveOpen(n *state, o int) {
	w := &n.owners[o]
	w.mode = closing
	for i := range w.runs {
		e := &w.runs[i]
		e.rowDue = e.rowDue || e.phase == calling && !p.cleanWithCalls ||
			e.inFlight && (e.phase == queued || e.phase == waiting)
	}
}

// kill ends a process without a word: what was written stays, synced or not.
func (p *protocol) kill(s *state, emit func(step, *state), o int) {
	if s.world.kills > 0 {
		p.alter(s, emit, "kill -9", o, func(n *state) {
			spend(&n.world.kills)
			p.lose(n, o)
		})
	}
}

// lose drops the memory of a process. Requests in flight have reached their
// target or not; nobody hears of it.
func (p *protocol) lose(n *state, o int) {
	for i := range n.owners[o].runs {
		if n.ledger[i].fact == none || n.ledger[i].wet {
			n.past[i].mayRepeat = n.past[i].sent
		}
	}
	n.owners[o] = owner{}
}

// cut is a power loss: every process ends, and what was not synced is gone.
func (p *protocol) cut(s *state, emit func(step, *state)) {
	if s.world.cuts == 0 {
		return
	}
	p.alter(s, emit, "power loss", -1, func(n *state) {
		spend(&n.world.cuts)
		for o := range n.owners {
			p.lose(n, o)
		}
		for i := range n.ledger {
			if row := &n.ledger[i]; row.wet {
				row.fact, row.factVersion, row.wet = none, 0, false
			}
		}
	})
}
