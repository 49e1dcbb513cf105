package cron

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/belfry-scheduler/belfry/internal/cron/crontest"
)

// strangeZones have properties that break naive arithmetic: half-hour and two-hour
// shifts, gaps and folds at midnight, a skipped day, offsets with odd minutes or seconds,
// and rules that changed or that apply twice within weeks.
var strangeZones = []string{
	"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Beirut",
	"Africa/Cairo",
	"America/Asuncion", "Pacific/Apia", "Asia/Kathmandu", "Africa/Casablanca", "Asia/Gaza", "Pacific/Kwajalein",
	"Antarctica/Troll", "Antarctica/Casey", "Asia/Tehran", "America/Havana", "Atlantic/Azores", "Africa/Monrovia",
	"America/Caracas", "Asia/Pyongyang", "America/St_Johns", "Europe/Dublin", "Pacific/Chatham", "America/Scoresbysund",
}

// unix reads an instant of a table: RFC 3339.
func unix(t testing.TB, text string) int64 {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.Unix()
}

// local renders an instant the way the tables are written.
func local(s *Schedule, t int64) string { return time.Unix(t, 0).In(s.Location()).Format(time.RFC3339) }

func mustParse(t testing.TB, text, zone string, dst DST) *Schedule {
	t.Helper()
	s, err := Parse(text, zone, dst)
	if err != nil {
		t.Fatalf("Parse(%q, %q): %v", text, zone, err)
	}
	return s
}

// oracleOf is the slow calendar of the same job.
func oracleOf(t interface{ Fatal(...any) }, s *Schedule, b Binding) *crontest.Calendar {
	c, err := crontest.New(crontest.Job{
		Location: s.clock.zone.loc,
		Text:     s.text, Zone: s.Zone(), Gap: string(s.dst.Gap), Fold: string(s.dst.Fold), Seed: b.Seed,
		Anchor: b.Anchor,
	})
	if err != nil {
		t.Fatal(s.text, err)
	}
	return c
}

// genItem draws one item of a plain field.
func genItem(t *rapid.T, sp *spec, label string) string {
	value := func(name string) string {
		v := rapid.IntRange(sp.min, sp.max).Draw(t, name)
		if i := v - sp.min; i < len(sp.names) && rapid.Bool().Draw(t, "named") {
			return sp.names[i]
		}
		return fmt.Sprint(v)
	}
	step := func(most int) string { return fmt.Sprintf("/%d", rapid.IntRange(1, most).Draw(t, "step")) }
	kinds := []string{"v", "v", "v-v", "v/s", "v-v/s", "*", "*", "*/s", "H", "H(", "H/s"}
	switch kind := rapid.SampledFrom(kinds).Draw(t, label); kind {
	case "v":
		return value("v")
	case "v-v":
		return value("from") + "-" + value("to")
	case "v/s":
		return value("from") + step(sp.size()-1)
	case "v-v/s":
		return value("from") + "-" + value("to") + step(sp.size()-1)
	case "*/s":
		return "*" + step(sp.size()-1)
	case "H":
		return "H"
	case "H/s":
		return "H" + step(sp.hashMax-sp.min+1)
	case "H(":
		a := rapid.IntRange(sp.min, sp.hashMax).Draw(t, "a")
		b := rapid.IntRange(a, sp.hashMax).Draw(t, "b")
		text := fmt.Sprintf("H(%d-%d)", a, b)
		if rapid.Bool().Draw(t, "stepped") {
			text += step(b - a + 1)
		}
		return text
	}
	return "*"
}

// genField draws a whole field.
func genField(t *rapid.T, sp *spec) string {
	forms := []string{"plain", "plain", "plain", "*"}
	if sp.isDay() {
		forms = append(forms, "?", "*", "special")
	}
	n := rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(t, "items")
	switch rapid.SampledFrom(forms).Draw(t, sp.name) {
	case "*":
		return "*"
	case "?":
		return "?"
	case "special":
		return genSpecial(t, sp)
	}
	items := make([]string, n)
	for i := range items {
		items[i] = genItem(t, sp, sp.name)
	}
	return strings.Join(items, ",")
}

func genSpecial(t *rapid.T, sp *spec) string {
	if sp.id == fieldDOW {
		day := rapid.SampledFrom([]string{"0", "1", "5", "7", "SUN", "WED", "SAT"}).Draw(t, "weekday")
		if rapid.Bool().Draw(t, "last") {
			return day + "L"
		}
		return fmt.Sprintf("%s#%d", day, rapid.IntRange(1, 5).Draw(t, "nth"))
	}
	n := rapid.IntRange(1, 31).Draw(t, "day")
	all := []string{"L", "LW", fmt.Sprintf("L-%d", min(n, 30)), fmt.Sprintf("%dW", n), fmt.Sprintf("%dW,L,15", n)}
	return rapid.SampledFrom(all).Draw(t, "form")
}

// genText draws a schedule text of fields; it may be one that never fires.
func genText(t *rapid.T) string {
	n := rapid.SampledFrom([]int{5, 6, 6, 6, 7}).Draw(t, "fields")
	var parts []string
	for id := fieldSecond; id <= fieldDOW; id++ {
		if id == fieldSecond && n == 5 {
			continue
		}
		parts = append(parts, genField(t, &specs[id]))
	}
	if n == 7 {
		y := rapid.IntRange(1970, 2190).Draw(t, "year")
		parts = append(parts, rapid.SampledFrom([]string{
			"*", fmt.Sprint(y), fmt.Sprintf("%d-%d", y, y+9), fmt.Sprintf("%d/3", y), "*/2", "1970-2199",
		}).Draw(t, "years"))
	}
	return strings.Join(parts, " ")
}

func genDST(t *rapid.T) DST {
	return DST{
		Gap:  rapid.SampledFrom([]Gap{"", GapAfter, GapSkip, GapBefore}).Draw(t, "gap"),
		Fold: rapid.SampledFrom([]Fold{"", FoldFirst, FoldSecond, FoldBoth}).Draw(t, "fold"),
	}
}

// genInstant draws an instant, more often than not within two days of a clock change.
func genInstant(t *rapid.T, z *zone) int64 {
	if n := len(z.spans) - 1; n > 0 && rapid.IntRange(0, 3).Draw(t, "near") > 0 {
		i := rapid.IntRange(1, n).Draw(t, "change")
		by := rapid.SampledFrom([]int64{3, 4000, 2 * daySeconds}).Draw(t, "within")
		return max(MinInstant, z.spans[i].start+rapid.Int64Range(-by, by).Draw(t, "by"))
	}
	return rapid.Int64Range(MinInstant, MaxInstant).Draw(t, "instant")
}

// genSchedule draws a schedule that Parse accepts, with its job.
func genSchedule(t *rapid.T) (*Schedule, Binding) {
	text, dst := genText(t), genDST(t)
	zone := rapid.SampledFrom(strangeZones).Draw(t, "zone")
	s, err := Parse(text, zone, dst)
	if err != nil {
		if !strings.Contains(err.Error(), "never fire") {
			t.Fatalf("%q: %v", text, err)
		}
		t.Skip("never fires")
	}
	return s, Binding{Seed: rapid.Uint64().Draw(t, "seed")}
}
