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
	// Msg says what is wrong, Hint what would be right; Hint may be empty.
	Msg  string
	Hint string
}

// Error renders one line: field, column, text, what is wrong, what would be right.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, column %d", e.Field, e.Pos)
	if e.Text != "" {
		fmt.Fprintf(&b, ": %q", e.Text)
	}
	b.WriteString(": ")
	b.WriteString(e.Msg)
	if e.Hint != "" {
		b.WriteString("; ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// fail builds an Error; the format arguments belong to msg.
func fail(field string, pos int, text, hint, msg string, args ...any) *Error {
	return &Error{Field: field, Pos: pos, Text: clip(text), Msg: fmt.Sprintf(msg, args...), Hint: hint}
}

// clip keeps an error readable when the offending text is long. It cuts at a byte, so it is only shown quoted.
func clip(s string) string {
	const most = 48
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}
