package dispatch

// adapter moves the limits of the hosts that are saturated: they have used up
// their slots while runs wait.
type adapter struct {
	ceiling   int // of a limit
	saturated []*hostQueue
	begun     chan struct{} // has an entry when there is the first one, or the first call
	runs      bool          // windows follow each other
	busy      bool          // in a window since takeBusy was called last
}

// note notes that a host has used up its limit while runs wait.
func (a *adapter) note(h *hostQueue) {
	h.saturatedLately = true
	if h.saturated || h.limit.Slots() >= a.ceiling {
		return
	}
	h.saturated = true
	h.limit.BeginSaturation()
	a.saturated = append(a.saturated, h)
	a.run()
}

// run has the windows follow each other until there is nothing more to do.
func (a *adapter) run() {
	if a.runs {
		return
	}
	a.runs = true
	select {
	case a.begun <- struct{}{}:
	default:
	}
}

// window gives every saturated host its next limit, and reports whether there are any
// left. readmit is called for those that have got slots. busy says that this process had
// to wait for a processor.
func (a *adapter) window(busy bool, readmit func(*hostQueue)) (more bool) {
	a.busy = a.busy || busy
	hosts := a.saturated
	a.saturated = a.saturated[:0]
	for _, h := range hosts {
		if h.parked != parkedFull {
			h.saturated = false
			continue
		}
		a.saturated = append(a.saturated, h)
		h.limit.EndWindow(busy)
		if h.taken.Taken < h.limit.MayHave(h.taken.Taken) {
			readmit(h)
		}
	}
	return len(a.saturated) > 0
}

// takeBusy reports whether this process had to wait for a processor since it was called
// last, as far as that is known: hosts were saturated.
func (a *adapter) takeBusy() bool {
	busy := a.busy
	a.busy = false
	return busy
}

// step gives silent hosts more of what they were granted.
func (a *adapter) step(readmit func(*hostQueue)) {
	for _, h := range a.saturated {
		if h.parked == parkedFull && h.limit.Pending() {
			h.limit.Step()
			if h.taken.Taken < h.limit.MayHave(h.taken.Taken) {
				readmit(h)
			}
		}
	}
}
