package reference

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/api/instants"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

const apiDescription = `Belfry fires HTTP requests on schedule, each on time, each at least once, each on record.

Instants are Unix milliseconds (UTC) or RFC 3339 where they are taken, and milliseconds in answers; durations are milliseconds, unless a field says otherwise. Lists are paged: give nextCursor back as cursor until there is none.

Every answer has an X-Request-Id, which each line has that the server logs for the request: the one that the request had, if it is 1 to 128 letters, digits or characters of -_.~:+/=@, otherwise a new one.

Errors are problem documents (RFC 9457, application/problem+json). 400: the request cannot be read, or a parameter is wrong. 422: the document is JSON, but fields are wrong; errors names every one and says what would be right. Unknown fields and unknown query parameters are refused by name. For programs each problem has a code, and each wrong field has one (FieldCode); sentences may change, codes do not.

When the server has API keys, every path but /healthz and /readyz needs Authorization: Bearer KEY. The key's role says how far it goes: viewer reads and previews schedules, editor changes jobs and triggers them, admin does everything. Without keys it listens on loopback only, answers only to loopback names in Host (against DNS rebinding), and refuses changes that a web page of another origin asks for.`

// APIVersion is the version of the API (info.version), not of the server: the policy of docs/api.md says what changes
// which part of it.
const APIVersion = "1.0.0"

// VersionPrefix is what every path may begin with. It names the first part of [APIVersion].
const VersionPrefix = "/v1"

// Config returns huma's configuration: the frame of the document, and none of
// huma's own pages.
func Config() huma.Config {
	registry := huma.NewMapRegistry("#/components/schemas/", schemaName)
	registry.RegisterTypeAlias(reflect.TypeFor[domain.Spec](), reflect.TypeFor[specFields]())
	registry.RegisterTypeAlias(reflect.TypeFor[wire.Instant](), reflect.TypeFor[Instant]())
	registry.Schema(reflect.TypeFor[wire.JobSpec](), true, "")
	boundTags(registry.Map()["JobSpec"])
	change := withoutDefaults(registry, "JobSpec")
	fields := change
	fields.Description = "Any subset of a job's fields."
	registry.Map()["JobFields"] = &fields
	change.Description = "Any subset of a job's fields, here or in spec, or the whole document of a job."
	change.Properties = maps.Clone(change.Properties)
	maps.Copy(change.Properties, wholeJobProperties(registry))
	registry.Map()["JobChange"] = &change
	addPatch(registry)
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Belfry", Version: APIVersion, Description: apiDescription,
				Contact: &huma.Contact{Name: "Belfry", URL: "https://github.com/belfry-scheduler/belfry"},
				License: &huma.License{Name: "MIT", URL: "https://spdx.org/licenses/MIT.html"},
			},
			Servers: []*huma.Server{
				{URL: "/", Description: "This server: the current version of the API."},
				{URL: VersionPrefix, Description: "The same paths, for clients that are to stay with version 1."},
			},
			Components: &huma.Components{
				Schemas: registry,
				SecuritySchemes: map[string]*huma.SecurityScheme{"bearerKey": {
					Type: "http", Scheme: "bearer", Description: "One of the server's API keys.",
				}},
			},
			Security: []map[string][]string{{"bearerKey": {}}},
			Tags: []*huma.Tag{
				{Name: "Jobs", Description: "What is registered."},
				{Name: "Executions", Description: "What became of each fire."},
				{Name: "Schedules", Description: "What an expression means."},
				{Name: "Observability", Description: "How Belfry does."},
				{Name: "Alerts", Description: "Of what people are told, and whether it has reached them."},
				{Name: "Keys", Description: "Who may come in, and who changed what."},
				{Name: "Probes", Description: "For orchestrators; no key needed."},
				{Name: "Documents", Description: "This reference."},
			},
		},
		Formats: map[string]huma.Format{"application/json": huma.DefaultJSONFormat,
			"json": huma.DefaultJSONFormat},
		DefaultFormat: "application/json",
	}
}

// withoutDefaults returns the schema of a change: every field may be absent, which keeps its value. It has no defaults,
// nor have its parts: a generated client that filled them in would change what its caller has not named.
func withoutDefaults(r huma.Registry, name string) huma.Schema {
	change := *r.Map()[name]
	change.Required = nil
	change.Properties = make(map[string]*huma.Schema, len(change.Properties))
	for field, p := range r.Map()[name].Properties {
		property := *p
		property.Default = nil
		if part := strings.TrimPrefix(p.Ref, schemaPrefix); part != p.Ref {
			of := strings.TrimSuffix(part, "Spec") + "Change"
			if r.Map()[of] == nil {
				inner := withoutDefaults(r, part)
				r.Map()[of] = &inner
			}
			property.Ref = schemaPrefix + of
		}
		change.Properties[field] = &property
	}
	return change
}

// schemaPrefix is what references to schemas begin with.
const schemaPrefix = "#/components/schemas/"

// schemaName names a schema after its Go type, without the suffix that tells
// the type from the domain's.
func schemaName(t reflect.Type, hint string) string {
	return strings.TrimSuffix(huma.DefaultSchemaNamer(t, hint), "Body")
}

// JSONBody is the request body of a route that reads it itself: the name of its
// schema.
func JSONBody(schema string) *huma.RequestBody {
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/json": {Schema: &huma.Schema{Ref: "#/components/schemas/" + schema}},
	}}
}

// LinesKey is where a schema of lines names the schema of one.
const LinesKey = "x-itemSchema"

// Lines describes a text (NDJSON) each of whose lines is a document. To OpenAPI it is a string: nothing in it says what
// a line is (3.2 has itemSchema for that).
func Lines(schema string) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, Description: "One " + schema + " a line.",
		Extensions: map[string]any{LinesKey: map[string]any{"$ref": "#/components/schemas/" + schema}},
	}
}

// LineOf returns the schema of one of the lines that a schema describes; of another schema itself.
func LineOf(s *huma.Schema) *huma.Schema {
	line, ok := s.Extensions[LinesKey].(map[string]any)
	if !ok {
		return s
	}
	ref, _ := line["$ref"].(string)
	return &huma.Schema{Ref: ref}
}

// PatchBody is [JSONBody] of a merge patch (RFC 7396), under its own media type too.
func PatchBody(schema string) *huma.RequestBody {
	body := JSONBody(schema)
	body.Content["application/merge-patch+json"] = body.Content["application/json"]
	return body
}

// addPatch adds the schemas of a merge patch: those of a change in which null may stand for
// a header, too.
func addPatch(r huma.Registry) {
	schemas := r.Map()
	for patch, change := range map[string]string{"JobPatch": "JobChange", "PatchFields": "JobFields"} {
		out := *schemas[change]
		out.Properties = maps.Clone(out.Properties)
		headers := *out.Properties["headers"]
		headers.AdditionalProperties = &huma.Schema{Type: huma.TypeString, Nullable: true}
		headers.Description = "Headers of the call that are to be set, or with null removed; the others stay. " +
			headers.Description
		out.Properties["headers"] = &headers
		schemas[patch] = &out
	}
	schemas["JobPatch"].Description = "A merge patch of a job's fields, here or in spec."
	schemas["PatchFields"].Description = "A merge patch of a job's fields."
	schemas["JobPatch"].Properties["spec"] = &huma.Schema{
		Ref:         "#/components/schemas/PatchFields",
		Description: "The fields of the job, as GET /jobs/{id} has them; a field is here or beside it, not both.",
	}
}

// Finish completes the document, once every route is in it. Problems are all that there are. It is not changed after
// that.
func Finish(doc *huma.OpenAPI, problems []Problem) error {
	nameRequests(doc)
	enumerateCodes(doc.Components.Schemas.Map(), problems)
	takeNull(doc.Components.Schemas.Map())
	instants.Mark(doc.Components.Schemas.Map())
	// huma registers its own error types whether or not they are used.
	maps.DeleteFunc(doc.Components.Schemas.Map(), func(name string, _ *huma.Schema) bool {
		return name == "ErrorModel" || name == "ErrorDetail"
	})
	return addExamples(doc)
}

const (
	requestIDHeader = "X-Request-Id"
	rateLimitDraft  = "draft-ietf-httpapi-ratelimit-headers-10."
)

func addHeaders(response *huma.Response, names []string) {
	if response.Headers == nil {
		response.Headers = map[string]*huma.Header{}
	}
	for _, name := range names {
		response.Headers[name] = &huma.Header{Ref: "#/components/headers/" + name}
	}
}

// nameRequests says of every answer that it has the id of its request, and of those that
// throttle that they say when to come again.
func nameRequests(doc *huma.OpenAPI) {
	most := 128
	doc.Components.Headers = map[string]*huma.Header{requestIDHeader: {
		Description: "Names the request in the server's log: what the request had in " + requestIDHeader +
			", if that is well formed, otherwise a new id.",
		Schema:  &huma.Schema{Type: huma.TypeString, MaxLength: &most, Pattern: "^[A-Za-z0-9._~:+/=@-]+$"},
		Example: "AFVPZZIXTYADYZMJ3K4IZNFBW2",
	}}
	text := &huma.Schema{Type: huma.TypeString}
	doc.Components.Headers["RateLimit"] = &huma.Header{Schema: text, Example: `"key";r=0;t=1`,
		Description: "What remains of a quota (r), and for how many seconds (t): " + rateLimitDraft}
	doc.Components.Headers["RateLimit-Policy"] = &huma.Header{Schema: text, Example: `"key";q=100;w=1`,
		Description: "The quota: q requests in w seconds, or at a time if there is no w; qu names another unit than " +
			"requests: " + rateLimitDraft}
	doc.Components.Headers["Retry-After"] = &huma.Header{Schema: &huma.Schema{Type: huma.TypeInteger}, Example: 1,
		Description: "In how many seconds to try again."}
	for _, item := range doc.Paths {
		for _, op := range Operations(item) {
			for status, response := range op.Responses {
				names := []string{requestIDHeader}
				switch status {
				case "429":
					names = append(names, "RateLimit", "RateLimit-Policy", "Retry-After")
				case "503":
					names = append(names, "Retry-After")
				}
				addHeaders(response, names)
			}
		}
	}
}

// ProblemPath and the slug of a kind of problems are its type.
const ProblemPath = "/docs#problem-"

// enumerateCodes says which codes of problems and of fields there are.
func enumerateCodes(schemas map[string]*huma.Schema, problems []Problem) {
	kinds := make([]any, len(problems))
	for i, p := range problems {
		kinds[i] = p.Slug
	}
	for _, name := range []string{"Problem", "ItemError"} {
		schemas[name].Properties["code"].Enum = kinds
	}
	types := make([]any, len(problems))
	for i, p := range problems {
		types[i] = ProblemPath + p.Slug
	}
	schemas["Problem"].Properties["type"].Enum = types
	fields := &huma.Schema{Type: huma.TypeString, Examples: []any{domain.FieldRange}}
	words := []string{"What is wrong with a field. A code keeps its meaning; there may be more one day."}
	for _, c := range domain.FieldCodes {
		fields.Enum = append(fields.Enum, c.Code)
		words = append(words, string(c.Code)+": "+c.Meaning)
	}
	fields.Description = strings.Join(words, "\n")
	schemas["FieldCode"] = fields
	code := schemas["FieldProblem"].Properties["code"]
	*code = huma.Schema{Ref: "#/components/schemas/FieldCode", Description: code.Description}
}

// Text returns the finished document as JSON.
func Text(doc *huma.OpenAPI) ([]byte, error) { return json.MarshalIndent(doc, "", " ") }

// specFields documents [domain.Spec] in answers: a [wire.JobSpec] without what a job
// has beside its spec.
type specFields wire.JobSpec

// Schema implements huma.SchemaProvider.
func (specFields) Schema(r huma.Registry) *huma.Schema {
	if r.Map()["CurrentSpec"] != nil {
		return &huma.Schema{Ref: schemaPrefix + "CurrentSpec"}
	}
	in := r.Schema(reflect.TypeFor[wire.JobSpec](), false, "")
	out := *in
	out.Description = "The fields of a job as they are in force."
	out.Properties = map[string]*huma.Schema{}
	for name, p := range in.Properties {
		answer := *p
		switch {
		case p.Ref != "": // the part of a request takes null besides
			part := strings.TrimSuffix(p.Ref[strings.LastIndexByte(p.Ref, '/')+1:], "Spec")
			if r.Map()[part] == nil {
				r.Map()[part] = cloneOf(r.SchemaFromRef(p.Ref))
			}
			answer.Ref = "#/components/schemas/" + part
		case p.AnyOf != nil: // an instant
			answer.AnyOf, answer.Type, answer.Examples = nil, huma.TypeInteger, p.Examples[:1]
			answer.Format = instants.Format
			answer.Description = strings.Replace(p.Description, "Unix milliseconds or RFC 3339, from 2001 to 2199",
				"Unix milliseconds", 1)
		}
		out.Properties[name] = &answer
	}
	for _, beside := range []string{"isActive", "pausedReason", "pausedUntil"} {
		delete(out.Properties, beside)
	}
	out.Required = []string{"schedule", "api", "type", "namespace", "timezone", "method", "timeoutMs", "retry",
		"overlap", "misfire", "dst"}
	slices.Sort(out.Required)
	// A component: inline, generators would name it after the job and its member, which is JobSpec.
	r.Map()["CurrentSpec"] = &out
	return &huma.Schema{Ref: schemaPrefix + "CurrentSpec"}
}

// cloneOf copies a schema and its properties.
func cloneOf(s *huma.Schema) *huma.Schema {
	out := *s
	out.Properties = make(map[string]*huma.Schema, len(s.Properties))
	for name, p := range s.Properties {
		property := *p
		out.Properties[name] = &property
	}
	return &out
}

// boundTags says of each tag what struct tags can say of the array alone.
func boundTags(spec *huma.Schema) {
	least, most := 1, domain.MaxTagLength
	spec.Properties["tags"].Items = &huma.Schema{
		Type: huma.TypeString, MinLength: &least, MaxLength: &most,
		Pattern: `^\s*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*\s*$`,
	}
}

// wholeJobProperties returns the schemas of those members and of spec.
func wholeJobProperties(r huma.Registry) map[string]*huma.Schema {
	out := maps.Clone(huma.SchemaFromType(r, reflect.TypeFor[wire.ReadOnly]()).Properties)
	out["spec"] = &huma.Schema{
		Ref:         "#/components/schemas/JobFields",
		Description: "The fields of the job, as GET /jobs/{id} has them; a field is here or beside it, not both.",
	}
	return out
}

// takeNull lets every optional field of the requests be null, which means
// its default. It comes after the schemas of answers are made, in which nothing
// is null that was not said to be.
func takeNull(schemas map[string]*huma.Schema) {
	for _, name := range []string{"JobSpec", "JobChange", "JobFields", "JobPatch", "PatchFields", "RetrySpec",
		"RetryChange", "MisfireSpec", "MisfireChange", "DstSpec", "DstChange", "SigningSpec", "SigningChange",
		"PreviewRequest", "NewKey"} {
		s := schemas[name]
		required := s.Required
		if strings.HasPrefix(name, "Job") || name == "PatchFields" {
			required = schemas["JobSpec"].Required // they may be absent, but have no default
		}
		s.Properties = maps.Clone(s.Properties)
		for field, p := range s.Properties {
			if !slices.Contains(required, field) {
				s.Properties[field] = orNull(p)
			}
		}
	}
}

// orNull returns the schema with null beside what it takes.
func orNull(p *huma.Schema) *huma.Schema {
	out := *p
	null := &huma.Schema{Type: "null"}
	switch {
	case p.Ref != "":
		out.Ref, out.AnyOf = "", []*huma.Schema{{Ref: p.Ref}, null}
	case p.AnyOf != nil:
		out.AnyOf = append(slices.Clone(p.AnyOf), null)
	case p.Type == "": // it takes anything
	default:
		out.Nullable = true
		if p.Enum != nil {
			out.Enum = append(slices.Clone(p.Enum), nil)
		}
	}
	return &out
}
