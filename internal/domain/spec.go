package domain

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/belfry-scheduler/belfry/internal/cron"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// Limits of a job spec. The API's body limit applies to the whole document.
// Lengths of text are in characters, as in JSON Schema; a character has at most
// four bytes.
const (
	MaxURLLength    = 2048
	MaxNameLength   = 200
	MaxTags         = 32
	MaxTagLength    = 64
	MaxHeaders      = 64
	MaxHeaderBytes  = 32 << 10 // names and values together
	MaxBodyBytes    = 256 << 10
	defaultMethod   = "POST"
	defaultTimezone = "UTC"

	// MaxInstantMs is 2200-01-01, the end of the calendar.
	MaxInstantMs = 7_258_118_400_000

	// DefaultNamespace is the namespace of jobs that do not name one.
	DefaultNamespace = "default"
)

// Spec is the user's definition of a job: when to call, which URL, and with which
// guarantee.
type Spec struct {
	Schedule  string            `json:"schedule"`
	API       string            `json:"api"`
	Type      Guarantee         `json:"type"`
	Name      string            `json:"name,omitempty"`
	Namespace string            `json:"namespace"` // fixed at creation
	Tags      []string          `json:"tags,omitempty"`
	Timezone  string            `json:"timezone"`
	Method    string            `json:"method"`
	Headers   map[string]string `json:"headers,omitempty"`
	// secret headers in addition to those of [SecretHeader]
	SecretNames   []string        `json:"secretHeaders,omitempty"`
	Body          json.RawMessage `json:"body,omitempty"` // any JSON value; for a string its text is sent
	TimeoutMs     int64           `json:"timeoutMs"`
	Retry         Retry           `json:"retry"`
	Overlap       OverlapPolicy   `json:"overlap"`
	Misfire       Misfire         `json:"misfire"`
	StartAt       int64           `json:"startAt,omitempty"` // first instant that may fire, Unix milliseconds
	EndAt         int64           `json:"endAt,omitempty"`   // first instant that may not, Unix milliseconds
	JitterMs      int64           `json:"jitterMs,omitempty"`
	DST           DST             `json:"dst"`
	TLSSkipVerify bool            `json:"tlsSkipVerify,omitempty"`
	Signing       Signing         `json:"signing,omitzero"` // secrets are masked in JSON

	// ClientCertificate names one of the server's client certificates; empty: none.
	ClientCertificate string `json:"clientCertificate,omitempty"`
}

// SpecDoc is the part of a job that a change can modify: the spec and whether the job is
// active.
type SpecDoc struct {
	Spec
	IsActive bool `json:"isActive"`
}

// NewSpecDoc returns an active document with every default set.
func NewSpecDoc() SpecDoc { return SpecDoc{Spec: DefaultSpec(), IsActive: true} }

// DST is a job's choice for wall-clock times that a clock change skips (gap) or repeats
// (fold).
type DST struct {
	Gap  cron.Gap  `json:"gap"`
	Fold cron.Fold `json:"fold"`
}

// DefaultSpec returns a spec with every default set; schedule, api and type have no
// defaults.
func DefaultSpec() Spec {
	return Spec{
		Namespace: DefaultNamespace,
		Timezone:  defaultTimezone,
		Method:    defaultMethod,
		TimeoutMs: DefaultTimeoutMs,
		Retry:     DefaultRetry(),
		Overlap:   OverlapAllow,
		Misfire:   DefaultMisfire(),
		DST:       DST{Gap: "AFTER", Fold: "FIRST"},
	}
}

// Validate returns a CodeInvalid error that names every wrong field, or nil.
// It does not check whether there is a fire in the future: see [Version.Validate].
func (s *Spec) Validate() error {
	var fe fieldErrors
	s.checkSchedule(&fe)
	s.checkTarget(&fe)
	s.checkHeaders(&fe)
	s.checkSigning(&fe)
	s.checkLabels(&fe)
	s.checkPolicies(&fe)
	s.checkWindow(&fe)
	return fe.err()
}

// Validate checks the spec, and that the version fires at all at or after its
// EffectiveFrom: a job that can never fire is refused. This is not checked for a paused
// job.
func (v *Version) Validate() error {
	if err := v.Spec.Validate(); err != nil {
		return err
	}
	if !v.Active {
		return nil
	}
	t, err := v.Timing()
	if err != nil {
		return err
	}
	if _, ok := t.Next(v.EffectiveFrom - 1); ok {
		return nil
	}
	if v.Spec.EndAt != 0 && v.Spec.EndAt <= v.EffectiveFrom {
		return Invalid("endAt", "must be after now: the job would never fire", v.Spec.EndAt)
	}
	field, msg := "schedule", "never fires: it names no instant after now"
	if v.Spec.StartAt != 0 || v.Spec.EndAt != 0 {
		msg = "never fires: it names no instant after now between startAt and endAt"
	}
	return Invalid(field, msg, v.Spec.Schedule)
}

func (s *Spec) parseSchedule() (*cron.Schedule, error) {
	return ParseSchedule(s.Schedule, s.Timezone, s.DST)
}

// ScheduleWarnings returns what is valid in the schedule but may be a mistake, one
// sentence each, in the words of a preview.
func (s *Spec) ScheduleWarnings() []string {
	sched, err := s.parseSchedule()
	if err != nil {
		return nil
	}
	return sched.Warnings()
}

// ParseSchedule compiles an expression. Its errors have the names of the spec's fields
// instead of those of package cron.
func ParseSchedule(text, zone string, dst DST) (*cron.Schedule, error) {
	sched, err := cron.Parse(text, zone, cron.DST{Gap: dst.Gap, Fold: dst.Fold})
	if err == nil {
		return sched, nil
	}
	ce, ok := errors.AsType[*cron.Error](err)
	switch {
	case !ok:
		return nil, Invalid("schedule", err.Error(), text)
	case ce.Field == "timezone":
		return nil, Invalid("timezone", ce.Within("timezone"), zone)
	}
	return nil, Invalid("schedule", ce.Within("schedule"), text)
}

func (s *Spec) checkSchedule(fe *fieldErrors) {
	if s.Schedule == "" {
		fe.add("schedule", `is required, as in "0 */5 * * * *" (every five minutes)`, nil)
		return
	}
	if !s.checkDST(fe) {
		return
	}
	if _, err := s.parseSchedule(); err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			*fe = append(*fe, e.Fields...)
		}
	}
}

// checkDST reports whether the choices for clock changes are known.
func (s *Spec) checkDST(fe *fieldErrors) bool {
	gapOK := slices.Contains([]cron.Gap{"", "AFTER", "SKIP", "BEFORE"}, s.DST.Gap)
	foldOK := slices.Contains([]cron.Fold{"", "FIRST", "SECOND", "BOTH"}, s.DST.Fold)
	if !gapOK {
		fe.choice("dst.gap", "must be AFTER, SKIP or BEFORE", string(s.DST.Gap), "AFTER", "SKIP", "BEFORE")
	}
	if !foldOK {
		fe.choice("dst.fold", "must be FIRST, SECOND or BOTH", string(s.DST.Fold), "FIRST", "SECOND", "BOTH")
	}
	return gapOK && foldOK
}

func (s *Spec) checkTarget(fe *fieldErrors) {
	if s.API == "" {
		fe.add("api", "is required: the http or https URL to call", nil)
	} else if msg := urlFault(s.API); msg != "" {
		fe.add("api", msg, withoutUser(s.API))
	}
	if s.Type == "" {
		fe.add("type", "is required: ATLEAST_ONCE or ATMOST_ONCE", nil)
	} else {
		fe.choice("type", "must be ATLEAST_ONCE or ATMOST_ONCE", string(s.Type), string(AtLeastOnce),
			string(AtMostOnce))
	}
	fe.choice("method", methodRule, s.Method, methods...)
	fe.require(string(s.Body) != spoiledBody, "body", "must be JSON", nil)
	if len(s.Body) > MaxBodyBytes {
		fe.add("body", fmt.Sprintf("must be at most %d bytes", MaxBodyBytes), nil)
	}
	if s.Method == "GET" || s.Method == "HEAD" {
		fe.require(len(s.Body) == 0, "body", "must be absent: a "+s.Method+" request has none", nil)
	}
	s.checkCertificate(fe)
	fe.within(s.TimeoutMs, 1, MaxTimeoutMs, "timeoutMs", "")
}

// checkCertificate checks the form of the name. Only the server knows which names exist.
func (s *Spec) checkCertificate(fe *fieldErrors) {
	name := s.ClientCertificate
	if name == "" {
		return
	}
	fe.require(utf8.RuneCountInString(name) <= MaxTagLength && printable(name), "clientCertificate",
		fmt.Sprintf("must be a name of at most %d characters of printable text", MaxTagLength), nil)
	parts, _ := target.Cut(s.API) // another check reports what is wrong with it
	fe.require(parts.Secure, "clientCertificate", "must be absent: a certificate is shown to https URLs only", name)
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}

func (s *Spec) checkLabels(fe *fieldErrors) {
	fe.require(utf8.RuneCountInString(s.Name) <= MaxNameLength && printable(s.Name), "name", nameRule, s.Name)
	fe.require(ValidNamespace(s.Namespace), "namespace", namespaceRule, s.Namespace)
	fe.require(len(s.Tags) <= MaxTags, "tags", tagsRule, len(s.Tags))
	for i, tag := range s.Tags {
		field := fmt.Sprintf("tags[%d]", i)
		fe.require(tag != "" && utf8.RuneCountInString(tag) <= MaxTagLength && printable(tag), field, tagRule, tag)
		fe.require(!slices.Contains(s.Tags[:i], tag), field, "is there twice", tag)
	}
}

// Rules that contain numbers. They are formatted once, not for each job that is valid.
var (
	headersRule     = fmt.Sprintf("must be at most %d", MaxHeaders)
	headerBytesRule = fmt.Sprintf("must be at most %d bytes in all", MaxHeaderBytes)
	nameRule        = fmt.Sprintf("must be at most %d characters of printable text", MaxNameLength)
	tagRule         = fmt.Sprintf("must be 1 to %d characters of printable text", MaxTagLength)
	methodRule      = "must be one of " + strings.Join(methods, ", ")
	tagsRule        = fmt.Sprintf("must be at most %d", MaxTags)
)

const maxNamespaceLength = 63

const namespaceRule = "must be 1 to 63 small letters, digits and hyphens"

// ValidNamespace reports whether a text can name a namespace.
func ValidNamespace(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= maxNamespaceLength
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func (s *Spec) checkPolicies(fe *fieldErrors) {
	r := s.Retry
	fe.within(int64(r.MaxRetries), 0, MaxRetriesLimit, "retry.maxRetries", "")
	fe.within(r.DelayMs, 0, MaxRetryDelayMs, "retry.delayMs", "")
	fe.within(r.MaxDelayMs, 0, MaxRetryDelayMs, "retry.maxDelayMs", "")
	s.checkPolicyNames(fe)
	m := s.Misfire
	fe.within(m.MaxAgeMs, 1, MaxMisfireAgeMs, "misfire.maxAgeMs", "")
	fe.within(int64(m.MaxRuns), 1, MaxMisfireRuns, "misfire.maxRuns", "")
}

// checkPolicyNames checks the policies that are chosen by name.
func (s *Spec) checkPolicyNames(fe *fieldErrors) {
	fe.choice("retry.backoff", "must be FIXED, LINEAR or EXPONENTIAL", string(s.Retry.Backoff),
		string(BackoffFixed), string(BackoffLinear), string(BackoffExponential))
	fe.choice("overlap", "must be ALLOW, SKIP or QUEUE", string(s.Overlap),
		string(OverlapAllow), string(OverlapSkip), string(OverlapQueue))
	fe.choice("misfire.policy", "must be RUN_ALL, RUN_LATEST or SKIP", string(s.Misfire.Policy),
		string(MisfireRunAll), string(MisfireRunLatest), string(MisfireSkip))
}

func (s *Spec) checkWindow(fe *fieldErrors) {
	fe.within(s.StartAt, 0, MaxInstantMs, "startAt", " (Unix milliseconds)")
	fe.within(s.EndAt, 0, MaxInstantMs, "endAt", " (Unix milliseconds)")
	fe.require(s.EndAt == 0 || s.EndAt > s.StartAt, "endAt", "must be after startAt", s.EndAt)
	fe.within(s.JitterMs, 0, MaxJitterMs, "jitterMs", "")
}

// Payload returns the bytes to send as the body, and whether they are JSON. A
// spec without a body returns nil: the executor then sends the identity of the fire. For
// a body that is a JSON string, its text is sent.
func (s *Spec) Payload() (body []byte, isJSON bool) {
	if len(s.Body) == 0 || s.Body[0] != '"' {
		return s.Body, true
	}
	var text string
	if json.Unmarshal(s.Body, &text) != nil {
		return s.Body, true
	}
	return []byte(text), false
}
