package model

// edits moves each job's edit on: Engine.effective, the commit, and
// editor.applyEdit with the answer.
func (p *protocol) edits(s *state, emit func(step, *state), o int) {
	for j := range p.jobs {
		switch job := &s.owners[o].jobs[j]; job.edit {
		case noEdit:
			p.chooseEdit(s, emit, o, j)
		case chosen:
			p.alter(s, emit, "the store has the edit of job", j, func(n *state) {
				p.storeEdit(n, j, job.from)
				n.owners[o].jobs[j].edit = stored
			})
			p.failEdit(s, emit, o, j)
		case stored:
			p.alter(s, emit, "apply and answer the edit of job", j, func(n *state) { p.applyEdit(n, o, j) })
			p.undo(s, emit, o, j)
		case undoing:
			p.alter(s, emit, "undo the creation of job", j, func(n *state) { p.undone(n, o, j) })
		}
	}
}

// nextEdit returns the version that the job's next edit makes.
func (p *protocol) nextEdit(s *state, o, j int) (v *version, ok bool) {
	job, t := &s.owners[o].jobs[j], &s.jobs[j]
	switch {
	case s.owners[o].mode != running, job.spent:
		return nil, false
	case t.versions == 0:
		return &p.jobs[j].first, p.jobs[j].create
	case !job.known || int(t.versions) > len(p.jobs[j].edits) || t.deleted != never:
		return nil, false
	}
	return p.plan(j, t.versions), true
}

// chooseEdit is Engine.effective.
func (p *protocol) chooseEdit(s *state, emit func(step, *state), o, j int) {
	if _, ok := p.nextEdit(s, o, j); !ok {
		return
	}
	w := &s.owners[o]
	from := max(s.wall(), w.proposed, w.released) + 1
	if p.noFrontier {
		from = max(s.wall(), w.proposed) + 1
	}
	if p.ignoreProposed {
		from = max(s.wall(), w.released) + 1
	}
	if from > p.lastWall() {
		return // too late for anything to come of it
	}
	p.alter(s, emit, "an edit is asked for of job", j, func(n *state) {
		job := &n.owners[o].jobs[j]
		job.edit, job.from = chosen, from
		if job.known && !p.noHold {
			job.hold = from
		}
	})
}

// storeEdit is Jobs.Create, Jobs.Update or Jobs.Delete.
func (p *protocol) storeEdit(n *state, j int, from tick) {
	t := &n.jobs[j]
	if t.versions > 0 && p.plan(j, t.versions).deletes {
		t.deleted = from
		return
	}
	t.from[t.versions] = from
	t.versions++
}

// failEdit ends an edit that the store did not take, and begins to undo a
// creation of which nobody can tell.
func (p *protocol) failEdit(s *state, emit func(step, *state), o, j int) {
	if s.world.faults == 0 {
		return
	}
	p.alter(s, emit, "the store refuses the edit of job", j, func(n *state) {
		spend(&n.world.faults)
		job := &n.owners[o].jobs[j]
		job.spent = true
		p.endEdit(n, o, j)
		if p.dropHeld {
			p.drop(n, o, j, func(e *execution) bool { return e.phase == held })
		}
		p.freeHeld(n, o, j)
	})
	p.undo(s, emit, o, j)
}

// undo is what creation.commitNew does when it cannot know whether a job was created.
func (p *protocol) undo(s *state, emit func(step, *state), o, j int) {
	if s.world.faults == 0 || s.owners[o].jobs[j].known || s.jobs[j].versions > 1 {
		return
	}
	p.alter(s, emit, "nobody can tell whether there is a job", j, func(n *state) {
		spend(&n.world.faults)
		job := &n.owners[o].jobs[j]
		job.edit, job.spent = undoing, true
		if p.loseUnclear {
			p.endEdit(n, o, j)
		}
	})
}

// undone is creation.undoNew: stored for sure, and deleted from its first instant on.
func (p *protocol) undone(n *state, o, j int) {
	t := &n.jobs[j]
	from := n.owners[o].jobs[j].from
	t.versions, t.from[0], t.deleted = 1, from, from
	p.endEdit(n, o, j)
}

func (p *protocol) endEdit(n *state, o, j int) {
	job := &n.owners[o].jobs[j]
	job.edit, job.from = noEdit, 0
	if job.known {
		job.hold = never
	}
}

// freeHeld brings held fires back: an execution that has waited for the edit
// is due.
func (p *protocol) freeHeld(n *state, o, j int) {
	for i, f := range p.runs {
		if e := &n.owners[o].runs[i]; f.job == j && e.phase == held {
			e.phase = queued
		}
	}
}

// drop drops executions of a job that were not sent.
func (p *protocol) drop(n *state, o, j int, match func(*execution) bool) {
	for i, f := range p.runs {
		if e := &n.owners[o].runs[i]; f.job == j && !f.trigger && match(e) {
			*e = execution{}
		}
	}
}

// applyEdit is editor.install for a creation and editor.applyEdit for the
// rest; then the user has an answer.
func (p *protocol) applyEdit(n *state, o, j int) {
	w := &n.owners[o]
	job, t := &w.jobs[j], &n.jobs[j]
	from := job.from
	if !job.known {
		*job = newJob()
		p.place(n, o, j, 0, from)
		return
	}
	for job.next < from && !p.dropOverdue {
		p.stage(n, o, j, from-1) // Engine.finish: what the timetable has not come to
	}
	stops := true
	if t.deleted == never {
		job.version++
		stops = p.plan(j, job.version).stops
	} else {
		job.known = false
	}
	for i, f := range p.runs {
		if e := &w.runs[i]; f.job == j && !f.trigger && f.at >= from && (e.phase == staged || e.phase == held) {
			*e = execution{}
		}
	}
	if stops {
		job.stop = from
		n.said[j].stop = from
		p.dueNow(n, o, j)
	}
	p.endEdit(n, o, j)
	p.freeHeld(n, o, j)
	job.next = never
	if job.known {
		p.place(n, o, j, job.version, from)
	}
}

// dueNow brings back retries of fires that a stop has ended: the send rule
// turns them away.
func (p *protocol) dueNow(n *state, o, j int) {
	w := &n.owners[o]
	for i, f := range p.runs {
		if e := &w.runs[i]; f.job == j && e.phase == waiting && n.past[i].at < w.jobs[j].stop {
			e.phase = queued
		}
	}
}

func newJob() job { return job{known: true, next: never, hold: never} }

// place puts a job at its first fire of a version. Fires in seconds that were
// taken already are staged at once: Engine.place.
func (p *protocol) place(n *state, o, j int, version uint8, from tick) {
	w := &n.owners[o]
	after := from - 1
	if p.backFill && version > 0 {
		from, after = n.jobs[j].from[version-1], n.jobs[j].from[version-1]-1
	}
	w.jobs[j].next = p.nextAfter(j, version, from, after)
	for w.jobs[j].next < w.table {
		p.stageFire(n, o, j)
	}
}

// trigger is Engine.Trigger: the row, then the answer, then the call.
func (p *protocol) trigger(s *state, emit func(step, *state), o int) {
	w := &s.owners[o]
	for i, f := range p.runs {
		job := &w.jobs[f.job]
		at := max(s.wall(), job.stop, 1)
		if !f.trigger || s.past[i].at != 0 || w.mode != running || !job.known || at > p.lastWall() {
			continue
		}
		p.alter(s, emit, "trigger", i, func(n *state) {
			n.past[i].at = at
			n.owners[o].runs[i] = execution{phase: opening, version: job.version, retryAt: at, inFlight: true}
			if p.triggerBeforeRow {
				n.owners[o].runs[i].phase = queued
				n.past[i].answered = true
			}
		})
	}
}
