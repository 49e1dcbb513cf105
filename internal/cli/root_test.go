package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/spf13/cobra"
)

func testShell(environ ...string) (*shell, *bytes.Buffer, *bytes.Buffer) {
	var out, errs bytes.Buffer
	return &shell{in: strings.NewReader(""), out: &out, err: &errs, environ: environ, clock: clock.System{}},
		&out, &errs
}

// everyCommand calls fn with each command that does something.
func everyCommand(cmd *cobra.Command, fn func(*cobra.Command)) {
	for _, sub := range cmd.Commands() {
		if sub.Name() != "help" && sub.Name() != "completion" {
			everyCommand(sub, fn)
		}
	}
	if !cmd.HasSubCommands() || cmd.HasParent() && cmd.HasAvailableLocalFlags() { // belfry jobs lists, too
		fn(cmd)
	}
}

// TestEveryCommandHelps: --help has a description, examples that begin with
// what is typed, and every flag is explained.
func TestEveryCommandHelps(t *testing.T) {
	s, _, _ := testShell()
	everyCommand(s.root(), func(cmd *cobra.Command) {
		s, out, errs := testShell()
		if code := s.run(t.Context(), append(strings.Fields(nameOf(cmd)), "--help")); code != exitOK || errs.Len() > 0 {
			t.Errorf("%s --help: exit code %d, %s", nameOf(cmd), code, errs)
		}
		if !strings.Contains(out.String(), "Examples:\n  belfry "+nameOf(cmd)) {
			t.Errorf("%s has no example in its help:\n%s", nameOf(cmd), out)
		}
		for line := range strings.Lines(out.String()) {
			if len([]rune(line)) > 130 {
				t.Errorf("%s: a line of %d characters: %s", nameOf(cmd), len(line), line)
			}
			if flag := strings.Fields(line); len(flag) > 0 && strings.HasPrefix(flag[0], "--") && len(flag) < 3 {
				t.Errorf("%s: %s is not explained", nameOf(cmd), flag[0])
			}
		}
	})
}

// quoted is what a shell takes for one word.
var quoted = regexp.MustCompile(`'[^']*'|"[^"]*"`)

// TestExamplesAreCommandLines: what the help shows can be typed.
func TestExamplesAreCommandLines(t *testing.T) {
	s, _, _ := testShell()
	everyCommand(s.root(), func(cmd *cobra.Command) {
		for line := range strings.Lines(cmd.Example) {
			line = line[strings.LastIndex(line, "belfry ")+len("belfry "):]
			words := strings.Fields(quoted.ReplaceAllString(line, "x"))
			for i, w := range words {
				if w == "|" {
					words = words[:i]
					break
				}
			}
			found, rest, err := s.root().Find(words)
			if err != nil || nameOf(found) != nameOf(cmd) {
				t.Errorf("%q is no %s: %v", line, nameOf(cmd), err)
				continue
			}
			if err := found.ParseFlags(rest); err != nil {
				t.Errorf("%q: %v", line, err)
			} else if err := found.ValidateArgs(found.Flags().Args()); err != nil {
				t.Errorf("%q: %v", line, err)
			}
		}
	})
}

func TestErrorsAreOneLine(t *testing.T) {
	fault := func(name string) config.Fault {
		return config.Fault{Source: config.Source{Kind: config.FromFlag, Name: name}, Message: "is wrong"}
	}
	for want, err := range map[string]error{
		"belfry: a; b\n":                 errors.Join(errors.New("a"), errors.New("b")),
		"belfry: a\n":                    fmt.Errorf("%s", "a\n"),
		"belfry: --x (flag): is wrong\n": config.Errors{fault("x")},
		"belfry: 2 settings are wrong:\n  --x (flag): is wrong\n  --y (flag): is " +
			"wrong\n": config.Errors{fault("x"), fault("y")},
	} {
		s, _, errs := testShell()
		s.tell(err)
		if errs.String() != want {
			t.Errorf("got %q, want %q", errs, want)
		}
	}
}

func TestWhichServer(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, tc := range []struct {
		flag    string
		environ []string
		want    string
	}{
		{"", nil, "http://127.0.0.1:3000"},
		{"", []string{"PORT=4000"}, "http://127.0.0.1:4000"},
		{"", []string{"PORT=0"}, "http://127.0.0.1:3000"},
		{"", []string{"PORT=tcp://1.2.3.4:5"}, "http://127.0.0.1:3000"},
		{"", []string{"HOST=::1", "PORT=4000"}, "http://[::1]:4000"},
		{"", []string{"HOST=fe80::1%lo", "PORT=4000"}, "http://[fe80::1%25lo]:4000"},
		{"", []string{"PORT=4000", "BELFRY_SERVER=http://a:1"}, "http://a:1"},
		{"https://b", []string{"PORT=4000", "BELFRY_SERVER=http://a:1"}, "https://b"},
	} {
		s, _, _ := testShell(tc.environ...)
		cmd := s.remote().healthCommand()
		if err := cmd.Flags().Set(serverFlag, tc.flag); err != nil {
			t.Fatal(err)
		}
		c, err := s.remote().connect(cmd.Flags())
		if err != nil || c.Base() != tc.want {
			t.Errorf("%+v: %v, %v", tc, c, err)
		}
	}
	s, _, _ := testShell("BELFRY_API_KEY=a b")
	if _, err := s.remote().connect(s.remote().healthCommand().Flags()); err == nil {
		t.Error("a key with a space was taken")
	}
}

func TestReach(t *testing.T) {
	c, err := client.New("http://x:1", "")
	if err != nil {
		t.Fatal(err)
	}
	for want, err := range map[string]error{
		"cannot reach http://x:1: context canceled": &url.Error{Op: "Get",
			URL: "http://x:1/y", Err: context.Canceled},
		"http://x:1 requires an API key: set BELFRY_API_KEY to one of its keys": &client.Problem{Status: 401},
		"gone (HTTP 404)": &client.Problem{Status: 404, Detail: "gone"},
		"disk full":       errors.New("disk full"),
	} {
		if got := reach(c, err); got == nil || got.Error() != want {
			t.Errorf("got %v, want %s", got, want)
		}
	}
	if reach(c, nil) != nil {
		t.Error("an error out of nothing")
	}
}

func TestBuild(t *testing.T) {
	defer func(v string) { version = v }(version)
	version = "v1.2.3"
	b := currentBuild()
	if b.Version != "v1.2.3" || b.Go == "" || !strings.Contains(b.Platform, "/") {
		t.Errorf("%+v", b)
	}
	for want, b := range map[string]build{
		"belfry 1 go a/b":              {Version: "1", Go: "go", Platform: "a/b"},
		"belfry 1 0123456789ab go a/b": {Version: "1", Commit: "0123456789abcdef", Go: "go", Platform: "a/b"},
		"belfry 1 0123456789ab+changes go a/b": {Version: "1", Commit: "0123456789abcdef", Modified: true, Go: "go",
			Platform: "a/b"},
		"belfry 1 abc go a/b": {Version: "1", Commit: "abc", Go: "go", Platform: "a/b"},
	} {
		if got := b.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestColourIsForTerminals(t *testing.T) {
	s, _, _ := testShell()
	if s.colour(s.err) || isTerminal(s.err) {
		t.Error("a buffer is a terminal")
	}
	f, err := os.Create(t.TempDir() + "/f")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if isTerminal(f) {
		t.Error("a file is a terminal")
	}
}
