package cron

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDocsTellTheTruth compares docs/schedules.md with the program: its examples have the
// program's descriptions, its sample error is the real one, and every form in its table
// is accepted.
func TestDocsTellTheTruth(t *testing.T) {
	page, err := os.ReadFile("../../docs/schedules.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	examples := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (.+ UTC time\\.) \\|$").FindAllStringSubmatch(text, -1)
	if len(examples) < 10 {
		t.Fatalf("only %d examples found", len(examples))
	}
	for _, m := range examples {
		if got := mustParse(t, m[1], "UTC", DST{}).Describe(Binding{}); got != m[2] {
			t.Errorf("%q: the page says %q, Belfry %q", m[1], m[2], got)
		}
	}
	if _, err := Parse("0 0 25 * * *", "", DST{}); err == nil || !strings.Contains(text, err.Error()) {
		t.Errorf("the page does not have the error %v", err)
	}
	forms := regexp.MustCompile("(?m)^\\| (`.+`) \\| (everywhere|day fields|day-of-month|day-of-week|all but the "+
		"year) \\|").FindAllStringSubmatch(text, -1)
	if len(forms) < 15 {
		t.Fatalf("only %d forms found", len(forms))
	}
	for _, m := range forms {
		for _, form := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(m[1], -1) {
			checkForm(t, form[1], m[2])
		}
	}
}

// checkForm tries a form in a field where the page says it goes.
func checkForm(t *testing.T, form, where string) {
	t.Helper()
	frames := []string{"0 0 # * * *"}
	switch {
	case where == "day-of-month" || where == "day fields":
		frames = []string{"0 0 0 # * ?"}
	case where == "day-of-week" || strings.HasPrefix(form, "FRI"):
		frames = []string{"0 0 0 ? * #"}
	case strings.HasPrefix(form, "NOV"):
		frames = []string{"0 0 0 1 # ?"}
	case strings.ContainsAny(form, "H/(") || form == "1,15,20-25":
		frames = []string{"0 # * * * *", "# * * * * *"}
	}
	for _, frame := range frames {
		mustParse(t, strings.Replace(frame, "#", form, 1), "UTC", DST{})
	}
}
