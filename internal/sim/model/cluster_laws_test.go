package model

import "fmt"

// Kinds of violations that only a cluster has.
const (
	twoWriters  = "two writers"        // two nodes pass the fence
	hidden      = "hidden"             // a record says that a fire was not sent, and it was
	otherRunner = "another's open run" // the owner carries out an open run that is not its own
	runsAway    = "H runs away"        // the horizon is further ahead than any clock accounts for
)

// ahead returns how far ahead of the true time a node may send.
func (p *cluster) fastest() tick {
	far := tick(0)
	for _, by := range p.skew {
		far = max(far, by)
	}
	return far
}

// judgeSending notes what a request breaks as it goes out.
func (p *cluster) judgeSending(n *clusterState, i, f int, v uint8) {
	at, past := tick(f), &n.past[f]
	switch {
	case at > n.now+p.fastest():
		n.breaks(early)
	case n.pause.answered && !n.lossy && !past.sent && at < p.stoppedAt(&n.db.edits):
		n.breaks(afterStop)
	case p.job.once && past.sent:
		n.breaks(twice)
	case past.sent && !past.mayRepeat && !n.lossy:
		n.breaks(unexplained)
	}
	past.sent = true
	past.versions |= 1 << v
}

func (s *clusterState) breaks(l law) {
	if s.broken == keptAll {
		s.broken = l
	}
}

// law implements machine.
func (p *cluster) law(s *clusterState) *violation {
	if s.broken != keptAll {
		return &violation{kindOf[s.broken], "the last step breaks it"}
	}
	db := &s.db
	if db.watermark > db.horizon && !p.noHorizon {
		return &violation{ahead, fmt.Sprintf("W is %d, H is %d", db.watermark, db.horizon)}
	}
	if most := s.now + horizon + slack + p.fastest(); db.horizon > most && !p.noHorizon {
		return &violation{runsAway, fmt.Sprintf("H is %d at %d", db.horizon, s.now)}
	}
	if v := p.lawOfRunners(s); v != nil {
		return v
	}
	writers := 0
	for i := range s.nodes {
		if p.holds(s, i) {
			writers++
		}
	}
	if writers > 1 {
		return &violation{twoWriters, "both nodes hold the shard"}
	}
	for f := 1; f <= int(p.last); f++ {
		if v := p.lawOf(s, f); v != nil {
			return v
		}
	}
	return nil
}

// lawOfRunners judges who has the open runs that the owner carries out.
func (p *cluster) lawOfRunners(s *clusterState) *violation {
	for i := range s.nodes {
		me := &s.nodes[i]
		if me.mode < loaded || !p.holds(s, i) || me.timeline != s.db.life {
			continue
		}
		for f, w := range me.runs {
			if (w == again || w == written) && s.db.fact[f] == none && s.db.runner[f] != me.life {
				return &violation{otherRunner, fmt.Sprintf("node %d carries out fire %d", i, f)}
			}
		}
	}
	return nil
}

// lawOf judges one fire.
func (p *cluster) lawOf(s *clusterState, f int) *violation {
	db, past, at := &s.db, &s.past[f], tick(f)
	v, named := p.named(&db.edits, at)
	onRecord := db.fact[f] != none || db.runner[f] != 0
	switch {
	case named && at <= db.watermark && !onRecord && !(past.sent && s.lossy):
		return &violation{lost, fmt.Sprintf("W is %d, and fire %d is not on record", db.watermark, f)}
	case past.sent && (!named || past.versions != 1<<v) && !s.lossy:
		return &violation{phantom, fmt.Sprintf("fire %d was sent by a version that does not have it", f)}
	case past.sent && (db.fact[f] == skipped || db.fact[f] == missed) && !s.lossy:
		return &violation{hidden, fmt.Sprintf("fire %d was sent, and the record says that it was not", f)}
	}
	return nil
}

// end implements machine: time is over, and nothing is left to do. Only the record of a shard
// that has an owner is complete.
func (p *cluster) end(s *clusterState) *violation {
	owned := false
	for i := range s.nodes {
		owned = owned || s.nodes[i].mode == owning && p.holds(s, i)
	}
	if !owned {
		return nil
	}
	for f := 1; f <= int(p.last); f++ {
		_, named := p.named(&s.db.edits, tick(f))
		switch {
		case s.db.runner[f] != 0 && s.db.fact[f] == none:
			return &violation{stuck, fmt.Sprintf("fire %d has an open run for ever", f)}
		case named && s.db.fact[f] == none && !(s.past[f].sent && s.lossy && s.crashes < p.crashes):
			return &violation{lost, fmt.Sprintf("fire %d has no fact at the end", f)}
		}
	}
	return nil
}
