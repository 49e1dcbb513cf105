package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/spelling"
)

// Source is where a setting comes from. The zero value is the defaults.
type Source struct {
	Kind SourceKind
	File string // path, for a file or a .env
	Name string // as the setting is written there: a key, a variable or a flag
}

// SourceKind orders the sources: a greater one wins.
type SourceKind int

// The sources of settings, lowest precedence first.
const (
	FromDefault SourceKind = iota
	FromFile
	FromDotEnv
	FromEnvironment
	FromFlag
)

// String names the kind for programs.
func (k SourceKind) String() string {
	return [...]string{"default", "file", "dotenv", "environment", "flag"}[k]
}

// place names the source without the name of the setting.
func (s Source) place() string {
	switch s.Kind {
	case FromFile:
		return "file " + s.File
	case FromDotEnv:
		return s.File
	case FromEnvironment:
		return "environment"
	case FromFlag:
		return "flag"
	}
	return "default"
}

// String names the source for an operator: "environment PORT".
func (s Source) String() string {
	switch s.Kind {
	case FromDotEnv, FromEnvironment:
		return s.place() + " " + s.Name
	case FromFlag:
		return s.place() + " --" + s.Name
	}
	return s.place()
}

// Fault is one wrong setting: where it stands, what it says and what would be
// right.
type Fault struct {
	Source  Source // without a name: the place as a whole is at fault
	Value   string // as shown; empty when secret or when there is none
	Message string
}

// Error implements error.
func (f Fault) Error() string {
	name := f.Source.Name
	if name == "" {
		return f.Source.place() + ": " + f.Message
	}
	if f.Source.Kind == FromFlag {
		name = "--" + name
	}
	if f.Value != "" {
		name += "=" + f.Value
	}
	return fmt.Sprintf("%s (%s): %s", name, f.Source.place(), f.Message)
}

// Errors is every fault that [Load] found.
type Errors []Fault

// Error implements error: one line per fault.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, f := range e {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

const maxShown = 60

// show formats an operator's value for an error: quoted, shortened, and without the
// secrets in it.
func show(raw string) string {
	raw = maskSecrets(raw)
	if len(raw) > maxShown {
		raw = raw[:maxShown] + "..."
	}
	return strconv.Quote(raw)
}

// suggest returns a question with the known name that is nearest to a wrong one, or "".
func suggest(wrong string, known []string) string {
	near := spelling.Nearest(wrong, known, withoutPrefix)
	if near == nil {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", near[0])
}

// withoutPrefix folds a name and removes the prefix of our variables, which people also
// write before names that do not have it.
func withoutPrefix(name string) string { return strings.TrimPrefix(spelling.Fold(name), "belfry") }
