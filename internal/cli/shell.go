package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/mattn/go-isatty"
)

// shell is the environment of a command.
type shell struct {
	in       io.Reader
	out, err io.Writer
	environ  []string
	clock    clock.Clock
	exit     func(code int) // ends the process at once
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// colour reports whether text for w may be coloured (https://no-color.org).
func (s *shell) colour(w io.Writer) bool {
	return isTerminal(w) && !slices.ContainsFunc(s.environ, func(v string) bool {
		return strings.HasPrefix(v, "NO_COLOR=") && v != "NO_COLOR=" || v == "TERM=dumb"
	})
}

// tell prints an error: one line, or a heading and one line per error.
func (s *shell) tell(err error) {
	if faults, ok := errors.AsType[config.Errors](err); ok && len(faults) > 1 {
		_, _ = fmt.Fprintf(s.err, "belfry: %d settings are wrong:\n", len(faults))
		for _, f := range faults {
			_, _ = fmt.Fprintf(s.err, "  %s\n", escaped(f.Error()))
		}
		return
	}
	text := strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
	_, _ = fmt.Fprintf(s.err, "belfry: %s\n", escaped(text))
	if p, ok := errors.AsType[*pointed](err); ok {
		_, _ = fmt.Fprintln(s.err, p.mark())
	}
}
