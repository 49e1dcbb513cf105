package host

import (
	"testing"
	"time"
)

// Before calls are due a host gets what they need and no more, only where it answers, and
// only while the processor is calm.
func TestOpensAhead(t *testing.T) {
	t.Parallel()
	const soon = 500 * time.Millisecond
	for _, c := range []struct {
		name string
		u    Upcoming
		want Opens
	}{
		{"a lone call", Upcoming{Calls: 1}, OpenIfCalm},
		{"it has a connection", Upcoming{Calls: 1, Ready: 1}, OpenNone},
		{"one is under way", Upcoming{Calls: 1, Opening: 1}, OpenNone},
		{"one in use will be free", Upcoming{Calls: 1, Busy: 1, Quickest: 100 * time.Millisecond}, OpenNone},
		{"one in use will not be free", Upcoming{Calls: 1, Busy: 1, Quickest: soon}, OpenIfCalm},
		{"one is missing", Upcoming{Calls: 3, Ready: 1, Busy: 1}, OpenIfCalm},
		{"none is for a call at most once", Upcoming{Calls: 1, Once: 1, Ready: 4, Need: 4}, OpenIfCalm},
		{"one is for a call at most once", Upcoming{Calls: 1, Once: 1, Ready: 4, ReadyOnce: 1}, OpenNone},
		{"it is worth no more", Upcoming{Calls: 9, Ready: 4, Need: 4}, OpenNone},
		{"it is worth some in any case", Upcoming{Calls: 9, Ready: MinConnections - 1, Need: 1}, OpenIfCalm},
		{"it may have no more", Upcoming{Calls: 9, Ready: 2, Most: 2}, OpenNone},
		{"a quick host needs few", Upcoming{Calls: 40, Ready: MinConnections, Quickest: quickTarget}, OpenNone},
		{"a slow host needs one for each", Upcoming{Calls: 40, Ready: 39, Quickest: quickTarget + 1}, OpenIfCalm},
		{"nothing is known of it", Upcoming{Calls: 99, Ready: MinSlots - 1, Need: unlimited, Most: unlimited},
			OpenIfCalm},
		{"nothing is known, and it has enough", Upcoming{Calls: 99, Ready: MinSlots, Need: unlimited,
			Most: unlimited}, OpenNone},
		{"nothing is known, with TLS", Upcoming{Calls: 99, Ready: MinConnections, Need: unlimited, Most: unlimited,
			Secure: true}, OpenNone},
		{"they are due", Upcoming{Calls: 1, In: -1}, OpenNone},
		{"no handshakes with it", Upcoming{Calls: 3, Opening: 2, Window: 2}, OpenLater},
		{"no handshakes with all", Upcoming{Calls: 1, Full: true}, OpenLater},
		{"calls wait", Upcoming{Calls: 1, State: Connecting}, OpenNone},
		{"it hangs", Upcoming{Calls: 1, State: Hanging}, OpenNone},
		{"it is silent", Upcoming{Calls: 1, State: Silent}, OpenNone},
		{"it refuses", Upcoming{Calls: 1, State: Refusing}, OpenNone},
	} {
		u := c.u
		if u.In == 0 {
			u.In = soon
		}
		for _, most := range []*int{&u.Need, &u.Most, &u.Window} {
			if *most == 0 {
				*most = 100
			}
		}
		if got := u.Opens(); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
