package cron

import (
	"fmt"
	"strings"
)

// Error is what [Parse] returns for a text it refuses. All of it is meant to be shown to the user who wrote the text.
type Error struct {
	// Field says where the mistake is: "schedule" for the text as a whole, "second", "minute", "hour", "day-of-month",
	// "month", "day-of-week", "year", "timezone", "dst.gap" or "dst.fold".
	Field string
	// Pos is the 1-based byte column of the mistake in the text of Field (in the schedule text unless Field is
	// "timezone", "dst.gap" or "dst.fold").
	Pos int
	// Text is the part that is wrong; it may be empty.
	Text string
	// Whole: all of the text of Field is wrong, so that messages have no column.
	Whole bool
	// Msg says what is wrong, Hint what would be right; Hint may be empty.
	Msg  string
	Hint string
	// Kind says what is wrong, for programs.
	Kind Kind
	// Suggestion is what Hint offers, or nil. Parse accepts it, and it has been compared
	// with the meaning of the text in the other scheduler.
	Suggestion *Suggestion
}

// Kind is the kind of a mistake.
type Kind int

// The kinds of mistakes.
const (
	Unreadable  Kind = iota // the text is none of the forms
	TooLong                 // the text is longer than any
	OutOfRange              // a number or an instant is below the least or above the greatest
	NeverFires              // there is no instant that the text names
	UnknownZone             // there is no zone of that name
)

// Suggestion is an offered translation. An empty field is to stay as it is.
type Suggestion struct {
	Schedule, Timezone string
}

// String is the suggestion as a hint says it.
func (s *Suggestion) String() string {
	switch {
	case s.Timezone == "":
		return s.Schedule
	case s.Schedule == "":
		return s.Timezone
	}
	return s.Schedule + ` with "timezone": "` + s.Timezone + `"`
}

// Error renders one line: field, column, text, what is wrong, what would be right.
func (e *Error) Error() string {
	if e.Whole {
		return e.Field + " " + e.fault()
	}
	return e.Field + ", " + e.fault()
}

// Within returns the message for a document that puts the name of its own field before
// it, so that no field is named twice.
func (e *Error) Within(field string) string {
	switch {
	case e.Field != field:
		return e.Error()
	case e.Whole:
		return e.fault()
	}
	return "at " + e.fault()
}

// fault is the line without the field.
func (e *Error) fault() string {
	var b strings.Builder
	between := ": "
	if e.Whole {
		between = " "
	} else {
		fmt.Fprintf(&b, "column %d: ", e.Pos)
	}
	if e.Text != "" {
		fmt.Fprintf(&b, "%q%s", e.Text, between)
	}
	b.WriteString(e.Msg)
	if e.Hint != "" {
		b.WriteString("; ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// of notes whether all of the text of the field is wrong. A position behind its beginning says where the mistake is,
// but for a text that is too long.
func (e *Error) of(text, zone string, dst DST) *Error {
	value, known := map[string]string{
		"schedule": text, "timezone": zone, "dst.gap": string(dst.Gap), "dst.fold": string(dst.Fold),
	}[e.Field]
	begins := 1 + len(value) - len(strings.TrimLeft(value, " \t"))
	e.Whole = known && e.Text == clip(strings.TrimSpace(value)) && (e.Pos <= begins || e.Kind == TooLong)
	return e
}

// fail builds an Error; the format arguments belong to msg.
func fail(field string, pos int, text, hint, msg string, args ...any) *Error {
	return &Error{Field: field, Pos: pos, Text: clip(text), Msg: fmt.Sprintf(msg, args...), Hint: hint}
}

// as sets the kind.
func (e *Error) as(k Kind) *Error {
	e.Kind = k
	return e
}

// clip shortens a long text so that an error stays readable. It cuts at a byte, so the
// result is only shown quoted.
func clip(s string) string {
	const most = 48
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}
