package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// TestTerminalText: what a target has answered is shown, and commands nothing.
func TestTerminalText(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "",
		"grüße 漢字 🙂\n\tb":        "grüße 漢字 🙂\n\tb",
		"a\r\nb":                 "a\nb",
		"over\rwritten":          `over\u000dwritten`,
		"\x1b]0;title\a\x1b[2J":  `\u001b]0;title\u0007\u001b[2J`,
		"\u009b2J\x7f\b":         `\u009b2J\u007f\u0008`,
		"tag \U000e0001":         `tag \U000e0001`,
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

// TestEscaper: what is written is the same JSON, and commands nothing, however it is cut.
func TestEscaper(t *testing.T) {
	names := []string{
		"", "grüße 漢字 🙂 👩\u200d💻\n\tb", "\u009b2J\x7f\u0085", "\x1b]0;title\a",
		"a\u202egpj.exe\u2066\u200f\u061c",
	}
	plain, err := json.Marshal(names)
	if err != nil {
		t.Fatal(err)
	}
	for size := 1; size <= len(plain); size++ {
		var out bytes.Buffer
		w := &escaper{w: &out}
		for rest := plain; len(rest) > 0; rest = rest[min(size, len(rest)):] {
			if n, err := w.Write(rest[:min(size, len(rest))]); err != nil || n != min(size, len(rest)) {
				t.Fatalf("%d, %v", n, err)
			}
		}
		if at := strings.IndexFunc(out.String(), commands); at >= 0 {
			t.Fatalf("in pieces of %d: %q", size, out.String()[at:])
		}
		var got []string
		if err := json.Unmarshal(out.Bytes(), &got); err != nil || !slices.Equal(got, names) {
			t.Fatalf("in pieces of %d: %q, %v", size, got, err)
		}
	}
}

// TestEscaperOfText: lines and tabs of a table stay, and nothing in a cell is obeyed.
func TestEscaperOfText(t *testing.T) {
	for text, want := range map[string]string{
		"A\tB\n漢字 🙂\n":         "A\tB\n漢字 🙂\n",
		"over\rwritten\x1b[2J": `over\u000dwritten\u001b[2J`,
		"\u009b2J\u202e":       `\u009b2J\u202e`,
		"a\xffb":               "a\uFFFDb",
	} {
		var out bytes.Buffer
		if n, err := (&escaper{w: &out}).Write([]byte(text)); err != nil || n != len(text) || out.String() != want {
			t.Errorf("%q: %q, %d, %v", text, out.String(), n, err)
		}
	}
}

// TestWordsFromElsewhereCommandNothing: a name that a server has, and a reason that it gives, are shown by each form
// of output, mean the same in JSON, and reach no terminal as they are. What goes on to another program is as it came.
func TestWordsFromElsewhereCommandNothing(t *testing.T) {
	const name, shown = "evil \u009b2J\u202e\x7f", `evil \u009b2J\u202e\u007f`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		job := `{"id":"j1","spec":{"name":"` + name + `"},"isActive":true}`
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/jobs":
			_, _ = fmt.Fprintf(w, `{"jobs":[%s]}`, job)
		case "/jobs/export":
			w.Header().Set("Content-Type", "application/x-ndjson")
			_, _ = fmt.Fprintln(w, job)
		case "/jobs/j1":
			_, _ = fmt.Fprint(w, job)
		default:
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = fmt.Fprintf(w, `{"title":"Not found","status":404,"detail":"no %s"}`, name)
		}
	}))
	t.Cleanup(server.Close)
	for _, c := range []struct {
		args, want string
		code       int
		asItIs     bool
	}{
		{"jobs", shown, 0, false},
		{"jobs --json", shown, 0, false},
		{"jobs show j1", shown, 0, false},
		{"jobs show j2", shown, exitFailure, false},
		{"export", name, 0, true},
	} {
		s, out, errs := testShell()
		code := s.run(t.Context(), append(strings.Fields(c.args), "--server", server.URL))
		text := out.String() + errs.String()
		if code != c.code || !strings.Contains(text, c.want) || strings.ContainsFunc(text, commands) != c.asItIs {
			t.Errorf("%s: %d, %q", c.args, code, text)
		}
	}
}
