package run

import (
	"sync/atomic"
	"time"
	"unique"

	"github.com/belfry-scheduler/belfry/internal/cron"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/target"
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// Plan is what many jobs have in common. Equal plans are held once: a million
// jobs that differ in their URL alone share one.
type Plan struct {
	Schedule   *cron.Schedule
	Once       bool // at most once
	method     string
	timeout    time.Duration
	retry      domain.Retry
	Overlap    domain.OverlapPolicy
	Misfire    domain.Misfire
	JitterMs   int64
	StartAt    int64
	EndAt      int64
	Until      int64 // of a pause
	namespace  string
	skipVerify bool
	unprepared bool // nothing is made ready before a fire is due
}

// payload is what goes on the wire beside the URL. Most jobs have none.
type payload struct {
	headers map[string]string
	body    []byte
	isJSON  bool
	signer  *webhook.Signer // nil: the server's own secrets, if there are any
	cert    string          // name of the client certificate
	secrets []string        // see domain.Call
}

// Version is one version of a job as the engine needs it.
type Version struct {
	Number  int32
	Active  bool
	form    form // of rest
	From    int64
	To      atomic.Int64 // Forever while it is current
	Plan    unique.Handle[Plan]
	Host    target.Host // the unit of fairness
	rest    string      // of the URL, or all of it
	payload *payload
}

// NewVersion compiles a version. It fails with CodeInvalid, or where its secrets
// cannot be used.
func NewVersion(v *domain.Version) (*Version, error) {
	s := &v.Spec
	sched, err := v.Compile()
	if err != nil {
		return nil, err
	}
	ver := &Version{
		Number: int32(v.Number), //nolint:gosec // an edit a millisecond would take 24 days
		Active: v.Active,
		From:   v.EffectiveFrom,
		Plan: unique.Make(Plan{
			Schedule: sched, Once: s.Type == domain.AtMostOnce, method: s.Method,
			timeout: time.Duration(s.TimeoutMs) * time.Millisecond,
			retry:   s.Retry, Overlap: s.Overlap, Misfire: s.Misfire,
			JitterMs: s.JitterMs, StartAt: s.StartAt, EndAt: s.EndAt, Until: v.Pause.Until, skipVerify: s.TLSSkipVerify,
			unprepared: !s.Prepare, namespace: s.Namespace,
		}),
	}
	ver.To.Store(v.EffectiveTo)
	ver.Host, ver.rest, ver.form = splitTarget(s.API)
	ver.payload, err = newPayload(s)
	return ver, err
}

func newPayload(s *domain.Spec) (*payload, error) {
	if len(s.Headers) == 0 && len(s.Body) == 0 && len(s.Signing.Secrets) == 0 && s.ClientCertificate == "" {
		return nil, nil //nolint:nilnil // most jobs have none, and nil is how that is said
	}
	signer, err := webhook.NewSigner(s.Signing.Secrets)
	if err != nil {
		return nil, domain.InvalidAs(domain.FieldFormat, "signing.secrets", err.Error(), nil)
	}
	body, isJSON := s.Payload()
	return &payload{s.Headers, body, isJSON, signer, s.ClientCertificate, s.SecretTexts()}, nil
}

// Timing compiles the calendar of the version. It is cheap: the expression is
// compiled already.
func (v *Version) Timing(j *Job) domain.Timing {
	return v.Window().Timing(v.Plan.Value().Schedule, j.ID, j.CreatedAt)
}

// Window returns the part of the version that decides which instants of its schedule are fires.
func (v *Version) Window() domain.Window {
	p := v.Plan.Value()
	return domain.Window{
		From: v.From, To: v.To.Load(), Active: v.Active, Until: p.Until,
		StartAt: p.StartAt, EndAt: p.EndAt, JitterMs: p.JitterMs,
	}
}

// ActiveFrom is [domain.ActiveFrom] of the version.
func (v *Version) ActiveFrom() int64 { return domain.ActiveFrom(v.Active, v.Plan.Value().Until) }

// NextAfter returns the first fire of the version after the instant, or never.
func (v *Version) NextAfter(j *Job, after int64) int64 {
	if at, ok := v.Timing(j).Next(after); ok {
		return at
	}
	return Never
}

// FillCall sets everything of the call that the version decides.
func (v *Version) FillCall(c *domain.Call) {
	p := v.Plan.Value()
	c.Once, c.Method = p.Once, p.method
	c.URL, c.Path = v.target()
	c.Timeout, c.SkipVerify, c.Namespace = p.timeout, p.skipVerify, p.namespace
	c.Headers, c.Body, c.BodyIsJSON, c.Signer, c.ClientCert, c.Secrets = nil, nil, true, nil, "", nil
	if w := v.payload; w != nil {
		c.Headers, c.Body, c.BodyIsJSON, c.Signer, c.ClientCert, c.Secrets = w.headers, w.body, w.isJSON, w.signer,
			w.cert, w.secrets
	}
}

// longestCall returns for how long a call may last, from when a worker has it: it may wait in this
// process's own lines before its time begins.
func (v *Version) longestCall() time.Duration {
	timeout := v.Plan.Value().timeout
	return timeout + timeout/1000 + host.LongestWait(timeout) + host.LongestHeld(timeout)
}

// target returns the URL in the parts that a call takes.
func (v *Version) target() (url, path string) {
	if v.form == formWhole {
		return v.rest, ""
	}
	return v.form.origin(v.Host), v.rest
}

// Placeholder is what takes the place of a version that cannot be run: it has its
// number and its time, and no fires.
func Placeholder(v *domain.Version) *Version {
	ver := &Version{Number: int32(v.Number), From: v.EffectiveFrom,
		Plan: unique.Make(Plan{})} //nolint:gosec // as in NewVersion
	ver.To.Store(v.EffectiveTo)
	return ver
}

// Never is the next fire of a job that has none.
const Never int64 = 1<<63 - 1
