package api

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/belfry-scheduler/belfry/internal/access"
)

// What throttles says so in the headers RateLimit and RateLimit-Policy of
// draft-ietf-httpapi-ratelimit-headers-10, beside Retry-After: which quota it is, how
// much of it remains and for how long.

// quota is how much the API takes: requests in a window, or one of the other units of the
// draft at a time.
type quota struct {
	name   string
	most   int
	window time.Duration // zero: at a time
	unit   string        // empty: requests, which is the draft's default
}

// The units of what is taken at a time.
const (
	unitRequests = "concurrent-requests"
	unitBytes    = "content-bytes"
)

// wrongKeys is the quota of wrong keys of one address, and the time after which it is
// whole again.
var wrongKeys = quota{name: "wrong-keys", most: access.FailureBurst, window: access.FailureWindow}

// refusedSignIns is the quota of sign-ins by a provider that are refused to one address, bounded as wrong keys are.
var refusedSignIns = quota{name: "refused-sign-ins", most: access.FailureBurst, window: access.FailureWindow}

// ofKey is the quota of one key that may make so many requests a second.
func ofKey(perSecond int) quota { return quota{name: "key", most: perSecond, window: time.Second} }

// atATime is the quota of a kind of request that holds a place while it is under way.
func atATime(name string, most int) quota { return quota{name: name, most: most, unit: unitRequests} }

// policy writes RateLimit-Policy.
func (q quota) policy() string {
	text := fmt.Sprintf(`%q;q=%d`, q.name, q.most)
	if q.unit != "" {
		text += fmt.Sprintf(`;qu=%q`, q.unit)
	}
	if q.window > 0 {
		text += ";w=" + inSeconds(q.window)
	}
	return text
}

// tell says what remains of the quota.
func (q quota) tell(h http.Header, remaining int) {
	h.Set("RateLimit-Policy", q.policy())
	h.Set("RateLimit", `"`+q.name+`";r=`+strconv.Itoa(remaining)+";t="+inSeconds(q.window))
}

// busyWait is what a client is asked to wait for a place: nobody knows when one becomes
// free, and most imports and exports take seconds.
const busyWait = 5 * time.Second

// inSeconds writes a wait as Retry-After takes it.
func inSeconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}

// throttled says when to try again, since nothing of a quota remains.
func (p *Problem) throttled(q quota, wait time.Duration) *Problem {
	return p.with("Retry-After", inSeconds(wait)).with("RateLimit-Policy", q.policy()).
		with("RateLimit", `"`+q.name+`";r=0;t=`+inSeconds(wait))
}
