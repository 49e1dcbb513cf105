package cron

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestForeignZones: a zone that a hint offers has the right offsets in the middle of
// January and of July 2026, according to the source of the name: Windows' list of time
// zones, the offset in the name itself, or the C library.
func TestForeignZones(t *testing.T) {
	for _, c := range []struct {
		name, offer   string
		january, july string
	}{
		{"Tokyo Standard Time", "Asia/Tokyo", "+09:00", "+09:00"},
		{"Pacific Standard Time", "America/Los_Angeles", "-08:00", "-07:00"},
		{"Eastern Standard Time", "America/New_York", "-05:00", "-04:00"},
		{"eastern standard time", "America/New_York", "-05:00", "-04:00"},
		{"W. Europe Standard Time", "Europe/Berlin", "+01:00", "+02:00"},
		{"Romance Standard Time", "Europe/Paris", "+01:00", "+02:00"},
		{"Central European Standard Time", "Europe/Warsaw", "+01:00", "+02:00"},
		{"GMT Standard Time", "Europe/London", "+00:00", "+01:00"},
		{"Greenwich Standard Time", "Atlantic/Reykjavik", "+00:00", "+00:00"},
		{"FLE Standard Time", "Europe/Kiev", "+02:00", "+03:00"},
		{"India Standard Time", "Asia/Calcutta", "+05:30", "+05:30"},
		{"Nepal Standard Time", "Asia/Katmandu", "+05:45", "+05:45"},
		{"China Standard Time", "Asia/Shanghai", "+08:00", "+08:00"},
		{"AUS Eastern Standard Time", "Australia/Sydney", "+11:00", "+10:00"},
		{"E. Australia Standard Time", "Australia/Brisbane", "+10:00", "+10:00"},
		{"New Zealand Standard Time", "Pacific/Auckland", "+13:00", "+12:00"},
		{"US Mountain Standard Time", "America/Phoenix", "-07:00", "-07:00"},
		{"Eastern Standard Time (Mexico)", "America/Cancun", "-05:00", "-05:00"},
		{"E. South America Standard Time", "America/Sao_Paulo", "-03:00", "-03:00"},
		{"Arabian Standard Time", "Asia/Dubai", "+04:00", "+04:00"},
		{"Dateline Standard Time", "Etc/GMT+12", "-12:00", "-12:00"},
		{"UTC-11", "Etc/GMT+11", "-11:00", "-11:00"},
		{"UTC-02", "Etc/GMT+2", "-02:00", "-02:00"},
		{"UTC+12", "Etc/GMT-12", "+12:00", "+12:00"},
		{"UTC+13", "Etc/GMT-13", "+13:00", "+13:00"},
		{"UTC+2", "Etc/GMT-2", "+02:00", "+02:00"},
		{"UTC+02:00", "Etc/GMT-2", "+02:00", "+02:00"},
		{"UTC\u22123", "Etc/GMT+3", "-03:00", "-03:00"},
		{"GMT+8:00", "Etc/GMT-8", "+08:00", "+08:00"},
		{"GMT-3", "Etc/GMT+3", "-03:00", "-03:00"},
		{"+02:00", "Etc/GMT-2", "+02:00", "+02:00"},
		{"-0500", "Etc/GMT+5", "-05:00", "-05:00"},
		{"+14", "Etc/GMT-14", "+14:00", "+14:00"},
		{"-12", "Etc/GMT+12", "-12:00", "-12:00"},
		{"Z", "UTC", "+00:00", "+00:00"},
		{"+00:00", "UTC", "+00:00", "+00:00"},
		{"UTC+0", "UTC", "+00:00", "+00:00"},
		{"america/new_york", "America/New_York", "-05:00", "-04:00"},
		{"America/New York", "America/New_York", "-05:00", "-04:00"},
		{":America/New_York", "America/New_York", "-05:00", "-04:00"},
		{"/usr/share/zoneinfo/Europe/Berlin", "Europe/Berlin", "+01:00", "+02:00"},
		{"posix/Europe/Berlin", "Europe/Berlin", "+01:00", "+02:00"},
	} {
		_, err := Parse("@daily", c.name, DST{})
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Suggestion == nil || *e.Suggestion != (Suggestion{Timezone: c.offer}) ||
			!strings.HasPrefix(e.Hint, "use "+c.offer) {
			t.Errorf("%q: %v, want %s", c.name, err, c.offer)
			continue
		}
		s := mustParse(t, "@daily", c.offer, DST{})
		for month, want := range map[time.Month]string{time.January: c.january, time.July: c.july} {
			if got := time.Date(2026, month, 15, 0, 0, 0, 0, s.Location()).Format("-07:00"); got != want {
				t.Errorf("%q: %s has %s in %s, want %s", c.name, c.offer, got, month, want)
			}
		}
	}
}

// TestForeignZonesWithoutOffer: names that leave a choice, or have no zone here, are explained.
func TestForeignZonesWithoutOffer(t *testing.T) {
	for name, says := range map[string]string{
		"(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna": "is how Windows shows a zone",
		"+05:30":                     "such as Asia/Kolkata",
		"+0530":                      "such as Asia/Kolkata",
		"+5:45":                      "such as Asia/Kathmandu",
		"+15:00":                     "no zone has the fixed offset +15:00",
		"UTC-13":                     "no zone has the fixed offset -13:00",
		"EDT":                        "America/New_York follows Eastern time through the year",
		"PST":                        "Asia/Manila is Philippine time",
		"IST":                        "Asia/Kolkata is India, Asia/Jerusalem is Israel, Europe/Dublin is Ireland",
		"CEST":                       "Central European time through the year",
		"BST":                        "Europe/London is Britain, Asia/Dhaka is Bangladesh",
		"Beijing":                    "did you mean Asia/Shanghai?",
		"Berlin":                     "did you mean Europe/Berlin?",
		"Europe/Frankfurt":           "did you mean Europe/Berlin?",
		"Europe/Belrin":              "did you mean Europe/Berlin?",
		"Eastern Time (US & Canada)": "did you mean America/New_York?",
		"Local":                      "each machine has a zone of its own",
		"SYSTEM":                     "each machine has a zone of its own",
		"Etc/UTC+2":                  "the sign of an offset is reversed",
		"JST-9":                      "the sign of an offset is reversed",
		"<+03>-3":                    "the sign of an offset is reversed",
		"EST5":                       "the sign of an offset is reversed",
		"CET-1CEST,M3.5.0,M10.5.0/3": "the sign of an offset is reversed",
		"GMT0BST,M3.5.0/1,M10.5.0":   "the sign of an offset is reversed",
		"Etc/GMT+15":                 zoneExample,
		"Nowhere":                    zoneExample,
	} {
		_, err := Parse("@daily", name, DST{})
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Suggestion != nil || !strings.Contains(e.Hint, says) {
			t.Errorf("%q: %v, want %q and no offer", name, err, says)
		}
	}
}
