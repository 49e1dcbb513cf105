package resolve

import (
	"slices"
	"testing"
	"time"
)

// TestJudge is the truth table of how a call gets its addresses. Times are from now.
func TestJudge(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	const minute, second = time.Minute, time.Second
	for _, tc := range []struct {
		what    string
		known   bool
		ends    time.Duration // of the TTL
		until   time.Duration // of the last outcome
		err     error
		pending bool
		asked   time.Duration
		want    advice
	}{
		{what: "a name never seen", want: await},
		{what: "being looked up for the first time", pending: true, asked: -second, want: await},
		{what: "fresh", known: true, ends: minute, until: minute, want: serve},
		{what: "fresh, being refreshed", known: true, ends: second, until: second, pending: true, asked: -second,
			want: serve},
		{what: "run out, refresh began in time", known: true, ends: -second, until: -second, pending: true,
			asked: -2 * second, want: serve},
		{what: "run out, nothing began", known: true, ends: -second, until: -second, want: awaitBriefly},
		{what: "run out, lookup began after that", known: true, ends: -2 * second, until: -2 * second, pending: true,
			asked: -second, want: awaitBriefly},
		{what: "run out, lookup takes long", known: true, ends: -minute, until: -minute, pending: true,
			asked: -staleWait, want: serve},
		{what: "fresh, refresh failed", known: true, ends: second, until: second, err: errServers, want: serve},
		{what: "run out, failure remembered", known: true, ends: -minute, until: second, err: errServers, want: serve},
		{what: "run out, failure long ago", known: true, ends: -minute, until: -second, err: errServers,
			want: awaitBriefly},
		{what: "too old, failure remembered", known: true, ends: -maxStale, until: second,
			err: errServers, want: refuse},
		{what: "too old, failure long ago", known: true, ends: -maxStale, until: -second, err: errServers, want: await},
		{what: "too old, refresh began in time", known: true, ends: -maxStale, until: -second, err: errServers,
			pending: true, asked: -2 * second, want: await},
		{what: "absence remembered", until: second, err: errAbsent, want: refuse},
		{what: "absence no longer remembered", until: 0, err: errAbsent, want: await},
		{what: "failure remembered, nothing known", until: second, err: errSilent, want: refuse},
		{what: "failure no longer remembered, being looked up", until: -second, err: errSilent, pending: true,
			asked: -2 * second, want: await},
	} {
		e := entry{ends: now.Add(tc.ends), until: now.Add(tc.until), err: tc.err}
		if tc.known {
			e.addrs = addrs("192.0.2.1")
		}
		if tc.pending {
			e.pending = &lookup{asked: now.Add(tc.asked)}
		}
		if got := e.judge(now); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.what, got, tc.want)
		}
	}
}

// TestLearn is the truth table of what stays of a name after a lookup.
func TestLearn(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	const minute, second = time.Minute, time.Second
	both, v4, v6 := addrs("10.0.0.1", "2001:db8::1"), addrs("10.0.0.9"), addrs("2001:db8::9")
	for _, tc := range []struct {
		what   string
		before entry // addrs, and times from now
		ends   time.Duration
		whole  time.Duration
		answer Answer
		err    error
		took   time.Duration

		addrs   []string
		until   time.Duration
		fails   int
		failing bool
		suspect bool
		keep    time.Duration
	}{
		{what: "found", answer: Answer{Addrs: v4, TTL: minute}, addrs: []string{"10.0.0.9"}, until: minute,
			keep: keepFor},
		{what: "found, short", answer: Answer{Addrs: v4, TTL: 2 * second}, addrs: []string{"10.0.0.9"},
			until: 2 * second,
			keep:  minute},
		{what: "found, slowly", answer: Answer{Addrs: v4, TTL: minute}, took: 2 * second, addrs: []string{"10.0.0.9"},
			until: minute, suspect: true, keep: keepFor},
		{what: "moved", before: entry{addrs: both, fails: 3, since: now}, ends: second, whole: second,
			answer: Answer{Addrs: v4, TTL: minute}, addrs: []string{"10.0.0.9"}, until: minute, keep: keepFor},
		{what: "one family failed", before: entry{addrs: both}, ends: second, whole: second,
			answer: Answer{Addrs: v4, TTL: minute, Missing6: true}, addrs: []string{"10.0.0.9", "2001:db8::1"},
			until: second, fails: 1, suspect: true, keep: keepFor},
		{what: "one family failed, which was not there", before: entry{addrs: v6}, ends: second, whole: second,
			answer: Answer{Addrs: v6, TTL: minute, Missing4: true}, addrs: []string{"2001:db8::9"}, until: minute,
			keep: keepFor},
		{what: "one family failed for an hour", before: entry{addrs: both, fails: 100}, ends: second, whole: -maxStale,
			answer: Answer{Addrs: v4, TTL: minute, Missing6: true}, addrs: []string{"10.0.0.9"}, until: minute,
			keep: keepFor},
		{what: "absent", before: entry{addrs: both, fails: 2, since: now}, ends: minute, err: errAbsent, until: second},
		{what: "absent, as the zone says", before: entry{addrs: both}, ends: minute, err: errAbsent,
			answer: Answer{TTL: 20 * second}, until: 20 * second},
		{what: "failed, fresh", before: entry{addrs: both}, ends: second, err: errServers,
			addrs: []string{"10.0.0.1", "2001:db8::1"}, until: second, fails: 1, failing: true, suspect: true,
			keep: keepFor},
		{what: "failed, run out", before: entry{addrs: both, fails: 4, since: now}, ends: -minute, err: errSilent,
			addrs: []string{"10.0.0.1", "2001:db8::1"}, until: 16 * second, fails: 5, failing: true, suspect: true,
			keep: keepFor},
		{what: "failed, too old", before: entry{addrs: both, fails: 90, since: now}, ends: -maxStale, err: errSilent,
			until: maxRetry, fails: 91, failing: true, suspect: true, keep: keepFor},
		{what: "failed, never known", err: errServers, until: second, fails: 1, failing: true, suspect: true,
			keep: keepFor},
	} {
		e := tc.before
		e.ends, e.whole = now.Add(tc.ends), now.Add(tc.whole)
		e.learn(tc.answer, tc.err, now, tc.took, keepFor, 0)
		var got []string
		for _, a := range e.addrs {
			got = append(got, a.String())
		}
		if !slices.Equal(got, tc.addrs) {
			t.Errorf("%s: the addresses are %v, want %v", tc.what, got, tc.addrs)
		}
		if d := e.until.Sub(now); d != tc.until {
			t.Errorf("%s: remembered for %v, want %v", tc.what, d, tc.until)
		}
		if d := e.ahead.Sub(now); d != aheadOf(tc.until, 0) {
			t.Errorf("%s: looked up again after %v, want %v", tc.what, d, aheadOf(tc.until, 0))
		}
		if e.fails != tc.fails || e.since.IsZero() == tc.failing || e.suspect() != tc.suspect {
			t.Errorf("%s: %d failures since %v, suspect: %v", tc.what, e.fails, e.since, e.suspect())
		}
		if e.keep != tc.keep {
			t.Errorf("%s: in use for %v, want %v", tc.what, e.keep, tc.keep)
		}
		if tc.err == nil && !e.ends.Equal(now.Add(useFor(tc.answer.TTL))) {
			t.Errorf("%s: the TTL ends %v", tc.what, e.ends.Sub(now))
		}
	}
}
