package zones

import (
	"fmt"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/cron"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// unlikeTold is how many zones are named whose rules differ.
const unlikeTold = 3

// Unlike says by which rules, that are on record, this program would not compute fires: its zone
// data are of another release, or lack a zone. Empty: by none. Another process may fire by them now.
func Unlike(stored []store.ZoneRules) string {
	last := make(map[string]*store.ZoneRules)
	var order []string
	for i := range stored { // by zone and instant
		if last[stored[i].Zone] == nil {
			order = append(order, stored[i].Zone)
		}
		last[stored[i].Zone] = &stored[i]
	}
	data := cron.Zones()
	var names []string
	release := ""
	for _, zone := range order {
		now, known := data.Rules(zone)
		if known && cron.SameRules(last[zone].Data, now) {
			continue
		}
		names, release = append(names, zone), last[zone].Release
	}
	if len(names) == 0 {
		return ""
	}
	more := ""
	if n := len(names) - unlikeTold; n > 0 {
		more, names = fmt.Sprintf(" and %d more", n), names[:unlikeTold]
	}
	return fmt.Sprintf("the rules of %s%s are those of release %s, but here of release %s", strings.Join(names, ", "),
		more, release, data.Release())
}

// Follow gives the calendar the rules on record, if another process has changed some: a node that takes
// no shards over computes what was fired, too.
func (z *Rules) Follow(stored []store.ZoneRules) {
	z.mu.Lock()
	known := z.followed == len(stored)
	z.followed = len(stored)
	z.mu.Unlock()
	if known {
		return
	}
	byZone := make(map[string][]store.ZoneRules)
	for _, r := range stored {
		byZone[r.Zone] = append(byZone[r.Zone], r)
	}
	history := make(map[string][]cron.Rules)
	for zone, pieces := range byZone {
		if len(pieces) > 1 {
			history[zone] = rulesOf(pieces)
		}
	}
	if len(history) > 0 {
		cron.UseHistory(history)
	}
}
