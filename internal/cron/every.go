package cron

import (
	"strings"
	"time"
)

// maxEvery bounds @every: ten years of 365 days.
const maxEvery = 87_600 * time.Hour

// parseEvery reads the duration of "@every 1h30m"; pos is its column.
func parseEvery(text string, pos int) (period, error) {
	const hint = "use a duration in h, m and s, such as @every 1h30m"
	if text == "" {
		return 0, fail("schedule", pos, "", hint, "@every needs a duration")
	}
	if unit := strings.IndexAny(text, "dDwWyY"); unit >= 0 {
		return 0, fail("schedule", pos+unit, text, "a day is 24h here; for a time of day use @daily or fields",
			"%q is not a unit of @every", text[unit:unit+1])
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fail("schedule", pos, text, hint, "is not a duration")
	}
	switch {
	case d <= 0:
		return 0, fail("schedule", pos, text, "use 1s or more", "the period must be positive").as(OutOfRange)
	case d%time.Second != 0:
		return 0, fail("schedule", pos, text, "use 1s or more, without a fraction", "the period must be whole seconds")
	case d > maxEvery:
		return 0, fail("schedule", pos, text, "use 87600h (ten years) or less", "the period is too long").as(OutOfRange)
	}
	return period(d / time.Second), nil
}

// parseAt reads the instant of "@at 2026-03-01T09:00:00+01:00"; pos is its column.
func parseAt(text string, pos int) (int64, error) {
	const hint = "use RFC 3339 with an offset, such as @at 2026-03-01T09:00:00+01:00 or @at 2026-03-01T08:00:00Z"
	if text == "" {
		return 0, fail("schedule", pos, "", hint, "@at needs an instant")
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, fail("schedule", pos, text, hint, "is not an RFC 3339 instant")
	}
	if t.Nanosecond() != 0 {
		return 0, fail("schedule", pos, text, "leave the fraction out", "instants are whole seconds")
	}
	if u := t.Unix(); u < MinInstant || u > MaxInstant {
		return 0, fail("schedule", pos, text, "use an instant in the years 1970 to 2199 (UTC)",
			"is out of range").as(OutOfRange)
	}
	return t.Unix(), nil
}

// period is that of @every, in seconds.
type period int64

// origin is the instant from which k counts. An anchor before 1970 is moved by whole
// periods to just before 1970.
func (p period) origin(anchor int64) int64 {
	if anchor < MinInstant {
		return anchor%int64(p) - int64(p)
	}
	return anchor
}

// next is the first anchor + k*period after the instant, k >= 1. The caller has bounded after.
func (p period) next(after, anchor int64) (int64, bool) {
	if anchor > MaxInstant {
		return 0, false
	}
	from := p.origin(anchor)
	if after < from {
		return from + int64(p), true
	}
	return from + ((after-from)/int64(p)+1)*int64(p), true
}

// prev is the last anchor + k*period before the instant, k >= 1.
func (p period) prev(before, anchor int64) (int64, bool) {
	if anchor > MaxInstant {
		return 0, false
	}
	from := p.origin(anchor)
	if before <= from+int64(p) {
		return 0, false
	}
	return from + (before-1-from)/int64(p)*int64(p), true
}
