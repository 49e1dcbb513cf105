package domain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// SpecDoc is a spec as it comes from outside: the spec and whether the job is
// active. It is what POST /jobs, PUT /jobs/:id and an import take.
type SpecDoc struct {
	Spec
	IsActive bool
}

// NewSpecDoc returns an active document with every default set.
func NewSpecDoc() SpecDoc { return SpecDoc{Spec: DefaultSpec(), IsActive: true} }

// MarshalJSON writes the spec's fields and isActive in one object, so that an
// export can be imported again.
func (d SpecDoc) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Spec
		IsActive bool `json:"isActive"`
	}{d.Spec, d.IsActive})
}

// Merge lays a JSON object over the document. A field that is absent keeps its
// value, null sets the default again, an object (retry, misfire, dst) is merged
// field by field, and headers, tags and body are replaced whole. The error is a
// CodeInvalid one that names every field that is unknown or of a wrong kind;
// the document is then unchanged. Values are not judged: see [Spec.Validate].
func (d *SpecDoc) Merge(data []byte) error {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(data, &object); err != nil {
		return jsonFault("", err)
	}
	if object == nil {
		return Invalid("", "must be a JSON object", nil)
	}
	next, defaults := *d, NewSpecDoc()
	var fe fieldErrors
	for _, name := range sortedKeys(object) {
		field, known := specFields[name]
		if !known {
			fe.add(name, "is not a field of a job"+suggest(name, specFieldNames), nil)
			continue
		}
		raw := object[name]
		if isNull(raw) {
			field.reset(&next, &defaults)
			continue
		}
		field.clear(&next)
		if err := decodeStrict(raw, field.at(&next)); err != nil {
			var e *Error
			if errors.As(jsonFault(name, err), &e) {
				fe = append(fe, e.Fields...)
			}
		}
	}
	if err := fe.err(); err != nil {
		return err
	}
	*d = next
	return nil
}

// specField is how one field of the document is reached.
type specField struct {
	at    func(*SpecDoc) any       // pointer to decode into
	reset func(dst, from *SpecDoc) // copies the default
	clear func(*SpecDoc)           // before decoding: what must not be merged
}

// field makes a specField of an accessor. Maps and slices are dropped first:
// encoding/json would merge into the map and write into the slice's memory,
// which the current version of the job shares.
func field[T any](get func(*SpecDoc) *T, replace bool) specField {
	return specField{
		at:    func(d *SpecDoc) any { return get(d) },
		reset: func(dst, from *SpecDoc) { *get(dst) = *get(from) },
		clear: func(d *SpecDoc) {
			if replace {
				var zero T
				*get(d) = zero
			}
		},
	}
}

var specFields = map[string]specField{
	"schedule":      field(func(d *SpecDoc) *string { return &d.Schedule }, true),
	"api":           field(func(d *SpecDoc) *string { return &d.API }, true),
	"type":          field(func(d *SpecDoc) *Guarantee { return &d.Type }, true),
	"name":          field(func(d *SpecDoc) *string { return &d.Name }, true),
	"tags":          field(func(d *SpecDoc) *[]string { return &d.Tags }, true),
	"timezone":      field(func(d *SpecDoc) *string { return &d.Timezone }, true),
	"method":        field(func(d *SpecDoc) *string { return &d.Method }, true),
	"headers":       field(func(d *SpecDoc) *map[string]string { return &d.Headers }, true),
	"body":          field(func(d *SpecDoc) *json.RawMessage { return &d.Body }, true),
	"timeoutMs":     field(func(d *SpecDoc) *int64 { return &d.TimeoutMs }, true),
	"retry":         field(func(d *SpecDoc) *Retry { return &d.Retry }, false),
	"overlap":       field(func(d *SpecDoc) *OverlapPolicy { return &d.Overlap }, true),
	"misfire":       field(func(d *SpecDoc) *Misfire { return &d.Misfire }, false),
	"startAt":       field(func(d *SpecDoc) *int64 { return &d.StartAt }, true),
	"endAt":         field(func(d *SpecDoc) *int64 { return &d.EndAt }, true),
	"jitterMs":      field(func(d *SpecDoc) *int64 { return &d.JitterMs }, true),
	"dst":           field(func(d *SpecDoc) *DST { return &d.DST }, false),
	"tlsSkipVerify": field(func(d *SpecDoc) *bool { return &d.TLSSkipVerify }, true),
	"isActive":      field(func(d *SpecDoc) *bool { return &d.IsActive }, true),
}

var specFieldNames = sortedKeys(specFields)

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func isNull(raw json.RawMessage) bool { return string(bytes.TrimSpace(raw)) == "null" }

func decodeStrict(raw json.RawMessage, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

// jsonFault turns an error of encoding/json into a CodeInvalid one about a
// field. Field is the path that led to the value, "" for the whole document.
func jsonFault(field string, err error) *Error {
	join := func(sub string) string {
		if field == "" || sub == "" {
			return field + sub
		}
		return field + "." + sub
	}
	if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return Invalid(join(te.Field), fmt.Sprintf("must be %s, not %s", kindName(te.Type.Kind().String()), te.Value), nil)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return Invalid(join(strings.Trim(name, `"`)), "is not a field of "+field, nil)
	}
	if se, ok := errors.AsType[*json.SyntaxError](err); ok {
		return Invalid(field, fmt.Sprintf("must be valid JSON: %v at byte %d", se, se.Offset), nil)
	}
	return Invalid(field, "must be valid JSON: "+err.Error(), nil)
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

// suggest returns `; did you mean "x"?` for a name that differs from a known
// one in case, in separators, or by one or two letters.
func suggest(name string, known []string) string {
	fold := func(s string) string {
		return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(s))
	}
	for _, k := range known {
		if fold(k) == fold(name) || editDistance(fold(k), fold(name)) <= len(k)/4 {
			return fmt.Sprintf("; did you mean %q?", k)
		}
	}
	return ""
}

// editDistance is the Levenshtein distance (Wagner and Fischer 1974), in bytes.
func editDistance(a, b string) int {
	if len(a) > MaxNameLength || len(b) > MaxNameLength {
		return MaxNameLength
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
