package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// faults collects the errors of a document so that all are reported at once.
type faults []domain.FieldError

func (f *faults) addAs(code domain.FieldCode, field, message string) {
	*f = append(*f, domain.FieldError{Field: field, Message: message, Code: code})
}

func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return &domain.Error{Code: domain.CodeInvalid, Fields: f}
}

// jsonFault turns an error of encoding/json into one with CodeInvalid about a field. Field
// is the path that leads to the value, "" for the whole document.
func jsonFault(field string, err error) *domain.Error {
	if e, ok := errors.AsType[*domain.Error](err); ok { // it already names the place, relative to the value
		for i := range e.Fields {
			e.Fields[i].Field = field + e.Fields[i].Field
		}
		return e
	}
	join := func(sub string) string {
		if field == "" || sub == "" {
			return field + sub
		}
		return field + "." + sub
	}
	if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		kind := kindName(te.Type.Kind().String())
		hint := ""
		if kind == "true or false" && te.Value == "string" {
			hint = "; leave the quotes out"
		}
		value, _, _ := strings.Cut(te.Value, " ") // behind it is the number
		return domain.InvalidAs(domain.FieldType, join(te.Field),
			fmt.Sprintf("must be %s, not %s%s", kind, withArticle(value), hint), nil)
	}
	if se, ok := errors.AsType[*json.SyntaxError](err); ok {
		return domain.InvalidAs(domain.FieldFormat, field,
			fmt.Sprintf("must be valid JSON: %v at byte %d", se, se.Offset), nil)
	}
	return domain.InvalidAs(domain.FieldFormat, field, "must be valid JSON: "+err.Error(), nil)
}

func kindName(kind string) string {
	switch {
	case strings.HasPrefix(kind, "int"), strings.HasPrefix(kind, "uint"):
		return "a whole number"
	case strings.HasPrefix(kind, "float"):
		return "a number"
	case kind == "bool":
		return "true or false"
	case kind == "slice":
		return "an array"
	case kind == "map", kind == "struct":
		return "an object"
	}
	return "a " + kind
}

// withArticle returns the name of a kind as a sentence has it.
func withArticle(kind string) string {
	switch kind {
	case "bool":
		return "a boolean"
	case "array", "object":
		return "an " + kind
	case "null", "nothing":
		return kind
	}
	return "a " + kind
}

func sortedKeys[V any](m map[string]V) []string {
	return appendSortedKeys(make([]string, 0, len(m)), m)
}

func appendSortedKeys[V any](keys []string, m map[string]V) []string {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func isNull(raw json.RawMessage) bool { return string(bytes.TrimSpace(raw)) == "null" }
