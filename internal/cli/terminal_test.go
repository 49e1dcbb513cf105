package cli

import (
	"strings"
	"testing"
)

// TestTerminalText: what a target has answered is shown, and commands nothing.
func TestTerminalText(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "",
		"grüße 漢字 🙂\n\tb":        "grüße 漢字 🙂\n\tb",
		"a\r\nb":                 "a\nb",
		"over\rwritten":          `over\rwritten`,
		"\x1b]0;title\a\x1b[2J":  `\x1b]0;title\a\x1b[2J`,
		"\u009b2J\x7f\b":         `\u009b2J\x7f\b`,
		"abc\u202etxt.exe\u200b": `abc\u202etxt.exe\u200b`,
		"\xff\xfe":               "\uFFFD\uFFFD",
	} {
		if got := terminalText(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		if again := terminalText(want); again != strings.ReplaceAll(want, "\r\n", "\n") {
			t.Errorf("%q: twice: %q", text, again)
		}
	}
}
