package dialect

import "strings"

// readZonePrefix reads TZ=Europe/Berlin or CRON_TZ=.. before the rest.
func (w within) readZonePrefix(text string) (Reading, bool) {
	name, rest, found := strings.Cut(text, "=")
	if !found || !strings.EqualFold(name, "TZ") && !strings.EqualFold(name, "CRON_TZ") {
		return Reading{}, false
	}
	zone, rest, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	zone = strings.Trim(zone, `"'`)
	if r, ok := signReversed(zone); ok {
		return r, true
	}
	return w.inZone(zone, strings.TrimSpace(rest))
}

// inZone is the reading of a text that follows its zone.
func (w within) inZone(zone, rest string) (Reading, bool) {
	why := `the zone goes into the job's own field "timezone"`
	r, ok := w.nativeOrForeign(rest)
	if !ok || r.Rule == nil || r.Zone != "" {
		return explained(aZone, join(why, r.Why))
	}
	if r.Rule.Kind == Period {
		zone, why = "", "a period is the same in every zone"
	}
	return Reading{Problem: aZone, Offer: r.Offer, Zone: zone, Rule: r.Rule, Why: join(why, r.Why)}, true
}
