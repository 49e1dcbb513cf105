package wire

import (
	"bytes"
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// wholeNumber is the message for a value that should be an integer.
const wholeNumber = "a whole number"

// jsonNumber splits a JSON number (RFC 8259, section 6) into sign, digits before and after
// the point, and exponent.
var jsonNumber = regexp.MustCompile(`^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$`)

const (
	maxInt64Digits    = 19
	maxExponentDigits = 6 // a longer exponent exceeds every limit, or makes any number a fraction
)

// ParseInteger reads a JSON number whose value is an integer, however it is written: 5000,
// 5000.0, 5e3, -0. JSON Schema, and therefore OpenAPI 3.1, treats all of them as integers.
// The fault says what is wrong; empty: nothing.
func ParseInteger(text string) (n int64, fault string) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && plainInteger(text) {
		return n, ""
	}
	parts := jsonNumber.FindStringSubmatch(text)
	if parts == nil {
		return 0, "must be " + wholeNumber
	}
	fraction := "must be " + wholeNumber + ", not " + domain.Clip(text)
	beyond := "must be " + wholeNumber + " within the limits, not " + domain.Clip(text)
	digits := strings.TrimLeft(parts[2]+parts[3], "0")
	if digits == "" {
		return 0, ""
	}
	exponent := parts[4]
	if len(strings.TrimLeft(exponent, "+-0")) > maxExponentDigits {
		if exponent[0] == '-' {
			return 0, fraction
		}
		return 0, beyond
	}
	shift, _ := strconv.Atoi(exponent) // empty: 0
	shift -= len(parts[3])
	short := strings.TrimRight(digits, "0")
	shift += len(digits) - len(short)
	switch {
	case shift < 0:
		return 0, fraction
	case len(short)+shift > maxInt64Digits:
		return 0, beyond
	}
	n, err := strconv.ParseInt(parts[1]+short+strings.Repeat("0", shift), 10, 64)
	if err != nil {
		return 0, beyond
	}
	return n, ""
}

// plainInteger reports whether an integer is in canonical JSON form: without a plus, a
// leading zero or a minus before zero.
func plainInteger(text string) bool {
	return text == "0" || text[0] >= '1' && text[0] <= '9' || text[0] == '-' && text[1] >= '1' && text[1] <= '9'
}

// DecodeInteger is [ParseInteger] of a JSON value of any kind.
func DecodeInteger(raw []byte) (n int64, fault string) {
	if kind := jsonKind(raw); kind != "number" {
		return 0, "must be " + wholeNumber + ", not " + withArticle(kind) + quotedByMistake(raw)
	}
	return ParseInteger(string(bytes.TrimSpace(raw)))
}

// codeOfInteger says what is wrong with a value that [DecodeInteger] refuses, or that is
// an integer beyond the limits of its field.
func codeOfInteger(raw []byte) domain.FieldCode {
	n, err := strconv.ParseFloat(string(bytes.TrimSpace(raw)), 64)
	switch {
	case jsonKind(raw) != "number":
		return domain.FieldType
	case err == nil && n != math.Trunc(n), err == nil && n == 0: // a fraction, or one that is too small for a float
		return domain.FieldType
	}
	return domain.FieldRange
}

// quotedByMistake is a hint for a string that contains a number, true or false.
func quotedByMistake(raw []byte) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	text = strings.TrimSpace(text)
	if text == "true" || text == "false" || jsonNumber.MatchString(text) {
		return "; leave the quotes out"
	}
	return ""
}

// KindOf names the kind of a JSON value as a sentence has it: a string, an array.
func KindOf(raw []byte) string { return withArticle(jsonKind(raw)) }

// jsonKind names the kind of a JSON value.
func jsonKind(raw []byte) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case '"':
		return "string"
	case '{':
		return "object"
	case '[':
		return "array"
	case 't', 'f':
		return "bool"
	case 'n':
		return "null"
	}
	return "number"
}
