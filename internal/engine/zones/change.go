package zones

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/cron"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// These limits bound how much a change of rules examines and logs.
const (
	movedLooked = 10_000               // jobs: each costs up to some 100 us
	movedTold   = 20                   // jobs that are named
	movedFires  = 3                    // fires of each that are named
	movedWalk   = 500                  // fires of a stretch that are compared
	movedAhead  = 366 * 24 * time.Hour // a rule of a year comes once in it
)

// changedZone is a zone whose rules are others than those of the last owner.
type changedZone struct{ old, now string }

// Change is what has become of the rules of zones since the last owner fired by them.
type Change struct {
	rules *Rules
	log   *slog.Logger

	changed    map[string]changedZone // by zone
	rulesFrom  int64                  // they hold from then on, Unix milliseconds
	freshRules []store.ZoneRules      // of zones that the store does not know yet
}

// ReadChange compares the rules of zones with those by which the last owner
// fired. From the second after the instant on, in Unix milliseconds, the new ones
// hold; what was due before keeps its place.
func ReadChange(ctx context.Context, rules *Rules, log *slog.Logger, after int64) (*Change, error) {
	stored, err := rules.shards.ZoneRules(ctx)
	if err != nil {
		return nil, err
	}
	byZone := make(map[string][]store.ZoneRules)
	for _, s := range stored {
		byZone[s.Zone] = append(byZone[s.Zone], s)
	}
	from := (after/1000 + 1) * 1000
	data := cron.Zones()
	c := &Change{rules: rules, log: log, changed: make(map[string]changedZone), rulesFrom: from}
	history := make(map[string][]cron.Rules)
	var fresh []store.ZoneRules
	for _, zone := range slices.Sorted(maps.Keys(byZone)) {
		pieces := byZone[zone]
		last := pieces[len(pieces)-1]
		if now, known := data.Rules(zone); known && !cron.SameRules(last.Data, now) {
			next := store.ZoneRules{Zone: zone, From: max(from, last.From+1000), Release: data.Release(), Data: now}
			fresh, pieces = append(fresh, next), append(pieces, next)
			c.changed[zone] = changedZone{last.Data, now}
			c.log.Warn("the rules of a time zone have changed", "zone", zone, "from",
				time.UnixMilli(next.From).UTC(),
				"old", last.Release, "new", next.Release)
		}
		if len(pieces) > 1 {
			history[zone] = rulesOf(pieces)
		}
	}
	rules.Keep(stored)
	if err := rules.Put(ctx, fresh); err != nil {
		return nil, err
	}
	if len(history) > 0 {
		cron.UseHistory(history)
	}
	return c, nil
}

// rulesOf returns the rules of a zone as the calendar takes them.
func rulesOf(pieces []store.ZoneRules) (rules []cron.Rules) {
	for _, p := range pieces {
		rules = append(rules, cron.Rules{From: p.From / 1000, Data: p.Data})
	}
	return rules
}

// NoteZone collects the zones of which the store keeps no rules yet.
func (c *Change) NoteZone(v *run.Version) {
	if rules, some := c.rules.Unkept(v.Plan.Value().Schedule.Zone()); some {
		c.freshRules = append(c.freshRules, rules)
		c.rules.Keep(c.freshRules[len(c.freshRules)-1:])
	}
}

// KeepFresh stores the rules of the zones that NoteZone collected.
func (c *Change) KeepFresh(ctx context.Context) error {
	return c.rules.Put(ctx, c.freshRules)
}

// LogMoved logs which of the jobs fire at other instants by the new rules of their
// zones, and keeps a summary as the warning of the rules.
func (c *Change) LogMoved(jobs iter.Seq[*run.Job]) {
	if len(c.changed) == 0 {
		return
	}
	looked, moved := 0, 0
	var named []string
	for j := range jobs {
		v := j.Current
		if v.ActiveFrom() == domain.Forever {
			continue
		}
		zone := v.Plan.Value().Schedule.Zone()
		change, found := c.changed[zone]
		if !found {
			continue
		}
		if looked++; looked > movedLooked {
			continue
		}
		gone, added := c.movedOf(j, v, change)
		if len(gone)+len(added) == 0 {
			continue
		}
		if moved++; moved <= movedTold {
			c.log.Warn("a job fires at other instants by the new rules of its time zone",
				telemetry.KeyJobID, j.ID.String(),
				"zone", zone, "no_longer", stamps(gone), "instead", stamps(added))
		}
		if len(named) < movedFires {
			named = append(named, j.ID.String())
		}
	}
	if moved == 0 {
		return
	}
	text := fmt.Sprintf("the rules of %s have changed with release %s: %d jobs fire at other instants, among them %s",
		strings.Join(slices.Sorted(maps.Keys(c.changed)), ", "), cron.Zones().Release(), moved,
		strings.Join(named, ", "))
	if looked > movedLooked {
		text += fmt.Sprintf("; %d more were not checked", looked-movedLooked)
	}
	c.log.Warn(text)
	c.rules.warn(text)
}

// movedOf returns the first fires that a job has by one of two rules alone, in
// a year.
func (c *Change) movedOf(j *run.Job, v *run.Version, change changedZone) (gone, added []int64) {
	p := v.Plan.Value()
	window := v.Window()
	window.From = max(window.From, c.rulesFrom)
	before, after := p.Schedule.WithRules(change.old), p.Schedule.WithRules(change.now)
	if before == nil || after == nil {
		return nil, nil
	}
	old, now := window.Timing(before, j.ID, j.CreatedAt), window.Timing(after, j.ID, j.CreatedAt)
	const day = 24 * 60 * 60
	start := c.rulesFrom / 1000
	for _, s := range cron.Differences(change.old, change.now, start, start+int64(movedAhead/time.Second)) {
		from, to := (s.From-day)*1000, (s.To+day)*1000
		x, y := firesIn(old, from, to), firesIn(now, from, to)
		if cut := min(endOfWalk(x), endOfWalk(y)); cut < to { // they are compared as far as both go
			x, y = upTo(x, cut), upTo(y, cut)
		}
		gone, added = append(gone, missingIn(x, y)...), append(added, missingIn(y, x)...)
	}
	return gone[:min(len(gone), movedFires)], added[:min(len(added), movedFires)]
}

func firesIn(t domain.Timing, from, to int64) (fires []int64) {
	for at, ok := t.Next(from - 1); ok && at < to && len(fires) < movedWalk; at, ok = t.Next(at) {
		fires = append(fires, at)
	}
	return fires
}

// endOfWalk returns how far a walk came that was cut off, or never.
func endOfWalk(fires []int64) int64 {
	if len(fires) < movedWalk {
		return run.Never
	}
	return fires[len(fires)-1]
}

func upTo(fires []int64, last int64) []int64 {
	i, found := slices.BinarySearch(fires, last)
	if found {
		i++
	}
	return fires[:i]
}

// missingIn returns those of one ordered list that another has not.
func missingIn(fires, others []int64) (out []int64) {
	for _, at := range fires {
		if _, found := slices.BinarySearchFunc(others, at, cmp.Compare[int64]); !found {
			out = append(out, at)
		}
	}
	return out
}

func stamps(fires []int64) []string {
	out := make([]string, len(fires))
	for i, at := range fires {
		out[i] = time.UnixMilli(at).UTC().Format(time.RFC3339)
	}
	return out
}
