package domain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/belfry-scheduler/belfry/internal/cron"
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
// value, null sets the default again, an object (retry, misfire, dst, signing)
// is merged field by field, and headers, secretHeaders, tags, body and the
// signing secrets are replaced whole; a [Mask] in the place of a secret keeps
// the one that is stored. The error is a
// CodeInvalid one that names every field that is unknown or of a wrong kind;
// the document is then unchanged. Values are not judged: see [Spec.Validate].
func (d *SpecDoc) Merge(data []byte) error {
	m := mergers.Get().(*merger)
	defer m.release()
	m.next = *d
	m.object("", data, specFields)
	m.keepSecrets(d)
	if err := m.faults.err(); err != nil {
		return err
	}
	*d = m.next
	return nil
}

// merger lays JSON over a document and collects what is wrong with it.
type merger struct {
	next        SpecDoc
	faults      fieldErrors
	headersSent bool // the document has headers

	// Of the outermost object, to be used again.
	members map[string]json.RawMessage
	names   []string
}

// mergers keeps the memory of past merges: an import makes 100,000 of them in a
// second.
var mergers = sync.Pool{New: func() any { return new(merger) }}

// Longer lists and names are not kept for the next merge.
const maxKeptMembers = 64

func (m *merger) release() {
	kept := merger{}
	if len(m.members) <= maxKeptMembers {
		clear(m.members)
		clear(m.names)
		kept.members, kept.names = m.members, m.names[:0]
	}
	*m = kept
	mergers.Put(m)
}

// absent is the document in which nothing is said.
var absent = NewSpecDoc()

// object merges a JSON object whose members are the given fields. The path
// leads to it: "" for the document, "retry." for one in it.
func (m *merger) object(path string, data []byte, fields map[string]specField) {
	var members map[string]json.RawMessage
	var names []string
	if path == "" {
		members, names = m.members, m.names
	}
	if err := json.Unmarshal(data, &members); err != nil {
		m.fault(strings.TrimSuffix(path, "."), err)
		return
	}
	if members == nil {
		m.faults.add(strings.TrimSuffix(path, "."), "must be a JSON object", nil)
		return
	}
	names = appendSortedKeys(names, members)
	if path == "" {
		m.members, m.names = members, names
	}
	for _, name := range names {
		field, known := fields[name]
		raw := members[name]
		m.headersSent = m.headersSent || path == "" && name == "headers"
		switch {
		case !known:
			m.faults.add(path+name, "is not a field of a job"+suggest(name, sortedKeys(fields)), nil)
		case isNull(raw):
			field.reset(&m.next, &absent)
		case field.members != nil:
			m.object(path+name+".", raw, field.members)
		default:
			if err := field.decode(raw, &m.next); err != nil {
				m.fault(path+name, err)
			}
		}
	}
}

func (m *merger) fault(field string, err error) {
	m.faults = append(m.faults, jsonFault(field, err).Fields...)
}

// nested makes a specField of an object that is merged field by field.
func nested[T any](get func(*SpecDoc) *T, members map[string]specField) specField {
	f := field(get)
	f.members = members
	return f
}

var specFields = map[string]specField{
	"schedule":      trimmed(func(d *SpecDoc) *string { return &d.Schedule }),
	"api":           targetField(),
	"type":          field(func(d *SpecDoc) *Guarantee { return &d.Type }),
	"name":          trimmed(func(d *SpecDoc) *string { return &d.Name }),
	"namespace":     field(func(d *SpecDoc) *string { return &d.Namespace }),
	"tags":          tagsField(),
	"timezone":      trimmed(func(d *SpecDoc) *string { return &d.Timezone }),
	"method":        field(func(d *SpecDoc) *string { return &d.Method }),
	"headers":       field(func(d *SpecDoc) *map[string]string { return &d.Headers }),
	"secretHeaders": field(func(d *SpecDoc) *[]string { return &d.SecretNames }),
	"body":          field(func(d *SpecDoc) *json.RawMessage { return &d.Body }),
	"timeoutMs":     field(func(d *SpecDoc) *int64 { return &d.TimeoutMs }),
	"retry": nested(func(d *SpecDoc) *Retry { return &d.Retry }, map[string]specField{
		"maxRetries": field(func(d *SpecDoc) *int { return &d.Retry.MaxRetries }),
		"delayMs":    field(func(d *SpecDoc) *int64 { return &d.Retry.DelayMs }),
		"backoff":    field(func(d *SpecDoc) *Backoff { return &d.Retry.Backoff }),
		"maxDelayMs": field(func(d *SpecDoc) *int64 { return &d.Retry.MaxDelayMs }),
	}),
	"overlap": field(func(d *SpecDoc) *OverlapPolicy { return &d.Overlap }),
	"misfire": nested(func(d *SpecDoc) *Misfire { return &d.Misfire }, map[string]specField{
		"policy":   field(func(d *SpecDoc) *MisfirePolicy { return &d.Misfire.Policy }),
		"maxAgeMs": field(func(d *SpecDoc) *int64 { return &d.Misfire.MaxAgeMs }),
		"maxRuns":  field(func(d *SpecDoc) *int { return &d.Misfire.MaxRuns }),
	}),
	"startAt":  instantField(func(d *SpecDoc) *int64 { return &d.StartAt }),
	"endAt":    instantField(func(d *SpecDoc) *int64 { return &d.EndAt }),
	"jitterMs": field(func(d *SpecDoc) *int64 { return &d.JitterMs }),
	"dst": nested(func(d *SpecDoc) *DST { return &d.DST }, map[string]specField{
		"gap":  word(func(d *SpecDoc) *cron.Gap { return &d.DST.Gap }, "AFTER, SKIP or BEFORE"),
		"fold": word(func(d *SpecDoc) *cron.Fold { return &d.DST.Fold }, "FIRST, SECOND or BOTH"),
	}),
	"tlsSkipVerify": field(func(d *SpecDoc) *bool { return &d.TLSSkipVerify }),
	"signing": nested(func(d *SpecDoc) *Signing { return &d.Signing }, map[string]specField{
		"secrets": secretsField(),
	}),
	"clientCertificate": trimmed(func(d *SpecDoc) *string { return &d.ClientCertificate }),
	"isActive":          field(func(d *SpecDoc) *bool { return &d.IsActive }),
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

// jsonFault turns an error of encoding/json into a CodeInvalid one about a
// field. Field is the path that led to the value, "" for the whole document.
func jsonFault(field string, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok { // told already, from the value on
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
		return Invalid(join(te.Field), fmt.Sprintf("must be %s, not %s%s", kind, te.Value, hint), nil)
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
