package alert

// When a message is tried again, in milliseconds.
const (
	firstDelayMs = 5_000
	maxDelayMs   = 30 * 60_000
	// dayMs is for how long a message is tried: what nobody was told of for a day is told by another way.
	dayMs = 24 * 60 * 60_000
)

// NextAttempt says when a message that was made at an instant is tried again after so many attempts have failed, the
// last one at now; false: not again. askedMs is how long the receiver wants nothing (Retry-After); zero: it does not
// say. The last attempt is at the end of the day, or after it where the receiver wants that.
func NextAttempt(createdAt int64, attempts int, now, askedMs int64) (at int64, again bool) {
	if now >= createdAt+dayMs {
		return 0, false
	}
	delay := int64(maxDelayMs)
	if attempts <= 10 { // 5 s, doubled ten times, is above the maximum
		delay = min(maxDelayMs, int64(firstDelayMs)<<max(0, attempts-1))
	}
	return max(min(now+max(delay, askedMs), createdAt+dayMs), now+1), true
}
