package cron

import (
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/cron/dialect"
)

// longTexts returns texts of the maximal length that are expensive to read for different
// reasons: nested, many words, many items, many values in an item.
func longTexts() []string {
	fill := func(head, part, tail string) string {
		n := (dialect.MaxText - len(head) - len(tail)) / len(part)
		return head + strings.Repeat(part, n) + tail
	}
	quotes := fill("", `"“`, "")
	texts := []string{
		quotes[:len(quotes)/2], fill("", "“", "”"), strings.Repeat(`"`, dialect.MaxText),
		fill("", "TZ=A/B ", ""), fill("", "CRON_TZ=a ", "* * * * * UTC"), fill("", "OnCalendar=", "daily"),
		fill("", "@daily ", ""),
		fill("", "a\n", ""), fill("", "* ", ""), fill("", "every ", ""), fill("", "first ", ""),
		fill("", "mon,", "tue 10:00"),
		fill("", "~", ""), fill("", "P1Y", ""), fill("", "PT1M", ""), fill("", "1h", ""), fill("", "1d ", ""),
		fill("", "( ", ""),
		fill("", "cron(", ""), fill("", "H(", ""), fill("", "\u00a0", ""), fill("", `\*`, ""), fill("", "A/B ", ""),
		fill("", "9", ""),
		fill("cron(", "*/1,", "1 * * * ? *)"), fill("cron(* * * * ? ", "*/1,", "1970)"),
		fill("cron(0 0 ? * ", "MON#1,", "FRIL *)"),
		fill("*-*-", "1..31,", "1 00:00"), fill("", "1970/1,", "1970-01-01 00:00"), fill("*-*~", "31/1,", "1 00:00"),
		fill("TZ=Asia/Tokyo ", "*/1,", "1 * * * *"), fill("TZ=Asia/Tokyo 0 0 0 1 1 * ", "*/2,", "2000"),
		fill(`"`, "0-59,", `1 * * * *"`),
		fill("* * * * ", "MON#1,", "FRI /bin/true"), fill("0 0 * * * /bin/true ", "x ", ""),
	}
	return texts
}

// TestWorkIsBounded counts the allocations for a refused text, which unlike time are the
// same on each machine: at most ten for each byte. Nested quotes, when they were read
// again for each pair, had 53,000 and took 37 ms.
func TestWorkIsBounded(t *testing.T) {
	for _, text := range longTexts() {
		if n := testing.AllocsPerRun(1, func() { _, _ = Parse(text, "", DST{}) }); n > 10*dialect.MaxText {
			t.Errorf("%.40q..: %.0f allocations", text, n)
		}
	}
}

// BenchmarkForeignWorst is the hardest of the long texts.
func BenchmarkForeignWorst(b *testing.B) {
	for _, text := range longTexts() {
		b.Run(strings.NewReplacer(" ", "_", "/", "_").Replace(text[:12]), func(b *testing.B) {
			for b.Loop() {
				_, _ = Parse(text, "", DST{})
			}
		})
	}
}
