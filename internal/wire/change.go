package wire

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// The document of GET /jobs/{id} is a valid change, too: a client that reads a job,
// alters a field and sends the whole document back wants to change that field. Read-only
// members may be present if they are unchanged; a different value is refused by name, and
// nothing is ignored silently.

// Change is the content of a PUT or PATCH request.
type Change struct {
	Fields   []byte          // the fields of the job, as one JSON object
	patch    bool            // it is a merge patch: null removes
	inSpec   map[string]bool // those of them that were in spec
	readOnly map[string]json.RawMessage
}

// readOnlyMembers are the members of a job's document that no change can set.
var readOnlyMembers = []string{"id", "jobId", "createdAt", "updatedAt", "version", "effectiveFrom", "nextFireAt",
	"error", "bodyCut", "bodyBytes"}

// readOnlyInstants are those of them that are instants: Unix milliseconds or RFC 3339.
var readOnlyInstants = []string{"createdAt", "updatedAt", "effectiveFrom", "nextFireAt"}

// ReadChange decomposes a document. The document has a subset of the fields of a job at
// the top, or in spec, or some of them in each place, but none in both places.
func ReadChange(data []byte) (Change, error) { return readChange(Change{Fields: data}) }

// ReadPatch is [ReadChange] for a merge patch (RFC 7396) of the document of a job. null
// removes a member, so it is refused for one that can only be read.
func ReadPatch(data []byte) (Change, error) { return readChange(Change{Fields: data, patch: true}) }

// Lay merges the fields of the change into the document of a job: [Merge], or [Patch].
func (c *Change) Lay(doc *domain.SpecDoc) error {
	if c.patch {
		return Patch(doc, c.Fields)
	}
	return Merge(doc, c.Fields)
}

func readChange(c Change) (Change, error) {
	data := c.Fields
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return c, err
	}
	spec, nested := all["spec"]
	answered, err := dropAnswer(all)
	if err != nil {
		return c, err
	}
	for _, name := range readOnlyMembers {
		if raw, has := all[name]; has {
			if c.readOnly == nil {
				c.readOnly = map[string]json.RawMessage{}
			}
			c.readOnly[name] = raw
			delete(all, name)
		}
	}
	if nested {
		delete(all, "spec")
		if err := c.unfold(all, spec); err != nil {
			return c, err
		}
	}
	if !nested && !answered && c.readOnly == nil {
		return c, nil
	}
	fields, err := json.Marshal(all)
	c.Fields = fields
	return c, err
}

// besideJob are the members that the answer to a change, or a list, has beside the job. They say
// what was done, and nothing of the job.
var besideJob = []string{"lastExecution", "message", "warnings"}

// dropAnswer removes the members of besideJob.
func dropAnswer(all map[string]json.RawMessage) (found bool, err error) {
	var message string
	var warnings []string
	var execution map[string]json.RawMessage
	var wrong faults
	for i, into := range []any{&execution, &message, &warnings} {
		name := besideJob[i]
		raw, has := all[name]
		found = found || has
		delete(all, name)
		if !has || isNull(raw) {
			continue
		}
		if json.Unmarshal(raw, into) != nil || elements(raw, "leave it out") != nil {
			wrong.addAs(domain.FieldReadOnly, name, "can only be read: leave it out, or send it as it was answered")
		}
	}
	return found, wrong.err()
}

// unfold moves the members of spec to the other fields.
func (c *Change) unfold(all map[string]json.RawMessage, spec json.RawMessage) error {
	var members map[string]json.RawMessage
	if json.Unmarshal(spec, &members) != nil || c.patch && members == nil {
		return domain.InvalidAs(domain.FieldType, "spec", "must be an object, the fields of the job, not "+
			KindOf(spec), nil)
	}
	c.inSpec = map[string]bool{}
	var wrong faults
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if _, twice := all[name]; twice {
			wrong.addAs(domain.FieldDuplicate, name, "is there twice, in spec too: leave one out")
		}
		c.inSpec[name] = true
		all[name] = members[name]
	}
	return wrong.err()
}

// PausedUntil returns the end of a pause that the document says; zero: none, or not one that can be read.
func (c *Change) PausedUntil() int64 { return pausedUntil(c.Fields) }

func pausedUntil(fields []byte) int64 {
	var said struct {
		PausedUntil json.RawMessage `json:"pausedUntil"`
	}
	if json.Unmarshal(fields, &said) != nil || said.PausedUntil == nil {
		return 0
	}
	until, fault := DecodeInstant(said.PausedUntil)
	if fault != "" {
		return 0
	}
	return until
}

// NamesState reports whether the document has read-only members: then [Change.Check] checks them.
func (c *Change) NamesState() bool { return c.readOnly != nil }

// Check compares the read-only members with the job. It returns the number of the version
// on which the change is based, or zero if the document does not have it. If that version
// is not the current one, the error has CodeConflict.
func (c *Change) Check(now *Job, clockMs int64) (number int, err error) {
	if c.readOnly == nil {
		return 0, nil
	}
	text, err := json.Marshal(now)
	if err != nil {
		return 0, err
	}
	var members map[string]json.RawMessage // the body in spec may hold numbers that no Go type does
	if err := json.Unmarshal(text, &members); err != nil {
		return 0, err
	}
	var wrong faults
	for _, name := range readOnlyMembers {
		raw, has := c.readOnly[name]
		var was, is any
		if err := json.Unmarshal([]byte(cmp.Or(string(members[name]), "null")), &is); err != nil {
			return 0, err
		}
		if name == "bodyBytes" { // only a list has it
			is = float64(len(now.Spec.Body))
		}
		switch {
		case !has || string(raw) == "null" && (!c.patch || is == nil): // null counts as absent
		case json.Unmarshal(raw, &was) == nil && unchanged(name, was, is, clockMs):
		case name == "version" && isNumber(was):
			return 0, staleDocument(now.Version, was)
		default:
			wrong.addAs(domain.FieldReadOnly, name, "can only be read: leave it out, or send it as it is, "+
				asRead(inFormOf(name, was, is)))
		}
	}
	if err := wrong.err(); err != nil {
		return 0, err
	}
	return now.Version, nil
}

// staleDocument refuses a document of a version other than the current one: its
// unchanged fields would undo later changes by others.
func staleDocument(current int, was any) error {
	return &domain.Error{Code: domain.CodeConflict, Fields: []domain.FieldError{{
		Field: "version", Message: fmt.Sprintf("must be the job's current version, %d: read the job again, or leave "+
			"version out", current), Value: was, Code: domain.FieldStale,
	}}}
}

// unchanged reports whether a member has the value that it had when it was read. The
// next fire changes by itself: a fire that has passed was correct earlier.
func unchanged(name string, was, is any, clockMs int64) bool {
	if slices.Contains(readOnlyInstants, name) {
		was = instantOf(was)
	}
	switch name {
	case "id":
		text, _ := was.(string)
		return strings.EqualFold(text, fmt.Sprint(is))
	case "bodyCut": // of a list, which has left the body out: so it stays as it is
		_, flag := was.(bool)
		return flag
	case "nextFireAt":
		if at, isNumber := was.(float64); isNumber && at > 0 && at <= float64(clockMs) && at == math.Trunc(at) {
			return true
		}
	}
	return reflect.DeepEqual(was, is)
}

// instantOf returns an instant that was sent as text in milliseconds, as the document has it;
// anything else unchanged.
func instantOf(was any) any {
	text, isText := was.(string)
	t, fault := ParseRFC3339(strings.TrimSpace(text))
	if !isText || fault != "" || t.Nanosecond()%int(time.Millisecond) != 0 {
		return was
	}
	return float64(t.UnixMilli())
}

// inFormOf returns a member in the form in which it was sent: an instant as text if that was
// one.
func inFormOf(name string, was, is any) any {
	_, isText := was.(string)
	ms, isNumber := is.(float64)
	if isText && isNumber && slices.Contains(readOnlyInstants, name) {
		return time.UnixMilli(int64(ms)).UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return is
}

func isNumber(v any) bool {
	_, is := v.(float64)
	return is
}

// maxShownMember is how much of a member a fault shows, in bytes.
const maxShownMember = 256

// asRead formats a member in the form of the job's document.
func asRead(is any) string {
	if is == nil {
		return "null"
	}
	text, err := json.Marshal(is)
	if err != nil {
		return ""
	}
	return Shorten(string(text), maxShownMember)
}

// Place replaces the path of faults in fields of spec by their path in the document.
func (c *Change) Place(err error) error {
	e, ok := errors.AsType[*domain.Error](err)
	if !ok || len(c.inSpec) == 0 {
		return err
	}
	placed := *e
	placed.Fields = slices.Clone(e.Fields)
	for i, f := range placed.Fields {
		if top, _, _ := strings.Cut(f.Field, "."); c.inSpec[cutIndex(top)] {
			placed.Fields[i].Field = "spec." + f.Field
		}
	}
	return &placed
}

// cutIndex removes the index from a name: tags for tags[0].
func cutIndex(name string) string {
	before, _, _ := strings.Cut(name, "[")
	return before
}

// PointToSpec explains the mistake to a client that sends the document of a job where
// only its fields are accepted, instead of reporting each of its members as unknown.
func PointToSpec(err error) error {
	e, ok := errors.AsType[*domain.Error](err)
	if !ok || !slices.ContainsFunc(e.Fields, func(f domain.FieldError) bool { return f.Field == "spec" }) {
		return err
	}
	return domain.InvalidAs(domain.FieldUnknown, "spec",
		"is where the document of a job has its fields: to make another one send what is "+
			"in it, with isActive beside", nil)
}
