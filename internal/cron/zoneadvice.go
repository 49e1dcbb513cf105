package cron

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
)

// adviseZone adds advice to the error of a refused zone. It suggests a zone only if the
// name identifies exactly that zone. If several zones are possible, the hint explains
// that or asks for a place.
func adviseZone(err error, name string) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Field != "timezone" {
		return err
	}
	switch zone, why := meantZone(name); {
	case zone != "":
		e.Suggestion = &Suggestion{Timezone: zone}
		e.Hint = "use " + zone
		if why != "" {
			e.Hint += "; " + why
		}
	case why != "":
		e.Hint = why
	}
	return e
}

// meantZone returns the zone that a name identifies exactly, in another notation, or else
// why there is none.
func meantZone(name string) (zone, why string) {
	clean := strings.Trim(name, " \t\r\n\"'`:")
	if clean == "" || len(clean) > maxZoneName {
		return "", ""
	}
	if machineZones[strings.ToLower(clean)] {
		return "", "each machine has a zone of its own there: name the zone, such as Europe/Berlin"
	}
	if zone, why = spelledZone(clean), ""; zone == "" {
		zone = windowsZones[strings.ToLower(clean)]
	}
	if zone == "" {
		if zone, why = offsetZone(clean); zone == "" && why == "" {
			why = abbreviation(clean)
		}
	}
	if zone == "" && why == "" && posixRule.MatchString(clean) {
		why = "that is a rule for the C library, where the sign of an offset is reversed (JST-9 is +09:00), not a " +
			"name: " + zoneExample
	}
	if zone == "" && why == "" {
		why = askZone(clean)
	}
	if _, err := loadZone(zone); zone == "" || err != nil { // zone data of the operator may lack it
		return "", why
	}
	return zone, why
}

// machineZones are words that mean the configured zone of a machine.
var machineZones = map[string]bool{
	"local": true, "localtime": true, "system": true, "default": true, "/etc/localtime": true, ":/etc/localtime": true,
}

// offsetForm is an offset from UTC, with or without a name before it, and the cities that Windows shows behind it.
var offsetForm = regexp.MustCompile(`^(?i:\(?(?:UTC|GMT))?\s?([+-])(\d{1,2})(?::?(\d{2}))?(\).*)?$`)

// posixRule is an offset, or the two of a zone with daylight saving time, as TZ has them for the C library.
var posixRule = regexp.MustCompile(`^(?i:Etc/)?(?:<[A-Za-z0-9+-]+>|[A-Za-z]{3,6})[+-]?\d{1,2}(?::\d{2}){0,` +
	`2}(?:(?:<[A-Za-z0-9+-]+>|[A-Za-z]{3,6}).*)?$`)

// offPlaces are places whose clocks have an offset that no zone of a fixed offset has.
var offPlaces = map[string]string{
	"+03:30": "Asia/Tehran", "+04:30": "Asia/Kabul", "+05:30": "Asia/Kolkata", "+05:45": "Asia/Kathmandu",
	"+06:30": "Asia/Yangon", "+08:45": "Australia/Eucla", "+09:30": "Australia/Darwin", "-09:30": "Pacific/Marquesas",
	"-03:30": "America/St_Johns",
}

// offsetZone finds the zone of a fixed offset. The names of such zones have the sign of
// POSIX, which is the opposite of the usual one, so the offset of the zone is compared
// rather than its name.
func offsetZone(name string) (zone, why string) {
	if name == "Z" || name == "z" {
		return "UTC", ""
	}
	m := offsetForm.FindStringSubmatch(strings.ReplaceAll(name, "\u2212", "-"))
	if m == nil {
		return "", ""
	}
	hours, _ := strconv.Atoi(m[2])
	minutes, _ := strconv.Atoi(m[3])
	offset, inverse := int32(hours*3600+minutes*60), "-"
	if m[1] == "-" {
		offset, inverse = -offset, "+"
	}
	text := offsetText(offset)
	none := "no zone has the fixed offset " + text + ": use a place"
	switch {
	case m[4] != "":
		return "", "an offset with cities is how Windows shows a zone, not its name: " + zoneExample
	case offset == 0:
		return "UTC", ""
	case offPlaces[text] != "":
		return "", none + ", such as " + offPlaces[text]
	case minutes != 0:
		return "", none
	}
	zone = "Etc/GMT" + inverse + itoa(hours)
	z, err := loadZone(zone)
	if err != nil || len(z.spans) != 1 || z.spans[0].off != offset {
		return "", none
	}
	return zone, "that is " + text + " all year (the sign in the name is reversed); a place such as Europe/Berlin " +
		"follows clock changes"
}
