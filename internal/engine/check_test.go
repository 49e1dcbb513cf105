package engine

import (
	"context"
	"net/url"
	"strconv"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// checker holds the record of a world against its calendar and the calls that
// the targets saw.
type checker struct {
	t     *testing.T
	w     *world
	until int64
	calls map[domain.FireKey][]seen
	facts map[domain.FireKey]*domain.Execution
}

// check asserts, for every fire of every version of every job up to until:
// exactly one final record, of the right version, and as many calls as it
// says; and that nothing else was sent or recorded. It reads the store, so an
// engine or its store must be up.
func (w *world) check(until int64) {
	w.t.Helper()
	c := &checker{
		t: w.t, w: w, until: until,
		calls: make(map[domain.FireKey][]seen), facts: make(map[domain.FireKey]*domain.Execution),
	}
	for _, s := range w.targets.all() {
		c.calls[s.Key] = append(c.calls[s.Key], s)
	}
	for _, id := range w.jobs {
		c.checkJob(id)
	}
	for _, key := range w.manual {
		if key.ScheduledAt <= until && c.facts[key] == nil {
			w.t.Errorf("trigger %v was answered and has no record", key)
		}
	}
	for key, calls := range c.calls {
		if key.ScheduledAt <= until && c.facts[key] == nil {
			w.t.Errorf("%v was sent %d times and has no record", key, len(calls))
		}
	}
	c.checkSilence()
}

func (c *checker) checkJob(id domain.JobID) {
	c.t.Helper()
	var ranges []*domain.Execution
	facts := c.w.facts(id)
	for i := range facts {
		x := &facts[i]
		if c.facts[x.FireKey] != nil {
			c.t.Errorf("%v has two records", x.FireKey)
		}
		c.facts[x.FireKey] = x
		if x.Missed != nil {
			ranges = append(ranges, x)
		}
	}
	versions, err := c.w.db.Jobs().Versions(context.Background(), id, store.WholeVersions)
	if err != nil {
		c.t.Fatal(err)
	}
	counts := make(map[*domain.Execution]int64)
	expected := make(map[domain.FireKey]*domain.Version)
	for i := range versions {
		c.checkVersion(&versions[i], ranges, counts, expected)
	}
	for i := range facts {
		x := &facts[i]
		if x.Nonce == 0 && x.ScheduledAt <= c.until && expected[x.FireKey] == nil {
			c.t.Errorf("%v is on record as %s and is no fire of the job", x.FireKey, x.Status)
		}
		if x.Missed != nil && x.ScheduledAt <= c.until && counts[x] != x.Missed.Count {
			c.t.Errorf("%v stands for %d fires, its range has %d", x.FireKey, x.Missed.Count, counts[x])
		}
		c.checkCalls(x, versionOf(versions, x.Version))
	}
}

func versionOf(versions []domain.Version, number int) *domain.Version {
	for i := range versions {
		if versions[i].Number == number {
			return &versions[i]
		}
	}
	return nil
}

// checkVersion looks for the record of each fire of a version.
func (c *checker) checkVersion(v *domain.Version, ranges []*domain.Execution, counts map[*domain.Execution]int64,
	expected map[domain.FireKey]*domain.Version) {
	c.t.Helper()
	timing, err := v.Timing()
	if err != nil {
		c.t.Fatal(err)
	}
	for at, ok := timing.Next(v.EffectiveFrom - 1); ok && at <= c.until; at, ok = timing.Next(at) {
		key := domain.FireKey{JobID: v.JobID, ScheduledAt: at}
		expected[key] = v
		records := 0
		if x := c.facts[key]; x != nil {
			if x.Version != v.Number {
				c.t.Errorf("%v is on record as of version %d, it is of %d", key, x.Version, v.Number)
			}
			if x.Missed == nil {
				records++
			}
		}
		for _, r := range ranges {
			if r.Missed.From <= at && at <= r.ScheduledAt && r.Version == v.Number {
				records++
				counts[r]++
				if x := c.facts[key]; x != nil && x != r {
					c.t.Errorf("%v is on record as %s and in a summary", key, x.Status)
				}
				c.noCalls(key, r.Status)
			}
		}
		if records != 1 {
			c.t.Errorf("fire %v of version %d (%s) has %d records", key, v.Number, v.Spec.API, records)
		}
	}
}

func (c *checker) noCalls(key domain.FireKey, status domain.Status) {
	c.t.Helper()
	if n := len(c.calls[key]); n > 0 {
		c.t.Errorf("%v is on record as %s and was sent %d times", key, status, n)
	}
}

// checkCalls compares a record with the calls of its key.
func (c *checker) checkCalls(x *domain.Execution, v *domain.Version) {
	c.t.Helper()
	if v == nil {
		c.t.Errorf("%v is on record as of version %d, which does not exist", x.FireKey, x.Version)
		return
	}
	calls := c.calls[x.FireKey]
	sent, reached := 0, 0 // attempts that the record times; calls that arrived
	for _, a := range x.AllAttempts() {
		if a.StartedAt != 0 {
			sent++
		}
	}
	for _, s := range calls {
		if s.reached {
			reached++
		}
		if s.wall < x.ScheduledAt {
			c.t.Errorf("%v was sent at %d, before its time", x.FireKey, s.wall)
		}
		if u, err := url.Parse(s.Target()); err != nil ||
			(u.Query().Get("v") != "" && u.Query().Get("v") != strconv.Itoa(v.Number)) {
			c.t.Errorf("%v is of version %d and was sent to %s", x.FireKey, v.Number, s.Target())
		}
	}
	switch x.Status {
	case domain.StatusSkipped, domain.StatusMissed:
		c.noCalls(x.FireKey, x.Status)
	default:
		// Attempts that a crash hid may have been sent or not.
		if len(calls) < sent || len(calls) > max(len(x.AllAttempts()), sent) {
			c.t.Errorf("%v is on record as %s with %d attempts, %d of them timed; the target saw %d",
				x.FireKey, x.Status, len(x.AllAttempts()), sent, len(calls))
		}
	}
	if v.Spec.Type == domain.AtMostOnce && reached > 1 {
		c.t.Errorf("%v is at most once and reached the target %d times", x.FireKey, reached)
	}
}

// checkSilence asserts that a job sent nothing of its calendar between the
// answer to a pause or delete and its next edit.
func (c *checker) checkSilence() {
	c.t.Helper()
	for _, q := range c.w.quiet {
		for key, calls := range c.calls {
			if key.JobID != q.job || key.Nonce != 0 {
				continue
			}
			for _, s := range calls {
				if s.at.After(q.from) && (q.until.IsZero() || s.at.Before(q.until)) {
					c.t.Errorf("%v was sent %s after the job was stopped", key, s.at.Sub(q.from))
				}
			}
		}
	}
}
