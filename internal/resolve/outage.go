package resolve

import (
	"fmt"
	"time"
)

// Outage says that a name cannot be looked up, so that its last addresses are used.
type Outage struct {
	Since time.Time // when the first lookup failed, or the one that has no answer yet was asked for
	Err   error     // of the last one that ended; nil: none has failed
}

// Outage returns whether the addresses of a name are used although their TTL has passed,
// because lookups fail or take long.
func (r *Resolver) Outage(name string) (Outage, bool) {
	now := monotonic.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.names[name]
	switch {
	case e == nil || !e.pastTTL(now):
	case !e.since.IsZero():
		return Outage{e.since, e.err}, true
	case e.pending != nil:
		return Outage{Since: e.pending.asked}, true
	}
	return Outage{}, false
}

// pastTTL reports whether there are addresses that are used only at need.
func (e *entry) pastTTL(now time.Time) bool { return e.usable(now) && !now.Before(e.ends) }

// Warning says which names in use cannot be looked up, for people; empty: none.
func (r *Resolver) Warning() string {
	now := monotonic.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	var first *entry
	n := 0
	for _, e := range r.names {
		if e.since.IsZero() || !e.pastTTL(now) || now.Sub(e.used) > r.cfg.KeepFor {
			continue
		}
		if n++; first == nil || e.since.Before(first.since) {
			first = e
		}
	}
	if n == 0 {
		return ""
	}
	text := fmt.Sprintf("%s cannot be looked up since %s", first.name, first.since.UTC().Format(time.RFC3339))
	if n > 1 {
		text = fmt.Sprintf("%d names cannot be looked up, %s since %s", n, first.name,
			first.since.UTC().Format(time.RFC3339))
	}
	return text + ": calls use the last known addresses, for an hour at most"
}
