package dispatch

import (
	"context"
	"time"
)

// noteSaturated notes that a host has used up its limit while fires wait.
func (d *Dispatcher) noteSaturated(h *host) {
	h.saturatedLately = true
	if h.saturated || h.limit.now >= d.cfg.MaxPerHost {
		return
	}
	h.saturated = true
	h.limit.beginSaturation()
	d.saturated = append(d.saturated, h)
	select {
	case d.adapting <- struct{}{}:
	default:
	}
}

// Adapt moves the limits of hosts under pressure, a window at a time while
// there are any.
func (d *Dispatcher) Adapt(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.adapting:
		}
		tick := time.NewTicker(limitWindow / silentSteps)
		for n, saturated := 1, true; saturated; n++ {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
			}
			if n%silentSteps == 0 {
				saturated = d.adaptOnce()
			} else {
				d.stepOnce()
			}
		}
		tick.Stop()
	}
}

// adaptOnce gives every host under pressure its next limit. It returns false
// when none is left.
func (d *Dispatcher) adaptOnce() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	hosts := d.saturated
	d.saturated = d.saturated[:0]
	for _, h := range hosts {
		if h.parked != parkedFull {
			h.saturated = false
			continue
		}
		d.saturated = append(d.saturated, h)
		h.limit.window()
		d.readmit(h)
	}
	d.wake()
	return len(d.saturated) > 0
}

// stepOnce gives silent hosts more of what they were granted.
func (d *Dispatcher) stepOnce() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, h := range d.saturated {
		if h.parked == parkedFull && h.limit.pendingSlots > 0 {
			h.limit.step()
			d.readmit(h)
		}
	}
	d.wake()
}

// readmit lets a host that was full send again, if it has got slots.
func (d *Dispatcher) readmit(h *host) {
	if h.calls < h.limit.now {
		h.parked = parkedIdle
		d.addToRingIf(h)
	}
}

// Relax lowers every limit towards what is in use and drops hosts that
// have nothing to do. Call it once a second.
func (d *Dispatcher) Relax() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, h := range d.hosts {
		h.limit.shrinkIdle(h.calls, h.saturatedLately)
		if h.idle() && !h.used && h.parked == parkedIdle && !h.saturated {
			delete(d.hosts, key)
		}
		h.used, h.saturatedLately = false, h.saturated
	}
}
