package cli

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/belfry-scheduler/belfry/internal/cron"
)

// pointed is a fault of an expression, shown under the expression.
type pointed struct {
	text  string
	fault *cron.Error
}

func (p *pointed) Error() string { return p.fault.Error() }

// pointAt adds a mark under the position of the error, if it is in the expression and the
// expression fits on a line.
func pointAt(text string, err error) error {
	fault, ok := errors.AsType[*cron.Error](err)
	elsewhere := ok && (fault.Field == "timezone" || strings.HasPrefix(fault.Field, "dst."))
	if !ok || elsewhere || fault.Pos < 1 || fault.Pos > len(text)+1 || len(text) > cron.MaxLength ||
		strings.ContainsFunc(text, unprintable) {
		return err
	}
	return &pointed{text, fault}
}

func unprintable(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }

// mark returns the expression and a line that points into it.
func (p *pointed) mark() string {
	column := utf8.RuneCountInString(p.text[:p.fault.Pos-1])
	return "  " + p.text + "\n  " + strings.Repeat(" ", column) + "^"
}
