package cron

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxZones bounds the table of zones. The database has 598 names.
const maxZones = 1024

var zones struct {
	sync.RWMutex
	byName map[string]*zone
}

// loadZone finds a zone by its IANA name; "" is UTC.
func loadZone(name string) (*zone, error) {
	if name == "" {
		name = "UTC"
	}
	zones.RLock()
	z := zones.byName[name]
	zones.RUnlock()
	if z != nil {
		return z, nil
	}
	if err := checkZoneName(name); err != nil {
		return nil, err
	}
	data := Zones()
	loc, ok := data.location(name)
	if !ok {
		return nil, fail("timezone", 1, name, zoneExample, "is not a known zone").as(UnknownZone)
	}
	name = strings.Clone(name)
	zones.RLock()
	pieces := history[name]
	zones.RUnlock()
	if len(pieces) > 1 {
		z = splicedZone(name, loc, pieces)
	} else {
		z = newZone(name, loc)
	}
	zones.Lock()
	defer zones.Unlock()
	if old := zones.byName[name]; old != nil {
		return old, nil
	}
	if zones.byName == nil {
		zones.byName = make(map[string]*zone)
	}
	if len(zones.byName) < maxZones && Zones() == data {
		zones.byName[name] = z
	}
	return z, nil
}

// Zones returns the zone data in force: the embedded ones, unless UseZones has named others.
func Zones() *ZoneData {
	if d := inForce.Load(); d != nil {
		return d
	}
	return embedded()
}

// UseZones sets the zone data to use; nil means the embedded data. It is called at the
// start of a process, because a schedule that was parsed before keeps its rules.
func UseZones(d *ZoneData) {
	zones.Lock()
	defer zones.Unlock()
	inForce.Store(d)
	zones.byName, history = nil, nil
	interned.Clear()
}

// LoadLocation is the location of a zone in the data in force. It takes what a schedule takes.
func LoadLocation(name string) (*time.Location, error) {
	z, err := loadZone(name)
	if err != nil {
		return nil, err
	}
	return z.loc, nil
}

var inForce atomic.Pointer[ZoneData]

// history has, for zones whose rules have changed, which rules applied from when.
var history map[string][]Rules // under zones

// UseHistory sets, for zones whose rules have changed, which rules applied from when; the
// oldest rules come first. Fires before the change keep their instants by the old rules,
// and fires after it are computed by the new rules. At the change the wall clock of the
// zone may jump, as at any other change of its offset.
//
//	old rules   ──┬───┬───┬───┬─ ─ ─
//	new rules  ─ ─ ─ ─ ─ ─ ─ ─ ┬────┬────┬──
//	the zone    ──┬───┬───┬────┬────┬────┬──
//	                         From
//
// Like UseZones it is called at the start of a process. It keeps the history of zones
// that are not in the argument.
func UseHistory(byZone map[string][]Rules) {
	zones.Lock()
	defer zones.Unlock()
	if history == nil {
		history = make(map[string][]Rules)
	}
	maps.Copy(history, byZone)
	zones.byName = nil
	interned.Clear()
}
