package model

import "fmt"

// law is one that a step or a state breaks.
type law uint8

const (
	keptAll law = iota
	factChanged
	early
	beyondH
	wrongVersion
	afterStop
	twice
	unexplained
	otherID
)

// Kinds of violations. The first are states of the record that are wrong
// whatever comes; the others are requests that should not have gone out.
const (
	lost        = "lost"         // W is past a fire that is not on record, or the end is
	lostTrigger = "lost trigger" // answered, and nothing on record
	phantom     = "phantom"      // a record or a request of what is no fire of that version
	stuck       = "stuck"        // the end has come and an execution has not ended
	changed     = "fact changed" // facts are insert-only
	tooEarly    = "early"        // sent before any clock said that it was due
	pastH       = "beyond H"     // sent beyond the horizon
	stopped     = "after a stop" // sent although the answer said that nothing more is
	doubled     = "twice"        // at most once, and more
	duplicate   = "unexplained"  // sent again without a crash or an unclear end
	identity    = "another id"   // sent again under another id
	ahead       = "W beyond H"   // the watermark is past the horizon
)

var kindOf = map[law]string{
	factChanged: changed, early: tooEarly, beyondH: pastH, wrongVersion: phantom,
	afterStop: stopped, twice: doubled, unexplained: duplicate, otherID: identity,
}

func (s *state) breaks(l law) {
	if s.broken == keptAll {
		s.broken = l
	}
}

// judgeSend notes what a request breaks as it goes out.
func (p *protocol) judgeSend(n *state, o, i int, reached bool) {
	f, e, past := p.runs[i], &n.owners[o].runs[i], &n.past[i]
	plan := &p.jobs[f.job]
	id := past.at
	if p.idFromNow && !f.trigger {
		id = n.wall()
	}
	switch {
	case past.at > n.world.seen && !f.trigger:
		n.breaks(early)
	case !f.trigger && past.at > n.shard.horizon:
		n.breaks(beyondH)
	case past.at < n.said[f.job].stop:
		n.breaks(afterStop)
	case plan.once && reached && past.arrived:
		n.breaks(twice)
	case past.sent && !past.mayRepeat, n.ledger[i].fact != none && !p.two:
		n.breaks(unexplained)
	case past.sent && past.id != id:
		n.breaks(otherID)
	case !f.trigger && !p.names(f.job, e.version, past.at):
		n.breaks(wrongVersion)
	}
}

// law implements machine.
func (p *protocol) law(s *state) *violation {
	if s.broken != keptAll {
		return &violation{kindOf[s.broken], "the last step breaks it"}
	}
	if s.shard.watermark > s.shard.horizon {
		return &violation{ahead, fmt.Sprintf("W is %d, H is %d", s.shard.watermark, s.shard.horizon)}
	}
	for i := range p.runs {
		if v := p.lawOf(s, i); v != nil {
			return v
		}
	}
	return nil
}

// lawOf judges one execution.
func (p *protocol) lawOf(s *state, i int) *violation {
	f, row, past := p.runs[i], &s.ledger[i], &s.past[i]
	onRecord := row.fact != none || row.open.exists
	if f.trigger {
		if past.answered && !onRecord {
			return &violation{lostTrigger, fmt.Sprintf("trigger %d was answered and is not on record", i)}
		}
		return nil
	}
	v, valid := s.jobs[f.job].valid(f.at)
	named := valid && p.names(f.job, v, f.at)
	switch {
	case named && f.at <= s.shard.watermark && !onRecord:
		return &violation{lost, fmt.Sprintf("W is %d, and fire %d of %d is not on record", s.shard.watermark, i, f.at)}
	case past.sent && (!named || past.versions != 1<<v):
		return &violation{phantom, fmt.Sprintf("execution %d of %d was sent as a fire of a version that does not "+
			"have it", i, f.at)}
	case row.fact != none && (!named || row.factVersion != v):
		return &violation{phantom, fmt.Sprintf("execution %d of %d is on record as a fire of a version that does not "+
			"have it", i, f.at)}
	}
	return nil
}

// end implements machine: time is over, and nothing is left to do.
func (p *protocol) end(s *state) *violation {
	for i, f := range p.runs {
		row := &s.ledger[i]
		p.facts[row.fact]++
		v, valid := s.jobs[f.job].valid(f.at)
		named := valid && p.names(f.job, v, f.at)
		switch {
		case row.open.exists:
			return &violation{stuck, fmt.Sprintf("execution %d has an open run for ever", i)}
		case !f.trigger && named && row.fact == none:
			return &violation{lost, fmt.Sprintf("fire %d of %d has no fact at the end", i, f.at)}
		case f.trigger && s.past[i].answered && row.fact == none:
			return &violation{lostTrigger, fmt.Sprintf("trigger %d has no fact at the end", i)}
		}
	}
	return nil
}
