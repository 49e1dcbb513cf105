package spelling

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNearest(t *testing.T) {
	settings := []string{"port", "host", "db_path", "log_level", "max_in_flight", "max_in_flight_per_host"}
	commands := []string{"serve", "import", "export", "history", "health", "keys", "config", "receiver"}
	fields := []string{"api", "schedule", "type", "timeoutMs", "timezone", "tags", "retry", "clientCertificate"}
	for _, c := range []struct {
		wrong string
		known []string
		want  string // names with blanks between
	}{
		// the same but for case and separators, whatever the length
		{"HOST", settings, "host"}, {"dbPath", settings, "db_path"}, {"db path\n", settings, "db_path"},
		{"API", fields, "api"}, {"client_certificate", fields, "clientCertificate"},
		{"log.level", settings, "log_level"},
		{"_", []string{"-"}, "-"},

		// 3 letters and less: 1
		{"apis", fields, "api"}, {"ap", fields, "api"}, {"pai", fields, "api"}, {"apiss", fields, ""},
		{"a", fields, ""},
		{"b", []string{"a"}, "a"}, {"", []string{"a"}, "a"}, {"cd", []string{"ab"}, ""},

		// 4 and 5 letters: 1
		{"ports", settings, "port"}, {"prot", settings, "port"}, {"pot", settings, "port"}, {"pard", settings, ""},
		{"typ", fields, "type"}, {"tpye", fields, "type"}, {"tag", fields, "tags"}, {"serv", commands, "serve"},
		{"chekc", []string{"check"}, "check"}, {"serviq", commands, ""}, {"retires", fields, ""},

		// 6 letters and more: 2
		{"imporrrt", commands, "import"}, {"schedul", fields, "schedule"}, {"shcedlue", fields, "schedule"},
		{"log-levle", settings, "log_level"}, {"maxinflights", settings, "max_in_flight"},
		{"retenton", []string{"retention"}, "retention"}, {"clientCertificates", fields, "clientCertificate"},
		{"klientZertifikate", fields, ""}, {"imporrrrt", commands, ""},

		// as near as each other: all, and only the nearest
		{"umport", []string{"export", "import", "report"}, "import"},
		{"xlport", []string{"elport", "report", "ilport"}, "elport ilport"},
		{"aaaaab", []string{"aaaacc", "aaaaaa"}, "aaaaaa"}, {"aaaaab", []string{"aaaaaa", "aaaacc"}, "aaaaaa"},

		// a beginning, of one name only
		{"hist", commands, "history"}, {"exp", commands, "export"}, {"sched", fields, "schedule"}, {"re", commands, ""},
		{"time", fields, ""}, {"he", commands, ""}, {"receive", commands, "receiver"}, {"db-", settings, ""},

		// nothing
		{"zzz", settings, ""}, {"", settings, ""}, {strings.Repeat("p", 200), settings, ""}, {"colour", settings, ""},
		{"port", nil, ""}, {"port", []string{strings.Repeat("port", 17)}, ""},
	} {
		if got := strings.Join(Nearest(c.wrong, c.known, nil), " "); got != c.want {
			t.Errorf("near to %q is %q, want %q", c.wrong, got, c.want)
		}
	}
}

func TestNamesAreComparedAsTheCallerFoldsThem(t *testing.T) {
	prefix := func(name string) string { return strings.TrimPrefix(Fold(name), "belfry") }
	if got := Nearest("BELFRY_PROT", []string{"HOST", "PORT"}, prefix); !slices.Equal(got, []string{"PORT"}) {
		t.Errorf("near are %q, want PORT", got)
	}
	if got := Nearest("BELFRY_PROT", []string{"HOST", "PORT"}, nil); got != nil {
		t.Errorf("near are %q, want none", got)
	}
}

// TestDistance: it is symmetric, zero for equal texts alone, and no larger than the number
// of edits that made one text of the other.
func TestDistance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[ab]{0,7}`)
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		d := distance(a, b)
		if d != distance(b, a) {
			t.Fatalf("%q is %d from %q, and %d the other way", a, d, b, distance(b, a))
		}
		if (d == 0) != (a == b) {
			t.Fatalf("%q is %d from %q", a, d, b)
		}
		edited := a
		at := rapid.IntRange(0, len(a)).Draw(t, "at")
		switch rapid.IntRange(0, 3).Draw(t, "edit") {
		case 0:
			edited = a[:at] + "b" + a[at:]
		case 1:
			edited = a[:at] + a[min(at+1, len(a)):]
		case 2:
			edited = a[:at] + "c" + a[min(at+1, len(a)):]
		case 3:
			if at+1 < len(a) {
				edited = a[:at] + a[at+1:at+2] + a[at:at+1] + a[at+2:]
			}
		}
		if d := distance(a, edited); d > 1 {
			t.Fatalf("%q is %d from %q, which one edit made of it", a, d, edited)
		}
	})
}
