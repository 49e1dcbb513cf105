package domain

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/belfry-scheduler/belfry/internal/spelling"
)

// Code classifies an error by what a caller can do about it. The API maps each code to
// one HTTP status, the CLI to one exit code.
type Code string

// The codes of [Error].
const (
	CodeInvalid     Code = "invalid"     // the input is wrong; Fields has the fields
	CodeNotFound    Code = "not_found"   // the object does not exist
	CodeConflict    Code = "conflict"    // another change came first; read and try again
	CodeUnavailable Code = "unavailable" // the store cannot commit, or the server is stopping
	CodeInternal    Code = "internal"    // a bug or an internal fault
)

// Error is the only error type that callers in other packages interpret.
type Error struct {
	Code    Code
	Message string
	Fields  []FieldError // for CodeInvalid
	Err     error        // the cause, if any; never shown to a client
}

// FieldError says which field is wrong and what is permitted. Field is a dotted path
// from the top of the document: "retry.maxRetries".
type FieldError struct {
	Field   string
	Message string
	Value   any       // what was given, or nil
	Code    FieldCode // empty: FieldInvalid
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	for i, f := range e.Fields {
		if i > 0 || e.Message != "" {
			b.WriteString("; ")
		}
		b.WriteString(f.Field + ": " + f.Message)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrorCode returns the code of the first [Error] in the chain of err, or
// CodeInternal.
func ErrorCode(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}

// Invalid returns a CodeInvalid error about one field.
func Invalid(field, message string, value any) *Error {
	return InvalidAs(FieldInvalid, field, message, value)
}

// InvalidAs is [Invalid] with the code of the field.
func InvalidAs(code FieldCode, field, message string, value any) *Error {
	return &Error{Code: CodeInvalid, Fields: []FieldError{{field, message, value, code}}}
}

// NotFound returns a CodeNotFound error: "job 0192… does not exist".
func NotFound(what string, id fmt.Stringer) *Error {
	return &Error{Code: CodeNotFound, Message: fmt.Sprintf("%s %s does not exist", what, id)}
}

// Conflict returns a CodeConflict error.
func Conflict(format string, args ...any) *Error {
	return &Error{Code: CodeConflict, Message: fmt.Sprintf(format, args...)}
}

// Unavailable returns a CodeUnavailable error with its cause.
func Unavailable(cause error, format string, args ...any) *Error {
	return &Error{Code: CodeUnavailable, Message: fmt.Sprintf(format, args...), Err: cause}
}

// fieldErrors collects the errors of a document so that all are reported at once.
type fieldErrors []FieldError

func (fe *fieldErrors) addAs(code FieldCode, field, message string, value any) {
	*fe = append(*fe, FieldError{field, message, value, code})
}

func (fe *fieldErrors) requireAs(code FieldCode, ok bool, field, message string, value any) {
	if !ok {
		fe.addAs(code, field, message, value)
	}
}

// within requires a number from lo to hi. Its message is formatted only when it is
// needed: a million jobs are checked at a time.
func (fe *fieldErrors) within(v, lo, hi int64, field, note string) {
	if v < lo || v > hi {
		fe.addAs(FieldRange, field, fmt.Sprintf("must be from %d to %d%s", lo, hi, note), v)
	}
}

// text requires a text of at most so many characters that has the form of its field. It has
// one rule for both, and a code for each.
func (fe *fieldErrors) text(ok bool, value string, most int, field, rule string, shown any) {
	switch {
	case utf8.RuneCountInString(value) > most:
		fe.addAs(FieldLength, field, rule, shown)
	case !ok:
		fe.addAs(FieldFormat, field, rule, shown)
	}
}

// choice requires one of the given words; the error suggests a similar one.
func (fe *fieldErrors) choice(field, rule, word string, words ...string) {
	if slices.Contains(words, word) {
		return
	}
	if near := spelling.Nearest(word, words, nil); near != nil {
		rule += "; did you mean " + near[0] + "?"
	}
	fe.addAs(FieldChoice, field, rule, word)
}

func (fe fieldErrors) err() error {
	if len(fe) == 0 {
		return nil
	}
	return &Error{Code: CodeInvalid, Fields: fe}
}
