package cron

import (
	"errors"
	"strings"
	"testing"
)

// TestSameMeaning pairs texts that compile to the same sets.
func TestSameMeaning(t *testing.T) {
	for _, pair := range [][2]string{
		{"*/15 * * * *", "0 */15 * * * *"},
		{"0 0 0 * * *", "0 0 0 ? * ?"},
		{"0 0 0 * * *", "0 0 0 * * * *"},
		{"0 0 0 * * *", "  0\t0  00 * *  * "},
		{"0 0 0 * jan,Mar,DEC mon-Fri", "0 0 0 * 1,3,12 1-5"},
		{"*/60 * * * *", "0 * * * *"},
		{"*/90 * * * *", "0 * * * *"},
		{"5/70 * * * *", "5 * * * *"},
		{"10-20/15 * * * *", "10 * * * *"},
		{"1,*/99,7 * * * *", "0,1,7 * * * *"},
		{"55-5/30 * * * *", "55 * * * *"},
		{"*/60 0 0 * * *", "0 0 0 * * *"},
		{"0 0 */24 * * *", "0 0 0 * * *"},
		{"0 0 */999999999 * * *", "0 0 0 * * *"},
		{"0 0 */31 * *", "0 0 1 * *"},
		{"0 0 1 */12 *", "0 0 1 1 *"},
		{"0 0 * * */7", "0 0 * * 0"},
		{"0 0 * * 3/7", "0 0 * * 3"},
		{"0 0 0 1 1 ? 2030/1000", "0 0 0 1 1 ? 2030"},
		{"0 5/15 * * * *", "0 5,20,35,50 * * * *"},
		{"0 5-59/15 * * * *", "0 5,20,35,50 * * * *"},
		{"0 55-5 * * * *", "0 0-5,55-59 * * * *"},
		{"0 55-5/5 * * * *", "0 0,5,55 * * * *"},
		{"0 0 22-2 * * *", "0 0 0,1,2,22,23 * * *"},
		{"0 0 0 * NOV-FEB *", "0 0 0 * 1,2,11,12 *"},
		{"0 0 0 28-2 * *", "0 0 0 1,2,28-31 * *"},
		{"0 0 0 ? * FRI-MON", "0 0 0 ? * 0,1,5,6"},
		{"0 0 0 ? * 5-7", "0 0 0 ? * 0,5,6"},
		{"0 0 0 ? * 5-0", "0 0 0 ? * 0,5,6"},
		{"0 0 0 ? * 7-2", "0 0 0 ? * 0,1,2"},
		{"0 0 0 ? * 7", "0 0 0 ? * SUN"},
		{"0 0 0 ? * 7-7", "0 0 0 ? * SUN"},
		{"0 0 0 ? * 3-7/2", "0 0 0 ? * 0,3,5"},
		{"0 0 0 ? * 2/2", "0 0 0 ? * 2,4,6"},
		{"0 0 0 ? * 7/2", "0 0 0 ? * 0,2,4,6"},
		{"0 0 0 ? * */2", "0 0 0 ? * 0,2,4,6"},
		{"0 0 0 ? * 7#2", "0 0 0 ? * sun#2"},
		{"0 0 0 ? * 7l", "0 0 0 ? * SUNL"},
		{"0 0 0 lw,15w,l-3 * ?", "0 0 0 L-3,LW,15W * ?"},
		{"0 0 0 */1 * FRI", "0 0 0 ? * FRI"},
		{"0 0 0 1 1 ? 2026/2", "0 0 0 1 1 ? 2026-2199/2"},
		{"0 0 0 1 1 ? 2030-2032,2026", "0 0 0 1 1 ? 2026,2030,2031,2032"},
		{"h(0-29)/10 * * * * *", "H(0-29)/10 * * * * *"},
		{"0 0 0 1 1 ? 2030-2030", "0 0 0 1 1 ? 2030"},
		{"0 0 0 * * *" + strings.Repeat(" ", MaxLength-11), "0 0 0 * * *"},
		{"@daily", "0 0 0 * * *"},
		{"@Hourly ", "0 0 * * * *"},
	} {
		a, b := mustParse(t, pair[0], "", DST{}), mustParse(t, pair[1], "", DST{})
		if a.pattern.resolve(5) != b.pattern.resolve(5) {
			t.Errorf("%q and %q differ:\n%+v\n%+v", pair[0], pair[1], a.pattern, b.pattern)
		}
	}
}

// TestFixedOrFollowing: what counts as a fixed time.
func TestFixedOrFollowing(t *testing.T) {
	for text, interval := range map[string]bool{
		"0 30 2 * * *":       false,
		"* 30 2 * * *":       false,
		"*/5 30 2 * * *":     false,
		"0 0-59 2 * * *":     false,
		"0 0,30 22-2 * * *":  false,
		"0 H H * * *":        false,
		"0 H(0-9) 3 */2 * *": false,
		"@daily":             false,
		"0 * 2 * * *":        true,
		"0 0 * * * *":        true,
		"0 0 */2 * * *":      true,
		"0 0 2/3 * * *":      true,
		"0 0-30/5 2 * * *":   true,
		"0 H/15 2 * * *":     true,
		"0 0 1,*/6 * * *":    true,
		"@hourly":            true,
	} {
		if got := mustParse(t, text, "", DST{}).clock.interval; got != interval {
			t.Errorf("%q: follows real time %v, want %v", text, got, interval)
		}
	}
}

// TestParseErrors: field, column and hint of everything that must be refused. hint is a part of the error's text.
func TestParseErrors(t *testing.T) {
	for _, c := range []struct {
		text, field string
		pos         int
		hint        string
	}{
		{"", "schedule", 1, "is empty; use second minute hour"},
		{" \t ", "schedule", 1, "is empty"},
		{"* * * *", "schedule", 8, "has 4 fields"},
		{"hourly", "schedule", 1, "use @hourly"},
		{"* * * * * * * *", "schedule", 15, "has 8 fields"},
		{strings.Repeat("*", 257), "schedule", 257, "longer than 256 bytes"},
		{"60 * * * * *", "second", 1, "out of range; use 0-59"},
		{"* 60 * * * *", "minute", 3, "out of range; use 0-59"},
		{"60 * * * *", "minute", 1, "out of range; use 0-59"},
		{"0 0 24 * * *", "hour", 5, "out of range; use 0-23"},
		{"0 0 0 0 * *", "day-of-month", 7, "out of range; use 1-31"},
		{"0 0 0 32 * *", "day-of-month", 7, "out of range"},
		{"0 0 0 1 0 *", "month", 9, "out of range; use 1-12"},
		{"0 0 0 1 13 *", "month", 9, "out of range"},
		{"0 0 0 ? * 8", "day-of-week", 11, "out of range; use 0-7"},
		{"0 0 0 ? * * 1969", "year", 13, "out of range; use 1970-2199"},
		{"0 0 0 ? * * 2200", "year", 13, "out of range"},
		{"0 0 0 ? * * 2030-2026", "year", 13, "ends before it begins"},
		{"0 0 0 ? * * H", "year", 13, "has no H"},
		{"0 0 0 ? * * ?", "year", 13, "use *"},
		{"00000 * * * *", "minute", 1, "out of range"},
		{"99999999999999999999 * * * *", "minute", 1, "out of range"},
		{"-1 * * * *", "minute", 1, "a value is missing"},
		{"1- * * * *", "minute", 3, "a value is missing"},
		{"1-2-3 * * * *", "minute", 3, "is not a value"},
		{"+5 * * * *", "minute", 1, "is not a value"},
		{"1.5 * * * *", "minute", 1, "is not a value"},
		{"0x1 * * * *", "minute", 1, "is not a value"},
		{"1,,2 * * * *", "minute", 3, "empty item"},
		{",1 * * * *", "minute", 1, "empty item"},
		{"1, * * * *", "minute", 3, "empty item"},
		{"10,20,61 * * * *", "minute", 7, "out of range"},
		{"10,20-61 * * * *", "minute", 7, "out of range"},
		{"*/0 * * * *", "minute", 3, "use a step of 1 or more, such as */5"},
		{"0 0 */1000000000 * * *", "hour", 7, "use a step of 1 or more, such as */2"},
		{"*/ * * * *", "minute", 3, "not a usable step"},
		{"*/-1 * * * *", "minute", 3, "not a usable step"},
		{"*/5/5 * * * *", "minute", 3, "not a usable step"},
		{"/5 * * * *", "minute", 1, "a value is missing"},
		{"? * * * *", "minute", 1, "? stands only in the day fields"},
		{"0 0 0 ?/2 * *", "day-of-month", 7, "cannot have a step"},
		{"0 0 0 ?,5 * *", "day-of-month", 7, "use ? alone"},
		{"0 0 0 5,? * *", "day-of-month", 9, "use ? alone"},
		{"*5 * * * *", "minute", 1, "is not a value"},
		{"5* * * * *", "minute", 1, "is not a value"},
		{"0 0 0 * MARCH *", "month", 9, "use MAR"},
		{"0 0 0 * * MONDAY", "day-of-week", 11, "use MON"},
		{"0 0 0 * MON *", "month", 9, "is not a value; use 1-12, JAN-DEC"},
		{"0 0 0 * * MON-FRY", "day-of-week", 15, "is not a value"},
		{"0 0 0 WL * *", "day-of-month", 7, "use LW"},
		{"0 0 0 L-31 * *", "day-of-month", 9, "use L-1 to L-30"},
		{"0 0 0 L-0 * *", "day-of-month", 9, "use L-1 to L-30"},
		{"0 0 0 L/2 * *", "day-of-month", 7, "cannot have a step"},
		{"0 0 0 L-3W * *", "day-of-month", 9, "use L-3 or LW"},
		{"0 0 0 W * *", "day-of-month", 7, "use one day before W"},
		{"0 0 0 32W * *", "day-of-month", 7, "use one day before W"},
		{"0 0 0 1-5W * *", "day-of-month", 7, "use one day before W"},
		{"0 0 0 ? * L", "day-of-week", 11, "use 0 0 0 ? * SAT; L alone is Saturday there, SATL would be the " +
			"last Saturday"},
		{"0 0 0 ? * 8L", "day-of-week", 11, "out of range"},
		{"0 0 0 ? * MON-FRIL", "day-of-week", 11, "L goes with one weekday, such as FRIL"},
		{"0 0 0 ? * FRI#0", "day-of-week", 15, "use #1 to #5"},
		{"0 0 0 ? * FRI#6", "day-of-week", 15, "use #1 to #5"},
		{"0 0 0 ? * FRI#", "day-of-week", 15, "use #1 to #5"},
		{"0 0 0 ? * #2", "day-of-week", 11, "a value is missing"},
		{"0 0 0 ? * FRI#2/2", "day-of-week", 11, "cannot have a step"},
		{"H() * * * *", "minute", 1, "is not a form of H"},
		{"H(5) * * * *", "minute", 1, "is not a form of H"},
		{"H(0-29 * * * *", "minute", 1, "is not a form of H"},
		{"H(0-60) * * * *", "minute", 5, "out of range"},
		{"H(30-10) * * * *", "minute", 1, "smaller value first"},
		{"H(0-9)/11 * * * *", "minute", 8, "use a step from 1 to 10"},
		{"H(10-20)/12 * * * *", "minute", 10, "use a step from 1 to 11"},
		{"H/61 * * * *", "minute", 3, "use a step from 1 to 60"},
		{"H/0 * * * *", "minute", 3, "not a usable step"},
		{"0 0 0 H(20-31) * *", "day-of-month", 7, "use a range within 1-28"},
		{"0 0 0 ? * H(5-7)", "day-of-week", 11, "use a range within 0-6"},
		{"HH * * * *", "minute", 1, "is not a value"},
		{"٣ * * * *", "schedule", 1, "holds a character"}, // Arabic digit three
		{"* ５ * * *", "schedule", 3, "holds a character"}, // full-width five
		{"* * * * *\n", "schedule", 10, "holds a character"},
		{"* * * * *\x00", "schedule", 10, "holds a character"},
		{"* * * * \xff", "schedule", 9, "holds a character"},
		{"* * * * *\u00a0*", "schedule", 10, "holds a character"},
		{"*;*;*;*;*", "schedule", 10, "has 1 field"},
	} {
		checkError(t, c.text, c.field, c.pos, c.hint)
	}
}

func checkError(t *testing.T, text, field string, pos int, part string) {
	t.Helper()
	s, err := Parse(text, "", DST{})
	var e *Error
	if !errors.As(err, &e) {
		t.Errorf("%q: accepted as %v, error %v", text, s, err)
		return
	}
	if e.Field != field || e.Pos != pos || !strings.Contains(e.Msg+"; "+e.Hint, part) {
		t.Errorf("%q: %v\nwant %s, column %d, with %q", text, e, field, pos, part)
	}
}

// TestForeignHabits: errors about texts of other schedulers say what to write here.
func TestForeignHabits(t *testing.T) {
	for _, c := range []struct {
		text, field string
		pos         int
		hint        string
	}{
		{"cron(0 12 * * ? *)", "schedule", 1, "use 0 0 12 * * ? *"},
		{"rate(5 minutes)", "schedule", 1, "use @every 5m"},
		{"rate(1 hour)", "schedule", 1, "use @every 1h"},
		{"rate(1 day)", "schedule", 1, "use @every 24h; a day is 24h of real time here, @daily follows the clock"},
		{"rate(x)", "schedule", 1, "a period here is @every 5m"},
		{"at(2026-11-20T13:00:00)", "schedule", 1, "use @at 2026-11-20T13:00:00Z"},
		{"every 10 seconds", "schedule", 1, "use @every 10s"},
		{"PT5M", "schedule", 1, "use @every 5m;"},
		{"R5/2026-01-01T00:00:00Z/PT1H", "schedule", 1,
			"@every counts from the creation of the job and takes no start"},
		{"TZ=Europe/Berlin 0 9 * * *", "schedule", 1, `"timezone": "Europe/Berlin"`},
		{" CRON_TZ=Asia/Tokyo 0 9 * * *", "schedule", 2, `"timezone": "Asia/Tokyo"`},
		{"0 0 12 * * 2026", "day-of-week", 12, "use 0 0 0 12 * * 2026; a year comes seventh, and the second first"},
		{"0 12 * * ? 2026", "month", 10, "use 0 0 12 * * ? 2026; these look like EventBridge's six fields"},
		{"0 12 1 1 ? 2026-2028", "month", 10, "use 0 0 12 1 1 ? 2026-2028;"},
	} {
		checkError(t, c.text, c.field, c.pos, c.hint)
	}
}

// TestNeverFires: refused at once, and with what never comes.
func TestNeverFires(t *testing.T) {
	for _, c := range []struct {
		text string
		pos  int
		hint string
	}{
		{"0 0 0 30 2 *", 7, "can never fire"},
		{"0 0 30 2 *", 5, "can never fire"},
		{"0 0 0 30,31 FEB ?", 7, "can never fire"},
		{"0 0 0 31 2,4,6,9,11 *", 7, "can never fire"},
		{"0 0 0 31W 4 ?", 7, "can never fire"},
		{"0 0 0 L-29 2 ?", 7, "can never fire"},
		{"0 0 0 29 2 ? 2027", 7, "can never fire"},
		{"0 0 0 29 2 ? 1971/2", 7, "can never fire"},
		{"0 0 0 29 2 ? 2100", 7, "can never fire"},
		{"0 0 0 31 H *", 7, "use an H with fewer months"},
		{"0 0 0 31 H(1-2) *", 7, "use an H with fewer months"},
	} {
		checkError(t, c.text, "day-of-month", c.pos, c.hint)
	}
	// 2026-03-29 02:30 does not exist in Berlin: with SKIP nothing is left, by default it fires at 03:00.
	checkNever := func(dst DST, refused bool) {
		if _, err := Parse("0 30 2 29 3 ? 2026", "Europe/Berlin", dst); (err != nil) != refused {
			t.Errorf("%+v: %v", dst, err)
		}
	}
	checkNever(DST{Gap: GapSkip}, true)
	checkNever(DST{}, false)
	checkNever(DST{Gap: GapBefore}, false)
	checkError(t, "0 0 0 ? 2 MON#5 2026", "schedule", 1, "can never fire")
	for _, text := range []string{"0 0 0 29 2 *", "0 0 0 31 * *", "0 0 0 31 H/2 *", "0 0 0 31 1,H *",
		"0 0 0 31 H(7-8) *", "0 0 0 30 2 FRI", "0 0 0 ? 2 MON#5", "0 0 0 29 2 ? 2096"} {
		mustParse(t, text, "", DST{})
	}
}

func TestErrorText(t *testing.T) {
	_, err := Parse("0 61 * * * *", "", DST{})
	want := `minute, column 3: "61": is out of range; use 0-59, *, */5, 0,30 or H`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	for _, c := range []struct {
		text, zone string
		dst        DST
		want       string // the beginning of it
		within     string // likewise, in a document that has named the field
	}{
		{"* * * * *", "Mars/Base", DST{}, `timezone "Mars/Base" is not a known zone; use `, `"Mars/Base" is not`},
		{"* * * * *", "Mars Base", DST{}, `timezone, column 5: "Mars Base": holds a `, `at column 5: "Mars Base": `},
		{"* * * * *", strings.Repeat("M", 300), DST{}, `timezone "MMMM`, `"MMM`},
		{"* * * * *", "", DST{Gap: "NEVER"}, `dst.gap "NEVER" is not a choice; use AFTER`, `"NEVER" is not a choice`},
		{"* * * * *", "", DST{Fold: "NEVER"}, `dst.fold "NEVER" is not a choice; use FIRST`, `"NEVER" is not`},
		{"@sometimes", "", DST{}, `schedule "@sometimes" is not a named schedule; use `, `"@sometimes" is not`},
		{" @sometimes", "", DST{}, `schedule "@sometimes" is not a named schedule; use `, `"@sometimes" is not`},
		{"@every 5x", "", DST{}, `schedule, column 8: "5x": `, `at column 8: "5x": `},
		{"0 0 0 ? 2 MON#5 2026", "", DST{}, `schedule "0 0 0 ? 2 MON#5 2026" can never fire`,
			`"0 0 0 ? 2 MON#5 2026" can never`},
		{"", "", DST{}, "schedule is empty; use ", "is empty; use "},
	} {
		_, err := Parse(c.text, c.zone, c.dst)
		e, ok := errors.AsType[*Error](err)
		if !ok || !strings.HasPrefix(e.Error(), c.want) || !strings.HasPrefix(e.Within(e.Field), c.within) ||
			e.Within("spec") != e.Error() {
			t.Errorf("%q in %q, %+v:\n%v, want\n%s", c.text, c.zone, c.dst, err, c.want)
		}
	}
	long := &Error{Field: "schedule", Pos: 1, Text: clip(strings.Repeat("x", 100)), Msg: "is odd"}
	if got := long.Error(); len(got) > 90 || strings.Contains(got, ";") {
		t.Errorf("a long text makes %q", got)
	}
}
