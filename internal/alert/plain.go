package alert

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Names of jobs and what targets answer are texts of others. Here they become plain: without characters that control
// a terminal, end a header or turn the direction of what follows. What has a meaning in a format, such as < in HTML,
// is escaped where the format is made.

// Plain returns a text without control characters other than the end of a line.
func Plain(text string) string {
	return strings.TrimSpace(plain(strings.ReplaceAll(text, "\r\n", "\n"), '\n'))
}

// OneLine returns a text in one line, without control characters.
func OneLine(text string) string {
	return strings.Join(strings.Fields(plain(text, 0)), " ")
}

func plain(text string, kept rune) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == kept && kept != 0:
			return r
		case r == utf8.RuneError, unicode.Is(unicode.Bidi_Control, r):
			return -1
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return ' '
		}
		return r
	}, text)
}

// clipRunes truncates a text to so many characters.
func clipRunes(text string, most int) string {
	for i := range text {
		if most == 0 {
			return text[:i]
		}
		most--
	}
	return text
}

// Clip truncates a text of more than so many characters, with "..." as the last three.
func Clip(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return clipRunes(text, max(0, most-3)) + "..."
}

const maxSampleError = 200 // characters: its first words

// clip truncates the error of a sample.
func clip(text string) string {
	if runes := []rune(text); len(runes) > maxSampleError {
		return string(runes[:maxSampleError]) + "..."
	}
	return text
}
