package h2

import "time"

// A peer may send any number of frames that cost work and carry no answer. Their budget
// is burst, and rate a second. What a request brings about is free: a call is worth
// perStream of them, and a frame of DATA that is sent perData, for the WINDOW_UPDATE of the
// stream and that of the connection.
//
// A control frame costs about 1 us, or 3 us when it is answered. The burst is 6 ms of
// processor time, and the rate 0.03 % of a core. A peer that sends a PING each second to a
// connection without calls is far below it.
const (
	burst     = 2000
	rate      = 100
	perStream = 20
	perData   = 2
)

// budget counts the control frames that a peer may still send.
type budget struct {
	count float64
	at    time.Time
}

func newBudget(now time.Time) budget { return budget{burst, now} }

// earn adds what something that was sent is worth.
func (b *budget) earn(n int) { b.count = min(b.count+float64(n), 4*burst) }

// spend takes one frame, and reports whether there was room for it.
func (b *budget) spend(now time.Time) bool {
	if b.count < burst {
		b.count = min(b.count+rate*now.Sub(b.at).Seconds(), burst)
	}
	b.at = now
	b.count--
	return b.count >= 0
}
