package engine

import (
	"context"
	"time"
)

// press notes that a host has used up its limit while fires wait.
func (d *dispatcher) press(h *host) {
	h.pressedLately = true
	if h.pressed || h.limit.now >= d.maxPerHost {
		return
	}
	h.pressed = true
	h.limit.press()
	d.pressed = append(d.pressed, h)
	select {
	case d.adapting <- struct{}{}:
	default:
	}
}

// adapt moves the limits of hosts under pressure, a window at a time while
// there are any.
func (d *dispatcher) adapt(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.adapting:
		}
		tick := time.NewTicker(limitWindow / silentSteps)
		for n, pressure := 1, true; pressure; n++ {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
			}
			if n%silentSteps == 0 {
				pressure = d.adaptOnce()
			} else {
				d.stepOnce()
			}
		}
		tick.Stop()
	}
}

// adaptOnce gives every host under pressure its next limit. It returns false
// when none is left.
func (d *dispatcher) adaptOnce() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	hosts := d.pressed
	d.pressed = d.pressed[:0]
	for _, h := range hosts {
		if h.parked != parkedFull {
			h.pressed = false
			continue
		}
		d.pressed = append(d.pressed, h)
		h.limit.window()
		d.admit(h)
	}
	d.wake()
	return len(d.pressed) > 0
}

// stepOnce gives silent hosts more of what they were granted.
func (d *dispatcher) stepOnce() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, h := range d.pressed {
		if h.parked == parkedFull && h.limit.owed > 0 {
			h.limit.step()
			d.admit(h)
		}
	}
	d.wake()
}

// admit lets a host that was full send again, if it has got slots.
func (d *dispatcher) admit(h *host) {
	if h.calls < h.limit.now {
		h.parked = parkedIdle
		d.enlistIf(h)
	}
}

// relax lets every limit fall back to what is in use and forgets hosts that
// have nothing to do. Call it once a second.
func (d *dispatcher) relax() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, h := range d.hosts {
		h.limit.relax(h.calls, h.pressedLately)
		if h.idle() && !h.used && h.parked == parkedIdle && !h.pressed {
			delete(d.hosts, key)
		}
		h.used, h.pressedLately = false, h.pressed
	}
}
