package dialect

import (
	"regexp"
	"strings"
)

var (
	random = regexp.MustCompile(`^(?:\d+)?~(?:\d+)?(?:/\d+)?$`)
	// monotonic are systemd's timers that count from an event.
	monotonic = regexp.MustCompile(`^(?i:On(?:Active|Boot|Startup|UnitActive|UnitInactive)Sec)\s*=`)
	// ofCalendar is Quartz' 5C.
	ofCalendar = regexp.MustCompile(`^(?i)\d+C$`)
)

// readUnlike explains what no schedule of Belfry does.
func readUnlike(text string) (Reading, bool) {
	if monotonic.MatchString(text) {
		return explained(systemdNotation, "it counts from a start or from the last run there; a period here is "+
			"@every 5m, counted from the "+
			"creation of the job")
	}
	words := strings.Fields(text)
	if len(words) < 5 {
		return Reading{}, false
	}
	why := ""
	for i, w := range words[:min(len(words), 7)] {
		switch {
		case random.MatchString(w):
			why = "~ chooses anew at each start of cron there; H, or H(0-29), chooses a value for the job that stays"
		case len(words) > 5 && (i == 3 || i == 5) && ofCalendar.MatchString(w):
			why = "C asks for a calendar of Quartz, which has no form here"
		}
	}
	if why == "" {
		return Reading{}, false
	}
	r, _ := explained("has a form that no schedule here has", why)
	r.InField = true
	return r, true
}
