package api

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/danielgtaylor/huma/v2"
)

const apiDescription = `Belfry fires HTTP requests on schedule, each on time, each at least once, each on record.

Instants are Unix milliseconds (UTC) or RFC 3339 where they are taken, and milliseconds in answers; durations are milliseconds, unless a field says otherwise. Lists are paged: give nextCursor back as cursor until there is none.

Errors are problem documents (RFC 9457, application/problem+json). 400: the request cannot be read, or a parameter is wrong. 422: the document is JSON, but fields are wrong; errors names every one and says what would be right. Unknown fields and unknown query parameters are refused by name.

When the server has API keys, every path but /healthz and /readyz needs Authorization: Bearer KEY. The key's role says how far it goes: viewer reads, editor changes jobs and triggers them, admin does everything. Without keys it listens on loopback only, answers only to loopback names in Host (against DNS rebinding), and refuses changes that a web page of another origin asks for.`

// documentConfig returns huma's configuration: the frame of the document, and
// none of huma's own pages.
func documentConfig(version string) huma.Config {
	registry := huma.NewMapRegistry("#/components/schemas/", schemaName)
	registry.RegisterTypeAlias(reflect.TypeFor[domain.Spec](), reflect.TypeFor[specFields]())
	registry.Schema(reflect.TypeFor[jobSpec](), true, "")
	change := *registry.Map()["JobSpec"]
	change.Required = nil
	fields := change
	fields.Description = "Any subset of a job's fields."
	registry.Map()["JobFields"] = &fields
	change.Description = "Any subset of a job's fields, here or in spec, or the whole document of a job."
	change.Properties = maps.Clone(change.Properties)
	maps.Copy(change.Properties, wholeJobProperties(registry))
	registry.Map()["JobChange"] = &change
	boundTags(registry.Map()["JobSpec"])
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Belfry", Version: version, Description: apiDescription,
				License: &huma.License{Name: "MIT", Identifier: "MIT"},
			},
			Servers: []*huma.Server{{URL: "/", Description: "This server."}},
			Components: &huma.Components{
				Schemas: registry,
				SecuritySchemes: map[string]*huma.SecurityScheme{"key": {
					Type: "http", Scheme: "bearer", Description: "One of the server's API keys.",
				}},
			},
			Security: []map[string][]string{{"key": {}}},
			Tags: []*huma.Tag{
				{Name: "Jobs", Description: "What is registered."},
				{Name: "Executions", Description: "What became of each fire."},
				{Name: "Schedules", Description: "What an expression means."},
				{Name: "Observability", Description: "How Belfry does."},
				{Name: "Keys", Description: "Who may come in, and who changed what."},
				{Name: "Probes", Description: "For orchestrators; no key needed."},
				{Name: "Documents", Description: "This reference."},
			},
		},
		Formats:       map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat: "application/json",
	}
}

// schemaName names a schema after its Go type, without the suffix that tells
// the type from the domain's.
func schemaName(t reflect.Type, hint string) string {
	return strings.TrimSuffix(huma.DefaultSchemaNamer(t, hint), "Body")
}

// jsonBody is the request body of a route that reads it itself.
func (s *server) jsonBody(schema string) *huma.RequestBody {
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/json": {Schema: &huma.Schema{Ref: "#/components/schemas/" + schema}},
	}}
}

// document returns the finished OpenAPI document.
func (s *server) document() ([]byte, error) {
	api := s.huma.OpenAPI()
	// huma registers its own error types whether or not they are used.
	maps.DeleteFunc(api.Components.Schemas.Map(), func(name string, _ *huma.Schema) bool {
		return name == "ErrorModel" || name == "ErrorDetail"
	})
	return json.MarshalIndent(api, "", " ")
}

// jobSpec documents [domain.SpecDoc], which is decoded by the domain. A test
// holds the two together.
type jobSpec struct {
	Schedule          string            `json:"schedule" maxLength:"256" doc:"When: second minute hour day-of-month month day-of-week, or five fields (second = 0), or a macro (@hourly, @every 1h30m, @at 2026-01-01T09:00:00Z)." example:"0 */5 * * * *"`
	API               string            `json:"api" format:"uri" maxLength:"2048" doc:"Where: the http or https URL to call. A host name of another script is kept in its xn-- form." example:"https://example.com/hook"`
	Type              domain.Guarantee  `json:"type" enum:"ATLEAST_ONCE,ATMOST_ONCE" doc:"How surely. ATLEAST_ONCE: never lost; a crash may send a fire again, with the same Idempotency-Key. ATMOST_ONCE: never sent twice; a crash may leave the outcome UNKNOWN." example:"ATLEAST_ONCE"`
	IsActive          *bool             `json:"isActive,omitempty" nullable:"true" default:"true" doc:"Whether the job fires. false: it is made paused."`
	Name              string            `json:"name,omitempty" maxLength:"200" pattern:"^\\s*[^\\x00-\\x1f\\x7f]*\\s*$" doc:"A name for people, in printable text." example:"Sync invoices"`
	Namespace         string            `json:"namespace,omitempty" maxLength:"63" pattern:"^[a-z0-9-]+$" default:"default" doc:"Where it belongs: a key that is confined to a namespace sees the jobs of that one alone. It cannot be changed later." example:"billing"`
	Tags              []string          `json:"tags,omitempty" nullable:"false" maxItems:"32" uniqueItems:"true" doc:"Words to find jobs by: 1 to 64 characters each, none twice." example:"billing,nightly"`
	Timezone          string            `json:"timezone,omitempty" default:"UTC" doc:"The IANA zone in which the schedule is read." example:"Europe/Berlin"`
	Method            string            `json:"method,omitempty" enum:"GET,HEAD,POST,PUT,PATCH,DELETE" default:"POST" doc:"The HTTP method of the call."`
	Headers           map[string]string `json:"headers,omitempty" maxProperties:"64" doc:"Headers of the call, 32 KiB in all. Those of the connection, Host, Idempotency-Key, Belfry-*, Webhook-* and Proxy-* are refused, also with _ for -. Values of Authorization, Cookie, *-Key, *-Token and *-Secret are kept sealed and shown as ********; an edit that sends that back keeps the value."`
	SecretHeaders     []string          `json:"secretHeaders,omitempty" nullable:"false" maxItems:"64" doc:"Names of further headers whose values are secret." example:"X-Signature"`
	Body              any               `json:"body,omitempty" doc:"The body of the call: any JSON value, at most 256 KiB. A string is sent as its text. Without one the identity of the fire is sent: {jobId, executionId, scheduledAt, attempt}. Must be absent for GET and HEAD." example:"{\"full\":true}"`
	TimeoutMs         int64             `json:"timeoutMs,omitempty" minimum:"1" maximum:"3600000" default:"30000" doc:"How long one attempt may take, connecting included, in milliseconds."`
	Retry             *retrySpec        `json:"retry,omitempty" doc:"What follows a failure that may pass: a network error, a timeout, 408, 425, 429 or 5xx."`
	Overlap           string            `json:"overlap,omitempty" enum:"ALLOW,SKIP,QUEUE" default:"ALLOW" doc:"What becomes of a fire that comes due while the previous execution still runs. ALLOW: sent beside it. SKIP: recorded as SKIPPED. QUEUE: sent when it has ended."`
	Misfire           *misfireSpec      `json:"misfire,omitempty" doc:"What becomes of fires whose time passed while nobody could send them."`
	StartAt           instantField      `json:"startAt,omitempty" doc:"No fire before this instant: Unix milliseconds or RFC 3339, from 2001 to 2199; 0: at once."`
	EndAt             instantField      `json:"endAt,omitempty" doc:"No fire at or after this instant: Unix milliseconds or RFC 3339, from 2001 to 2199; 0: for ever."`
	JitterMs          int64             `json:"jitterMs,omitempty" minimum:"0" maximum:"86400000" default:"0" doc:"Spreads jobs of one schedule: each has its own fixed delay, from 0 to this many milliseconds, by its id."`
	DST               *dstSpec          `json:"dst,omitempty" doc:"What becomes of fixed times when clocks change."`
	Signing           *signingSpec      `json:"signing,omitempty" doc:"How calls are signed (Standard Webhooks): webhook-id, webhook-timestamp, webhook-signature. Without secrets of its own a job uses the server's, if there are any."`
	ClientCertificate string            `json:"clientCertificate,omitempty" maxLength:"64" doc:"The client certificate to show to the target, by its name in the server's config file (mutual TLS). For https URLs only." example:"bank"`
	TLSSkipVerify     bool              `json:"tlsSkipVerify,omitempty" default:"false" doc:"Accept any TLS certificate of the target. For tests only."`
}

type retrySpec struct {
	MaxRetries int64  `json:"maxRetries,omitempty" minimum:"0" maximum:"100" default:"3" doc:"Attempts after the first."`
	DelayMs    int64  `json:"delayMs,omitempty" minimum:"0" maximum:"604800000" default:"1000" doc:"The delay that backoff starts from, in milliseconds."`
	Backoff    string `json:"backoff,omitempty" enum:"FIXED,LINEAR,EXPONENTIAL" default:"LINEAR" doc:"How the delay before retry n grows. FIXED: delay. LINEAR: delay * n. EXPONENTIAL: delay * 2^(n-1)."`
	MaxDelayMs int64  `json:"maxDelayMs,omitempty" minimum:"0" maximum:"604800000" default:"3600000" doc:"No delay is longer, in milliseconds; that of a Retry-After neither."`
}

type misfireSpec struct {
	Policy   string `json:"policy,omitempty" enum:"RUN_ALL,RUN_LATEST,SKIP" default:"RUN_ALL" doc:"RUN_ALL: all are sent late, oldest first. RUN_LATEST: the latest is, the rest is recorded as MISSED. SKIP: all are recorded as MISSED."`
	MaxAgeMs int64  `json:"maxAgeMs,omitempty" minimum:"1" maximum:"2592000000" default:"86400000" doc:"Older fires are not sent any more, in milliseconds."`
	MaxRuns  int64  `json:"maxRuns,omitempty" minimum:"1" maximum:"1000000" default:"1000" doc:"RUN_ALL sends at most this many of one gap, the latest ones. About as many wait for a target that is too slow; older ones are MISSED."`
}

type signingSpec struct {
	Secrets []string `json:"secrets,omitempty" nullable:"false" maxItems:"2" doc:"One secret, or the new and the old one while targets change over: whsec_ and the base64 of 24 to 64 bytes. Kept sealed and shown as ********; in a change that stands for the secrets that are there, in their order." example:"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"`
}

type dstSpec struct {
	Gap  string `json:"gap,omitempty" enum:"AFTER,SKIP,BEFORE" default:"AFTER" doc:"A time that the clock skips: right after the gap, not at all, or right before it."`
	Fold string `json:"fold,omitempty" enum:"FIRST,SECOND,BOTH" default:"FIRST" doc:"A time that comes twice: at its first occurrence, at its second, or at both."`
}

// specFields documents [domain.Spec] in answers: a jobSpec without isActive,
// which a job has beside its spec.
type specFields jobSpec

// Schema implements huma.SchemaProvider.
func (specFields) Schema(r huma.Registry) *huma.Schema {
	in := r.Schema(reflect.TypeFor[jobSpec](), false, "")
	out := *in
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
			answer.Description = strings.Replace(p.Description, "Unix milliseconds or RFC 3339, from 2001 to 2199", "Unix milliseconds", 1)
		}
		out.Properties[name] = &answer
	}
	delete(out.Properties, "isActive")
	out.Required = []string{"schedule", "api", "type", "namespace", "timezone", "method", "timeoutMs", "retry", "overlap", "misfire", "dst"}
	slices.Sort(out.Required)
	return &out
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
		Type: huma.TypeString, MinLength: &least, MaxLength: &most, Pattern: `^\s*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*\s*$`,
	}
}

// wholeJob documents what the document of a job has beside its fields, in a
// change.
type wholeJob struct {
	ID            string `json:"id,omitempty" format:"uuid" readOnly:"true" doc:"The job's id. Not needed; another one is refused." example:"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`
	CreatedAt     int64  `json:"createdAt,omitempty" readOnly:"true" doc:"As it was read, Unix milliseconds; cannot be changed." example:"1767225600000"`
	UpdatedAt     int64  `json:"updatedAt,omitempty" readOnly:"true" doc:"As it was read, Unix milliseconds; cannot be changed." example:"1767225600000"`
	Version       int64  `json:"version,omitempty" readOnly:"true" doc:"The number of the version that the change was made of. Another one than the current is a 409." example:"1"`
	EffectiveFrom int64  `json:"effectiveFrom,omitempty" readOnly:"true" doc:"As it was read, Unix milliseconds; cannot be changed." example:"1767225600000"`
	Error         string `json:"error,omitempty" readOnly:"true" doc:"As it was read; cannot be changed." example:"timezone: Europe/Atlantis is not a known zone"`
	NextFireAt    int64  `json:"nextFireAt,omitempty" readOnly:"true" doc:"As it was read, Unix milliseconds; cannot be changed." example:"1767225900000"`
}

// wholeJobProperties returns the schemas of those members and of spec.
func wholeJobProperties(r huma.Registry) map[string]*huma.Schema {
	out := maps.Clone(huma.SchemaFromType(r, reflect.TypeFor[wholeJob]()).Properties)
	out["spec"] = &huma.Schema{
		Ref:         "#/components/schemas/JobFields",
		Description: "The fields of the job, as GET /jobs/{id} has them; a field is here or beside it, not both.",
	}
	return out
}

// takeNull lets every optional field of the requests be null, which stands for
// its default. It comes after the schemas of answers are made, in which nothing
// is null that was not said to be.
func takeNull(schemas map[string]*huma.Schema) {
	for _, name := range []string{"JobSpec", "JobChange", "JobFields", "RetrySpec", "MisfireSpec", "DstSpec", "SigningSpec", "PreviewRequest", "NewKey"} {
		s := schemas[name]
		required := s.Required
		if name == "JobChange" || name == "JobFields" {
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
