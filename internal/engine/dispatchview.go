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

// inFlight returns the fires whose calls have not ended.
func (d *dispatcher) inFlight() []*fire {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []*fire
	for f := d.running.first; f != nil; f = f.callNext {
		out = append(out, f)
	}
	return out
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

// longCalls returns the fires whose calls began before the instant and that
// were not returned before.
func (d *dispatcher) longCalls(before int64) []*fire {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []*fire
	for f := d.running.first; f != nil && f.since < before; f = f.callNext {
		if !f.opening {
			f.opening = true
			out = append(out, f)
		}
	}
	return out
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
