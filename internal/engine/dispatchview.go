package engine

// load returns the number of calls in flight and of fires that wait.
func (d *dispatcher) load() (calls, queued int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls, d.queued
}

// takeBegun returns how many calls have begun since it was asked last.
func (d *dispatcher) takeBegun() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.begun
	d.begun = 0
	return n
}

// inFlight calls fn with each fire whose call has not ended, the oldest first, and
// returns how many there are. The dispatcher is locked meanwhile, and a call ends
// here before it is settled: what fn hands on of it comes before what its end
// leads to.
func (d *dispatcher) inFlight(fn func(*fire)) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for f := d.running.first; f != nil; f = f.callNext {
		fn(f)
		n++
	}
	return n
}

// settling returns how many workers are not in a call: after close, those that
// hand over a result and those that are about to end.
func (d *dispatcher) settling() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.workers - d.calls
}

// waiting returns the fires that are queued.
func (d *dispatcher) waiting() []*fire {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []*fire
	add := func(f *fire) bool {
		out = append(out, f)
		return true
	}
	for _, h := range d.hosts {
		h.live.all(add)
		h.late.all(add)
	}
	return out
}

// longCalls is inFlight for calls that began before the instant and for which it
// was not called before, at most so many.
func (d *dispatcher) longCalls(before int64, most int, fn func(*fire)) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for f := d.running.first; f != nil && f.since < before && n < most; f = f.callNext {
		if !f.opening {
			f.opening = true
			fn(f)
			n++
		}
	}
	return n
}

// find returns the first fire, queued or in flight, that matches.
func (d *dispatcher) find(match func(*fire) bool) (found *fire) {
	d.mu.Lock()
	defer d.mu.Unlock()
	look := func(f *fire) bool {
		if match(f) {
			found = f
		}
		return found == nil
	}
	for _, first := range []*fire{d.running.first, d.left.first} {
		for f := first; f != nil; f = f.callNext {
			if !look(f) {
				return found
			}
		}
	}
	for _, h := range d.hosts {
		if !h.live.all(look) || !h.late.all(look) {
			return found
		}
	}
	return nil
}
