package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

// bulkRequest is the body of a request to do something with many jobs.
type bulkRequest struct {
	Action domain.BulkAction `json:"action" enum:"PAUSE,RESUME,TRIGGER,DELETE,TAG" doc:"What is done with each job." example:"PAUSE"`
	IDs    []string          `json:"ids,omitempty" nullable:"false" minItems:"1" maxItems:"1000" doc:"The jobs, one by one. Ids that are of no job are counted as notFound."`
	Query  *bulkQuery        `json:"query,omitempty" doc:"Or the jobs that all of this selects, as the parameters of GET /jobs do."`
	All    bool              `json:"all,omitempty" doc:"true: an empty query is meant, which selects every job. Not allowed with another one." example:"false"`
	Tags   *bulkTags         `json:"tags,omitempty" doc:"With TAG: which tags each job gets and loses."`
	Pause  *pauseRequest     `json:"pause,omitempty" doc:"With PAUSE: why, and until when, as for a single job."`
	DryRun bool              `json:"dryRun,omitempty" doc:"true: nothing is changed. The answer says how many jobs there are, and shows some." example:"true"`
	Cursor string            `json:"cursor,omitempty" maxLength:"100" doc:"With dryRun: nextCursor of the answer before, to count on." example:"agAAAAAAAAAAAZLwwS0-eEuMXW5_gJEKGwAAAAAAAAAAlRa2Gw"`
}

// bulkQuery has the fields of JobFilter.
type bulkQuery struct {
	IsActive  *bool  `json:"isActive,omitempty" nullable:"false" doc:"Only jobs that are active (true) or paused (false)." example:"true"`
	Failing   *bool  `json:"failing,omitempty" nullable:"false" doc:"Only jobs whose last executions have failed, with an open alert (true), or only the others (false)." example:"true"`
	Namespace string `json:"namespace,omitempty" minLength:"1" maxLength:"63" pattern:"^[a-z0-9-]+$" doc:"Only jobs of this namespace." example:"billing"`
	Key       string `json:"key,omitempty" minLength:"1" maxLength:"128" pattern:"^[A-Za-z0-9][A-Za-z0-9._:-]*$" doc:"Only the job with this key, exactly: one in each namespace at most." example:"invoices-nightly"`
	Name      string `json:"name,omitempty" minLength:"1" maxLength:"200" pattern:"\\S" doc:"Only jobs with this name, exactly." example:"Sync invoices"`
	Tag       string `json:"tag,omitempty" minLength:"1" maxLength:"200" pattern:"\\S" doc:"Only jobs with this tag, exactly." example:"billing"`
	Host      string `json:"host,omitempty" minLength:"1" maxLength:"300" pattern:"\\S" doc:"Only jobs that call this host: a name, name:port, or a URL with scheme and name." example:"api.example.com"`
	Text      string `json:"text,omitempty" minLength:"1" maxLength:"200" pattern:"\\S" doc:"Only jobs whose name, api or id holds this text, in letters of any case." example:"invoice"`
}

// bulkTags is a domain.TagChange.
type bulkTags struct {
	Add    []string `json:"add,omitempty" nullable:"false" maxItems:"32" uniqueItems:"true" doc:"Tags that each job gets." example:"reviewed"`
	Remove []string `json:"remove,omitempty" nullable:"false" maxItems:"32" uniqueItems:"true" doc:"Tags that each job loses; none that it gets." example:"legacy"`
}

// boundBulk says of ids and tags what struct tags can say of the array alone.
func boundBulk(schemas map[string]*huma.Schema) {
	schemas["BulkRequest"].Properties["ids"].Items = &huma.Schema{Type: huma.TypeString, Format: "uuid"}
	least, most := 1, domain.MaxTagLength
	for _, name := range []string{"add", "remove"} {
		schemas["BulkTags"].Properties[name].Items = &huma.Schema{
			Type: huma.TypeString, MinLength: &least, MaxLength: &most,
			Pattern: `^\s*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*\s*$`,
		}
	}
}

// bulkOrder is what a request asks for.
type bulkOrder struct {
	operation domain.Operation // with what it is about
	ids       []domain.JobID
	dryRun    bool
	cursor    string
}

// bulkFaults collects the wrong fields of a request.
type bulkFaults struct{ fields []domain.FieldError }

func (f *bulkFaults) add(code domain.FieldCode, field, message string, value any) {
	f.fields = append(f.fields, domain.FieldError{Field: field, Code: code, Message: message, Value: value})
}

// take adds the wrong fields of an error.
func (f *bulkFaults) take(prefix string, err error) {
	if e, ok := err.(*domain.Error); ok { //nolint:errorlint // it is made right here
		for _, one := range e.Fields {
			one.Field = prefix + one.Field
			f.fields = append(f.fields, one)
		}
	}
}

// members returns the members of an object; none that is not known.
func (f *bulkFaults) members(at string, raw []byte, known ...string) map[string]json.RawMessage {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil || object == nil {
		f.add(domain.FieldType, at, "must be an object, not "+wire.KindOf(raw), nil)
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(known, name) {
			f.add(domain.FieldUnknown, inside(at, name),
				"is not a field here: there are "+strings.Join(known, ", "), nil)
			delete(object, name)
		}
	}
	return object
}

func inside(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

// flag reads a member that is true or false; nil: it is absent.
func (f *bulkFaults) flag(at string, raw json.RawMessage) *bool {
	if raw == nil {
		return nil
	}
	var yes *bool
	if json.Unmarshal(raw, &yes) != nil || yes == nil {
		f.add(domain.FieldType, at, "must be true or false, not "+wire.KindOf(raw), nil)
		return nil
	}
	return yes
}

// text reads a member that is a text of at most so many characters. One that is there is not
// blank: a script whose variable is empty would select every job.
func (f *bulkFaults) text(at string, raw json.RawMessage, most int) string {
	if raw == nil {
		return ""
	}
	var text *string
	if json.Unmarshal(raw, &text) != nil || text == nil {
		f.add(domain.FieldType, at, "must be a string, not "+wire.KindOf(raw), nil)
		return ""
	}
	switch {
	case strings.TrimSpace(*text) == "":
		f.add(domain.FieldRequired, at, "must not be blank: leave it out to select by something else", *text)
	case utf8.RuneCountInString(*text) > most:
		f.add(domain.FieldLength, at, fmt.Sprintf("must be at most %d characters", most), *text)
	}
	return *text
}

// texts reads a member that is an array of texts.
func (f *bulkFaults) texts(at string, raw json.RawMessage) []string {
	if raw == nil {
		return nil
	}
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil || items == nil {
		f.add(domain.FieldType, at, "must be an array of strings, not "+wire.KindOf(raw), nil)
		return nil
	}
	all := make([]string, 0, len(items))
	for i, item := range items {
		var text *string
		if json.Unmarshal(item, &text) != nil || text == nil {
			f.add(domain.FieldType, fmt.Sprintf("%s[%d]", at, i), "must be a string, not "+wire.KindOf(item), nil)
			continue
		}
		all = append(all, *text)
	}
	return all
}

// readBulk reads the body of a request.
func readBulk(data []byte) (bulkOrder, error) {
	var f bulkFaults
	var order bulkOrder
	o := &order.operation
	object := f.members("", data, "action", "ids", "query", "all", "tags", "pause", "dryRun", "cursor")
	f.action(object["action"], o)
	order.ids = f.ids(object["ids"])
	f.tags(object["tags"], o)
	f.pause(object["pause"], o)
	if raw := object["query"]; raw != nil {
		o.Filter = f.query(raw)
	}
	all := f.flag("all", object["all"])
	f.selection(object, o, all != nil && *all)
	if dry := f.flag("dryRun", object["dryRun"]); dry != nil {
		order.dryRun = *dry
	}
	order.cursor = f.text("cursor", object["cursor"], 100)
	if order.cursor != "" && !order.dryRun {
		f.add(domain.FieldContradiction, "cursor", "must be absent without dryRun", nil)
	}
	if len(f.fields) > 0 {
		return order, &domain.Error{Code: domain.CodeInvalid, Fields: f.fields}
	}
	return order, nil
}

// selection checks that the jobs are chosen in one way, and all of them only if that is meant.
func (f *bulkFaults) selection(object map[string]json.RawMessage, o *domain.Operation, all bool) {
	ids, query := object["ids"] != nil, object["query"] != nil
	empty := o.Filter == domain.JobFilter{}
	switch {
	case ids && query:
		f.add(domain.FieldContradiction, "ids", "must be absent beside query: the jobs are chosen by one of them", nil)
	case !ids && !query:
		f.add(domain.FieldRequired, "query", "must say which jobs are meant, or ids must name them", nil)
	case query && empty && !all && len(f.fields) == 0:
		f.add(domain.FieldRequired, "query", "must have a field, or all must be true: every job is selected", nil)
	case all && (ids || !empty):
		f.add(domain.FieldContradiction, "all", "must be absent, or the query must be empty", nil)
	}
}

func (f *bulkFaults) action(raw json.RawMessage, o *domain.Operation) {
	words := make([]string, len(domain.BulkActions))
	for i, a := range domain.BulkActions {
		words[i] = string(a)
	}
	rule := "must be one of " + strings.Join(words, ", ")
	var text *string
	switch {
	case raw == nil:
		f.add(domain.FieldRequired, "action", rule, nil)
	case json.Unmarshal(raw, &text) != nil || text == nil:
		f.add(domain.FieldType, "action", "must be a string, not "+wire.KindOf(raw), nil)
	case !slices.Contains(words, *text):
		f.add(domain.FieldChoice, "action", rule, *text)
	default:
		o.Action = domain.BulkAction(*text)
	}
}

func (f *bulkFaults) ids(raw json.RawMessage) []domain.JobID {
	texts := f.texts("ids", raw)
	if raw != nil && len(f.fields) == 0 && (len(texts) == 0 || len(texts) > store.MaxIDs) {
		f.add(domain.FieldLength, "ids", fmt.Sprintf("must be 1 to %d", store.MaxIDs), len(texts))
		return nil
	}
	ids := make([]domain.JobID, 0, len(texts))
	for i, text := range texts {
		id, err := domain.ParseJobID(text)
		if err != nil {
			f.add(domain.FieldFormat, fmt.Sprintf("ids[%d]", i),
				"must be the id of a job, a UUID of 36 characters", text)
		}
		ids = append(ids, id)
	}
	return ids
}

func (f *bulkFaults) tags(raw json.RawMessage, o *domain.Operation) {
	if raw == nil {
		if o.Action == domain.BulkTag {
			f.add(domain.FieldContradiction, "action", "TAG needs tags: those to add, or to remove", nil)
		}
		return
	}
	if o.Action != domain.BulkTag && o.Action != "" {
		f.add(domain.FieldContradiction, "tags", "must be absent: action is "+string(o.Action), nil)
	}
	before := len(f.fields)
	object := f.members("tags", raw, "add", "remove")
	o.Tags.Add = trimmed(f.texts("tags.add", object["add"]))
	o.Tags.Remove = trimmed(f.texts("tags.remove", object["remove"]))
	if len(f.fields) > before {
		return
	}
	f.take("", o.Tags.Validate())
	for at, tags := range map[string][]string{"tags.add": o.Tags.Add, "tags.remove": o.Tags.Remove} {
		for i, tag := range tags {
			if fault := wire.NameFault(tag); fault != "" {
				f.add(domain.FieldFormat, fmt.Sprintf("%s[%d]", at, i), fault, nil)
			}
		}
	}
}

func (f *bulkFaults) pause(raw json.RawMessage, o *domain.Operation) {
	if raw == nil {
		return
	}
	if o.Action != domain.BulkPause && o.Action != "" {
		f.add(domain.FieldContradiction, "pause", "must be absent: action is "+string(o.Action), nil)
	}
	var err error
	o.Pause, err = decodePause(raw, "pause.")
	f.take("", err)
}

// trimmed removes the white space around tags, as in a job.
func trimmed(tags []string) []string {
	for i := range tags {
		tags[i] = strings.TrimSpace(tags[i])
	}
	return tags
}

func (f *bulkFaults) query(raw json.RawMessage) (q domain.JobFilter) {
	object := f.members("query", raw, "isActive", "failing", "namespace", "key", "name", "tag", "host", "text")
	q.Active, q.Failing = f.flag("query.isActive", object["isActive"]), f.flag("query.failing", object["failing"])
	text := func(name string, most int) string {
		return strings.TrimSpace(f.text("query."+name, object[name], most)) // as fields are
	}
	q.Namespace = f.text("query.namespace", object["namespace"], maxFilterLength)
	q.Key = f.text("query.key", object["key"], domain.MaxJobKeyLength)
	q.Name, q.Tag, q.Text = text("name", maxFilterLength), text("tag", maxFilterLength), text("text", maxFilterLength)
	q.Host = text("host", maxHostFilter)
	if q.Namespace != "" && !domain.ValidNamespace(q.Namespace) {
		f.add(domain.FieldFormat, "query.namespace", "must be 1 to 63 small letters, digits and hyphens", q.Namespace)
	}
	if q.Key != "" && !domain.ValidJobKey(q.Key) {
		f.add(domain.FieldFormat, "query.key", domain.JobKeyRule, q.Key)
	}
	if _, err := domain.ParseHostFilter(q.Host); err != nil {
		f.take("query.", err)
	}
	return q
}
