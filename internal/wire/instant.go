package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Instants are Unix milliseconds or RFC 3339, everywhere. A number outside of these bounds
// is probably in another unit: today is 1.8e9 in seconds (1970 as milliseconds), 1.8e15 in
// microseconds (the year 58,000).
const (
	MinInstantMs = 978_307_200_000     // 2001-01-01T00:00:00Z
	MaxInstantMs = domain.MaxInstantMs // of a job

	// MaxParameterMs is 9999-12-31T23:59:59.999Z, the last instant that RFC 3339 can
	// express.
	MaxParameterMs = 253_402_300_799_999
)

// InstantRule says how to write an instant.
const InstantRule = "must be Unix milliseconds, as in 1767225600000, or RFC 3339 with an offset, as in " +
	"2026-01-01T00:00:00Z"

// rfc3339 is stricter than [time.Parse], which accepts an hour of one digit and a comma.
var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)

// ParseRFC3339 reads an instant in the format of RFC 3339, section 5.6. The fault says
// what is permitted; it is empty if nothing is wrong.
func ParseRFC3339(text string) (t time.Time, fault string) {
	upper := strings.ToUpper(text)
	if rfc3339.MatchString(upper) {
		if t, err := time.Parse(time.RFC3339, upper); err == nil {
			return t, ""
		}
	}
	if guess := upper + "Z"; rfc3339.MatchString(guess) {
		return t, "has no offset: add Z for UTC, or one as in +02:00"
	}
	return t, InstantRule
}

// DecodeInstant reads an instant from a JSON value and returns Unix milliseconds. Zero
// means none; the caller decides whether that is permitted.
func DecodeInstant(raw []byte) (ms int64, fault string) {
	switch kind := jsonKind(raw); kind {
	case "number":
		ms, fault = DecodeInteger(raw)
		if fault == "" && ms != 0 {
			fault = unitFault(ms, MaxInstantMs)
		}
		return ms, fault
	case "string":
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return 0, InstantRule
		}
		t, fault := ParseRFC3339(strings.TrimSpace(text))
		if fault != "" {
			return 0, fault + quotedByMistake(raw)
		}
		if ms = t.UnixMilli(); ms < MinInstantMs || ms > MaxInstantMs {
			return 0, "must be an instant from 2001 to 2199"
		}
		return ms, ""
	default:
		return 0, InstantRule + ", not " + withArticle(kind)
	}
}

// CodeOfInstant says what is wrong with a value that [DecodeInstant] or [ParseInstant]
// refuses. It takes a JSON value or the text of a parameter.
func CodeOfInstant(text []byte) domain.FieldCode {
	text = bytes.TrimSpace(text)
	switch {
	case jsonNumber.Match(text):
		return codeOfInteger(text)
	case len(text) > 0 && strings.IndexByte("{[tfn", text[0]) >= 0:
		return domain.FieldType
	}
	if _, fault := ParseRFC3339(strings.Trim(string(text), `"`)); fault == "" {
		return domain.FieldRange
	}
	return domain.FieldFormat
}

// plusLost matches an offset whose plus sign a query string has turned into a space.
var plusLost = regexp.MustCompile(`^(\S+[Tt]\S+) (\d\d:\d\d)$`)

// ParseInstant reads an instant that bounds a range, from a parameter or a flag. Zero is
// the beginning, and years up to 9999 are accepted: both are used for an open end.
func ParseInstant(text string) (ms int64, fault string) {
	text = strings.TrimSpace(text)
	if jsonNumber.MatchString(text) {
		if ms, fault = ParseInteger(text); fault != "" {
			return 0, fault + "; " + InstantRule
		}
		if ms != 0 {
			fault = unitFault(ms, MaxParameterMs)
		}
		return ms, fault
	}
	t, fault := ParseRFC3339(plusLost.ReplaceAllString(text, "$1+$2"))
	if fault == "" && t.UnixMilli() < 0 {
		fault = "must not be before 1970"
	}
	return t.UnixMilli(), fault
}

// unitFault says why a number is not an instant in milliseconds up to most, and in which
// unit it would be one; empty: it is one.
func unitFault(ms, most int64) string {
	const micro, nano = 1_000, 1_000_000
	switch {
	case ms >= MinInstantMs && ms <= most:
		return ""
	case ms >= MinInstantMs/1_000 && ms <= MaxInstantMs/1_000:
		return meant("before 2001", ms, "seconds", ms*1_000)
	case ms < MinInstantMs:
		return "is before 2001: milliseconds? It " + InstantRule
	case ms/micro >= MinInstantMs && ms/micro <= MaxInstantMs:
		return meant("after "+lastYearOf(most), ms, "microseconds", ms/micro)
	case ms/nano >= MinInstantMs && ms/nano <= MaxInstantMs:
		return meant("after "+lastYearOf(most), ms, "nanoseconds", ms/nano)
	}
	return "is after " + lastYearOf(most) + ": milliseconds? It " + InstantRule
}

func meant(where string, n int64, unit string, ms int64) string {
	return fmt.Sprintf("is %s: milliseconds? %d %s are %d milliseconds, %s", where, n, unit, ms,
		time.UnixMilli(ms).UTC().Format(time.RFC3339))
}

func lastYearOf(most int64) string { return strconv.Itoa(time.UnixMilli(most - 1).UTC().Year()) }
