package cron

import "strings"

// fixedNames are zones named like one half of a zone with summer time: they keep one offset all year.
var fixedNames = map[string]string{
	"EST": "UTC-05:00 all year, without daylight saving time: America/New_York has it",
	"MST": "UTC-07:00 all year, without daylight saving time: America/Denver has it",
	"HST": "UTC-10:00 all year",
}

// zone warns about names that do not mean what they seem to mean.
func (r review) zone() []string {
	name := r.clock.zone.name
	if what := fixedNames[name]; what != "" {
		return []string{"the zone " + name + " is " + what}
	}
	offset := r.clock.zone.spans[0].off
	if !strings.HasPrefix(name, "Etc/GMT") || offset == 0 {
		return nil
	}
	return []string{"the zone " + name + " is UTC" + offsetText(offset) + ": the sign in its name is turned round"}
}
