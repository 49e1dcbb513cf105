package cron

import (
	"maps"
	"slices"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/spelling"
)

// namesOfZones lists the names of the zone data in force, in order.
func namesOfZones() []string { return slices.Sorted(maps.Keys(Zones().zones)) }

// zoneKey leaves the letters, the digits, and the signs that belong to a number.
func zoneKey(name string) string {
	var b strings.Builder
	for i, c := range []byte(strings.ToLower(name)) {
		sign := (c == '+' || c == '-') && i+1 < len(name) && isDigit(name[i+1])
		if isLetter(c) || isDigit(c) || sign {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// spelledZone finds a name that differs from the text in case and separators alone, or has its folder before it.
func spelledZone(text string) string {
	key := zoneKey(text)
	key = strings.TrimPrefix(strings.TrimPrefix(key, "usrsharezoneinfo"), "posix")
	for _, name := range namesOfZones() {
		if zoneKey(name) == key && name != "Factory" {
			return name
		}
	}
	return ""
}

// places are cities and names that people expect in the database, or that were in it.
var places = map[string]string{
	"beijing": "Asia/Shanghai", "asiabeijing": "Asia/Shanghai", "mumbai": "Asia/Kolkata", "asiamumbai": "Asia/Kolkata",
	"delhi": "Asia/Kolkata", "asiadelhi": "Asia/Kolkata", "bangalore": "Asia/Kolkata", "india": "Asia/Kolkata",
	"sanfrancisco": "America/Los_Angeles", "americasanfrancisco": "America/Los_Angeles",
	"seattle":      "America/Los_Angeles",
	"uspacificnew": "America/Los_Angeles", "boston": "America/New_York", "washington": "America/New_York",
	"frankfurt": "Europe/Berlin", "europefrankfurt": "Europe/Berlin", "munich": "Europe/Berlin",
	"hamburg": "Europe/Berlin",
	"milan":   "Europe/Rome", "geneva": "Europe/Zurich", "barcelona": "Europe/Madrid", "germany": "Europe/Berlin",
	"france":              "Europe/Paris",
	"easterntimeuscanada": "America/New_York", "centraltimeuscanada": "America/Chicago",
	"mountaintimeuscanada": "America/Denver", "pacifictimeuscanada": "America/Los_Angeles",
	"easterntime": "America/New_York", "centraltime": "America/Chicago", "mountaintime": "America/Denver",
	"pacifictime": "America/Los_Angeles",
}

// askZone returns a question with zones whose name is similar to the text, or whose place
// is the text. Both are guesses.
func askZone(text string) string {
	key := zoneKey(text)
	if len(key) < 4 {
		return ""
	}
	names := namesOfZones()
	near := citiesOf(names, key)
	if place := places[key]; place != "" {
		near = []string{place}
	}
	if len(near) == 0 {
		near = nearZones(names, text)
	}
	switch len(near) {
	case 0:
		return ""
	case 1:
		return "did you mean " + near[0] + "?"
	}
	return "did you mean one of " + strings.Join(near[:min(len(near), 4)], ", ") + "?"
}

// citiesOf lists the zones whose last part is the text.
func citiesOf(names []string, key string) []string {
	var found []string
	for _, name := range names {
		if i := strings.LastIndexByte(name, '/'); i > 0 && zoneKey(name[i+1:]) == key {
			found = append(found, name)
		}
	}
	return found
}

// nearZones lists the names of places that are nearest to the text.
func nearZones(names []string, text string) []string {
	places := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return !strings.Contains(name, "/") || strings.HasPrefix(name, "Etc/")
	})
	return spelling.Nearest(text, places, zoneKey)
}
