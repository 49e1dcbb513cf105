package cron

import (
	"errors"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/cron/crontest"
	"github.com/belfry-scheduler/belfry/internal/cron/dialect"
)

// fuzzSeeds are texts from which the fuzzer starts: the mix, the nasty, and what must be refused.
func fuzzSeeds() []string {
	seeds := []string{
		"", "@", "@every 1h", "@at 2026-01-01T00:00:00Z", "@daily", "H(0-29)/10 H H(1-5) H * H",
		"0 0 0 L-3,LW,15W * FRI#2,MONL",
		"0 0 22-2/2 28-3 NOV-FEB FRI-7 2026/2", "*/0 * * * *", "1-2-3 * * * *", "cron(0 12 * * ? *)", "rate(5 minutes)",
		"0 12 * * ? 2026", "TZ=UTC * * * * *", "A/0", "Mon *-*~7/1 04:00 Asia/Tokyo",
		"last friday of month 5 pm Asia/Tokyo",
		"R/PT1.5H", "at(2026-11-20T13:00:00)", "0 0 1 * 1 root /bin/true", "PATH=/bin\n0 9 * * 1-5", "every 90 seconds",
		"0 0 0 30 2 *", "0 0 0 ? 2 MON#5", "* * * * *\n", "H(", "H()", "?,? * * * *",
	}
	for _, e := range crontest.Mix {
		seeds = append(seeds, e.Text)
	}
	return append(seeds, crontest.Nasty...)
}

// checkSuggestion takes the suggestion of an error, as a user would who follows the hint.
func checkSuggestion(t *testing.T, text, zone string, e *Error) {
	t.Helper()
	offer := e.Suggestion
	if offer == nil {
		return
	}
	if *offer == (Suggestion{}) || !strings.HasPrefix(e.Hint, "use "+offer.String()) {
		t.Fatalf("%q in %q: suggests %+v with the hint %q", text, zone, offer, e.Hint)
	}
	if offer.Timezone != "" {
		zone = offer.Timezone
	}
	schedule := offer.Schedule
	if schedule == "" {
		schedule = "@daily" // the text may have its own mistakes
	}
	if _, err := Parse(schedule, zone, DST{}); err != nil {
		t.Fatalf("%q: suggests %+v, which is refused: %v", text, offer, err)
	}
}

// FuzzParse: no text makes Parse panic. An error has a position and a reason, and a
// suggestion in it is accepted. An accepted text can be described, fires, and means the
// same to the oracle.
func FuzzParse(f *testing.F) {
	for _, text := range fuzzSeeds() {
		f.Add(text, "Europe/Berlin")
	}
	f.Add("@daily", "../etc/passwd")
	f.Add("@daily", "Tokyo Standard Time")
	f.Add("cron(0 10 ? * 2 *)", "+05:00")
	f.Fuzz(func(t *testing.T, text, zone string) {
		s, err := Parse(text, zone, DST{})
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Field == "" || e.Msg == "" || e.Pos < 1 || len(err.Error()) > 1000 {
				t.Fatalf("%q: bad error %#v", text, err)
			}
			if e.Field != "timezone" && e.Pos > len(text)+1 {
				t.Fatalf("%q: column %d", text, e.Pos)
			}
			checkSuggestion(t, text, zone, e)
			return
		}
		if s.String() != text || len(text) > MaxLength {
			t.Fatalf("%q became %q", text, s)
		}
		if s.Describe(Binding{}) == "" {
			t.Fatalf("%q has no description", text)
		}
		s.Warnings()
		if _, ok := s.Next(-1, Binding{}); !ok {
			t.Fatalf("%q never fires", text)
		}
		oracleOf(t, s, Binding{})
	})
}

// FuzzForeign: no text of another scheduler makes the reader of foreign texts panic or
// work for long. The result is complete: an explanation, or a rule that works for every
// day. What Parse suggests for the text is accepted.
func FuzzForeign(f *testing.F) {
	for _, table := range foreignTables {
		for _, row := range table.rows {
			f.Add(row.text, row.zone)
		}
	}
	f.Fuzz(func(t *testing.T, text, zone string) {
		r, ok := dialect.Read(text)
		switch {
		case !ok:
		case r.Rule == nil && (r.Offer != "" || r.Why == ""):
			t.Fatalf("%q: neither a rule nor a reason: %+v", text, r)
		case r.Rule != nil && (r.Offer == "") != (r.Rule.Kind == dialect.Instant):
			t.Fatalf("%q: a rule of kind %d with the offer %q", text, r.Rule.Kind, r.Offer)
		case r.Rule != nil && r.Rule.Kind == dialect.Fields:
			for length := 28; length <= 31; length++ {
				for day := 1; day <= length; day++ {
					r.Rule.OnDay(day, length, day%7)
				}
			}
		}
		var e *Error
		if _, err := Parse(text, zone, DST{}); errors.As(err, &e) {
			checkSuggestion(t, text, zone, e)
		}
	})
}

// FuzzNext: any schedule, zone, choice, job and instant, against the oracle.
func FuzzNext(f *testing.F) {
	changes := []int64{
		1_774_746_000, // Europe/Berlin 2026-03-29
		1_792_890_000, // Europe/Berlin 2026-10-25
		1_325_239_200, // Pacific/Apia 2011-12-30
		951_782_400,   // 2000-02-29
	}
	for i, text := range fuzzSeeds() {
		f.Add(text, uint8(i), uint8(i), uint64(i), changes[i%len(changes)])
	}
	gaps, folds := []Gap{GapAfter, GapSkip, GapBefore}, []Fold{FoldFirst, FoldSecond, FoldBoth}
	f.Fuzz(func(t *testing.T, text string, zone, dst uint8, seed uint64, at int64) {
		choice := DST{gaps[dst%3], folds[dst/3%3]}
		s, err := Parse(text, strangeZones[int(zone)%len(strangeZones)], choice)
		if err != nil || s.kind == kindEvery { // the oracle would walk for hours; every_test.go has it
			return
		}
		agree(t, s, Binding{Seed: seed}, min(max(at, MinInstant), MaxInstant))
	})
}
