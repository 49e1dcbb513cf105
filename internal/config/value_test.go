package config

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30d": 30 * day, "1d12h": 36 * time.Hour, "90s": 90 * time.Second, "0": 0, "0d": 0, "1h30m": 90 * time.Minute,
		"100ms": 100 * time.Millisecond, "1.5h": 90 * time.Minute,
	} {
		if got, ok := parseDuration(text); !ok || got != want {
			t.Errorf("parseDuration(%q) = %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "d", "30", "1.5d", "-1d", "-1s", "1d-1h", "1d+1h", "1d1d", "70000d", "1h1d",
		" 1s", "٣d", "1w"} {
		if got, ok := parseDuration(text); ok {
			t.Errorf("parseDuration(%q) = %v", text, got)
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "512": 512, "512B": 512, "1KiB": 1 << 10, "2 MiB": 2 << 20, "1gib": 1 << 30,
	} {
		if got, ok := parseSize(text); !ok || got != want {
			t.Errorf("parseSize(%q) = %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "B", "1MB", "1M", "-1", "1.5MiB", "1 Mi B", "99999999999", "1KiBB", "0x10"} {
		if got, ok := parseSize(text); ok {
			t.Errorf("parseSize(%q) = %v", text, got)
		}
	}
}

// TestFormsAreInverse: what is printed is read back as the same value.
func TestFormsAreInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(maxRetention)).Draw(t, "duration"))
		d = d.Truncate(rapid.SampledFrom([]time.Duration{1, time.Second, time.Minute, time.Hour, day}).Draw(t, "unit"))
		if got, ok := parseDuration(formatDuration(d)); !ok || got != d {
			t.Fatalf("%v prints as %q, reads as %v", d, formatDuration(d), got)
		}
		n := rapid.Int64Range(0, 1<<32-1).Draw(t, "size")
		if got, ok := parseSize(formatSize(n)); !ok || got != n {
			t.Fatalf("%d prints as %q, reads as %d", n, formatSize(n), got)
		}
	})
}
