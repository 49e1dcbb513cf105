package cli

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/belfry-scheduler/belfry/internal/app"
	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/google/go-cmp/cmp"
)

// TestPreviewIsThatOfTheServer compares the command's preview of schedules with the
// server's, which must be the same.
func TestPreviewIsThatOfTheServer(t *testing.T) {
	c := serveInProcess(t)
	for _, p := range []client.PreviewRequest{
		{Schedule: "0 30 2 * * *", Timezone: "Europe/Berlin", Count: 3},
		{Schedule: "*/7 * * * *", Timezone: "America/New_York", Count: 10},
		{Schedule: "0 0 0 31 2,4,5 1", Count: 2},
		{Schedule: "@every 90m", Count: 4},
		{Schedule: "@at 2026-05-01T00:00:00Z", Count: 5},
		{Schedule: "0 H H * * *", Timezone: "Australia/Lord_Howe", Count: 5,
			DST: &client.DST{Gap: "SKIP", Fold: "BOTH"}},
		{Schedule: "0 0 12 LW * ?", Timezone: "Asia/Kathmandu", Count: 5},
	} {
		p.After = "2026-01-01T00:00:00Z"
		want, err := c.Preview(t.Context(), p)
		if err != nil {
			t.Fatalf("%s: %v", p.Schedule, err)
		}
		args := []string{"preview", p.Schedule, "--json", "--after", p.After, "--count", "10"}
		args[len(args)-1] = jsonText(t, p.Count)
		if p.Timezone != "" {
			args = append(args, "--timezone", p.Timezone)
		}
		if p.DST != nil {
			args = append(args, "--dst-gap", p.DST.Gap, "--dst-fold", p.DST.Fold)
		}
		s, out, errs := testShell()
		if code := s.run(t.Context(), args); code != exitOK {
			t.Fatalf("%s: exit code %d, %s", p.Schedule, code, errs)
		}
		var got client.Preview
		if err := json.Unmarshal(out.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: the server says - and the command +\n%s", p.Schedule, diff)
		}
	}
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// serveInProcess runs a server for the test and returns a client of it.
func serveInProcess(t *testing.T) *client.Client {
	t.Helper()
	cfg, err := config.Load(config.Options{Environ: []string{"PORT=0", "DB_PATH=" + t.TempDir() + "/jobs.db"}})
	if err != nil {
		t.Fatal(err)
	}
	log, err := telemetry.NewLogger(telemetry.LogConfig{Stderr: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	server, err := app.Open(t.Context(), cfg, log, telemetry.NewMetrics(), "test")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	c, err := client.New("http://"+server.Addr(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		cancel()
		for what, err := range map[string]error{"run": <-ended, "close": server.Close(), "log": log.Close()} {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
	return c
}

// TestMarkPointsAtTheFault: the mark is under the wrong character, also after letters
// that take several bytes.
func TestMarkPointsAtTheFault(t *testing.T) {
	for text, want := range map[string]string{
		"0 61 * * * *":       "61 * * * *",
		"0 0 0 32 * *":       "32 * *",
		"0 0 0 1 JANUAR *":   "JANUAR *",
		"0 0 ü 1 61 *":       "ü 1 61 *",
		"0 */0 * * * *":      "0 * * * *",
		"@yearl":             "@yearl",
		"0 0 9 * * MON-FRIX": "FRIX",
	} {
		s, _, errs := testShell()
		if code := s.run(t.Context(), []string{"preview", text}); code != exitFailure {
			t.Errorf("%s: exit code %d", text, code)
		}
		lines := strings.Split(strings.TrimSuffix(errs.String(), "\n"), "\n")
		if len(lines) != 3 || lines[1] != "  "+text {
			t.Errorf("%s: %q", text, lines)
			continue
		}
		column := utf8.RuneCountInString(lines[2]) - 1
		pointed := string([]rune(lines[1])[column:])
		if pointed != want {
			t.Errorf("%s: the mark is at %q, want %q", text, pointed, want)
		}
	}
}

// TestNoMarkWhereItCannotBeShown: a terminal must not be sent control
// characters, and a mark under several lines points nowhere.
func TestNoMarkWhereItCannotBeShown(t *testing.T) {
	for _, text := range []string{"0 0\n61 * * *", "0 \x1b[31m * * * *", strings.Repeat("9,", 200) + " * * * *",
		"\xff * * * *"} {
		s, _, errs := testShell()
		if code := s.run(t.Context(), []string{"preview", text}); code != exitFailure {
			t.Errorf("%q: exit code %d", text, code)
		}
		if got := errs.String(); strings.Count(got, "\n") != 1 ||
			regexp.MustCompile(`[\x00-\x09\x0b-\x1f\x7f]`).MatchString(got) {
			t.Errorf("%q: %q", text, got)
		}
	}
}
