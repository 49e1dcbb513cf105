package domain

import (
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/belfry-scheduler/belfry/internal/cron"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// Spec is the user's definition of a job: when to call, which URL, and with which
// guarantee.
type Spec struct {
	Schedule  string            `json:"schedule"`
	API       string            `json:"api"`
	Type      Guarantee         `json:"type"`
	Name      string            `json:"name,omitempty"`
	Key       string            `json:"key,omitempty"` // chosen by the client; of one job in its namespace
	Namespace string            `json:"namespace"`     // fixed at creation
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
	Prepare       bool            `json:"prepare"`          // a connection is made ready before a fire is due
	Signing       Signing         `json:"signing,omitzero"` // secrets are masked in JSON

	// ClientCertificate names one of the server's client certificates; empty: none.
	ClientCertificate string `json:"clientCertificate,omitempty"`
}

// SpecDoc is the part of a job that a change can modify: the spec and whether the job is
// active.
type SpecDoc struct {
	Spec
	IsActive bool  `json:"isActive"`
	Pause    Pause `json:"-"` // in a document: pausedReason and pausedUntil

	// SecretsSent: a change had the value of a secret, be it the stored one or another.
	SecretsSent bool `json:"-"`
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
		Prepare:   true,
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
	if err := v.ValidateFields(); err != nil || !v.Active {
		return err
	}
	t, err := v.Timing()
	if err != nil {
		return err
	}
	if _, ok := t.Next(v.EffectiveFrom - 1); ok {
		return nil
	}
	if v.Spec.EndAt != 0 && v.Spec.EndAt <= v.EffectiveFrom {
		return InvalidAs(FieldNeverFires, "endAt", "must be after now: the job would never fire", v.Spec.EndAt)
	}
	field, msg := "schedule", "never fires: it names no instant after now"
	if v.Spec.StartAt != 0 || v.Spec.EndAt != 0 {
		msg = "never fires: it names no instant after now between startAt and endAt"
	}
	return InvalidAs(FieldNeverFires, field, msg, v.Spec.Schedule)
}

// ValidateFields is Validate of a version that may have no fire any more.
func (v *Version) ValidateFields() error {
	if err := v.Spec.Validate(); err != nil {
		return err
	}
	return v.Pause.Validate(v.Active)
}

func (s *Spec) checkTarget(fe *fieldErrors) {
	if s.API == "" {
		fe.addAs(FieldRequired, "api", "is required: the http or https URL to call", nil)
	} else if msg := urlFault(s.API); msg != "" {
		code := FieldFormat
		if utf8.RuneCountInString(s.API) > MaxURLLength {
			code = FieldLength
		}
		fe.addAs(code, "api", msg, withoutUser(s.API))
	}
	if s.Type == "" {
		fe.addAs(FieldRequired, "type", "is required: ATLEAST_ONCE or ATMOST_ONCE", nil)
	} else {
		fe.choice("type", "must be ATLEAST_ONCE or ATMOST_ONCE", string(s.Type), string(AtLeastOnce),
			string(AtMostOnce))
	}
	fe.choice("method", methodRule, s.Method, methods...)
	fe.requireAs(FieldFormat, string(s.Body) != spoiledBody, "body", "must be JSON", nil)
	if len(s.Body) > MaxBodyBytes {
		fe.addAs(FieldLength, "body", fmt.Sprintf("must be at most %d bytes", MaxBodyBytes), nil)
	}
	if s.Method == "GET" || s.Method == "HEAD" {
		fe.requireAs(FieldContradiction, len(s.Body) == 0, "body",
			"must be absent: a "+s.Method+" request has none", nil)
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
	fe.text(printable(name), name, MaxTagLength, "clientCertificate",
		fmt.Sprintf("must be a name of at most %d characters of printable text", MaxTagLength), nil)
	parts, _ := target.Cut(s.API) // another check reports what is wrong with it
	fe.requireAs(FieldContradiction, parts.Secure, "clientCertificate",
		"must be absent: a certificate is shown to https URLs only", name)
}

func (s *Spec) checkLabels(fe *fieldErrors) {
	fe.text(printable(s.Name), s.Name, MaxNameLength, "name", nameRule, s.Name)
	fe.text(s.Key == "" || ValidJobKey(s.Key), s.Key, MaxJobKeyLength, "key", JobKeyRule, s.Key)
	fe.text(ValidNamespace(s.Namespace), s.Namespace, maxNamespaceLength, "namespace", namespaceRule, s.Namespace)
	fe.requireAs(FieldLength, len(s.Tags) <= MaxTags, "tags", tagsRule, len(s.Tags))
	for i, tag := range s.Tags {
		field := fmt.Sprintf("tags[%d]", i)
		fe.text(tag != "" && printable(tag), tag, MaxTagLength, field, tagRule, tag)
		fe.requireAs(FieldDuplicate, !slices.Contains(s.Tags[:i], tag), field, "is there twice", tag)
	}
}

func (s *Spec) checkWindow(fe *fieldErrors) {
	fe.within(s.StartAt, 0, MaxInstantMs, "startAt", " (Unix milliseconds)")
	fe.within(s.EndAt, 0, MaxInstantMs, "endAt", " (Unix milliseconds)")
	fe.requireAs(FieldContradiction, s.EndAt == 0 || s.EndAt > s.StartAt, "endAt", "must be after startAt", s.EndAt)
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
