package engine

import (
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unique"

	"github.com/belfry-scheduler/belfry/internal/cron"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// never is the next fire of a job that has none.
const never int64 = 1<<63 - 1

// plan is what many jobs have in common. Equal plans are held once: a million
// jobs that differ in their URL alone share one.
type plan struct {
	schedule   *cron.Schedule
	once       bool // at most once
	method     string
	timeout    time.Duration
	retry      domain.Retry
	overlap    domain.OverlapPolicy
	misfire    domain.Misfire
	jitterMs   int64
	startAt    int64
	endAt      int64
	skipVerify bool
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

// version is one version of a job as the engine needs it.
type version struct {
	number  int32
	active  bool
	form    form // of rest
	from    int64
	to      atomic.Int64 // Forever while it is current
	plan    unique.Handle[plan]
	host    hostKey
	rest    string // of the URL, or all of it
	payload *payload
}

// job is a job as the engine needs it. A job is in the timetable at most once
// per second, at next. There are millions: what only few have at a time is
// aside, and the sizes of job and version are held by a test.
type job struct {
	id        domain.JobID
	createdAt int64

	// Under Engine.mu.
	current *version
	next    int64 // the next fire that is not staged; never: none

	stop atomic.Pointer[stop]

	mu     sync.Mutex
	live   *fire // executions that have not ended, newest first
	busy   int   // how many those are
	asides *aside
}

// aside is what few jobs have at a time. Under job.mu.
type aside struct {
	// holdFrom is set while an edit commits: no fire at or after it is sent
	// until the outcome is known. never: no edit is under way.
	holdFrom int64
	held     []*fire // stopped by holdFrom
	resumed  []*fire // overlap SKIP and QUEUE: recovered fires that wait their turn
	waiting  []*span // overlap QUEUE: fires that wait for the running one
}

// nothingAside is what a job has that has nothing aside. It is only read.
var nothingAside = &aside{holdFrom: never}

// aside returns what the job has aside, to be read. Call with job.mu held.
func (j *job) aside() *aside {
	if j.asides == nil {
		return nothingAside
	}
	return j.asides
}

// putAside returns what the job has aside, to be changed. Call with job.mu
// held, and tidy once something may have become empty.
func (j *job) putAside() *aside {
	if j.asides == nil {
		j.asides = &aside{holdFrom: never}
	}
	return j.asides
}

// tidy frees the memory of what is aside once there is nothing.
func (j *job) tidy() {
	if a := j.asides; a != nil && a.holdFrom == never && len(a.held)+len(a.resumed)+len(a.waiting) == 0 {
		j.asides = nil
	}
}

func newJob(id domain.JobID, createdAt int64) *job {
	return &job{id: id, createdAt: createdAt, next: never}
}

func newVersion(v *domain.Version) (*version, error) {
	s := &v.Spec
	sched, err := v.Compile()
	if err != nil {
		return nil, err
	}
	ver := &version{
		number: int32(v.Number), //nolint:gosec // an edit a millisecond would take 24 days
		active: v.Active,
		from:   v.EffectiveFrom,
		plan: unique.Make(plan{
			schedule: sched, once: s.Type == domain.AtMostOnce, method: s.Method,
			timeout: time.Duration(s.TimeoutMs) * time.Millisecond,
			retry:   s.Retry, overlap: s.Overlap, misfire: s.Misfire,
			jitterMs: s.JitterMs, startAt: s.StartAt, endAt: s.EndAt, skipVerify: s.TLSSkipVerify,
		}),
	}
	ver.to.Store(v.EffectiveTo)
	ver.host, ver.rest, ver.form = splitTarget(s.API)
	ver.payload, err = newPayload(s)
	return ver, err
}

func newPayload(s *domain.Spec) (*payload, error) {
	if len(s.Headers) == 0 && len(s.Body) == 0 && len(s.Signing.Secrets) == 0 && s.ClientCertificate == "" {
		return nil, nil //nolint:nilnil // most jobs have none, and nil is how that is said
	}
	signer, err := webhook.NewSigner(s.Signing.Secrets)
	if err != nil {
		return nil, domain.Invalid("signing.secrets", err.Error(), nil)
	}
	body, isJSON := s.Payload()
	return &payload{s.Headers, body, isJSON, signer, s.ClientCertificate, s.SecretTexts()}, nil
}

// timing compiles the calendar of the version. It is cheap: the expression is
// compiled already.
func (v *version) timing(j *job) domain.Timing {
	p := v.plan.Value()
	w := domain.Window{
		From: v.from, To: v.to.Load(), Active: v.active,
		StartAt: p.startAt, EndAt: p.endAt, JitterMs: p.jitterMs,
	}
	return w.Timing(p.schedule, j.id, j.createdAt)
}

// nextAfter returns the first fire of the version after the instant, or never.
func (v *version) nextAfter(j *job, after int64) int64 {
	if at, ok := v.timing(j).Next(after); ok {
		return at
	}
	return never
}

// fillCall sets everything of the call that the version decides.
func (v *version) fillCall(c *domain.Call) {
	p := v.plan.Value()
	c.Once, c.Method = p.once, p.method
	c.URL, c.Path = v.target()
	c.Timeout, c.SkipVerify = p.timeout, p.skipVerify
	c.Headers, c.Body, c.BodyIsJSON, c.Signer, c.ClientCert, c.Secrets = nil, nil, true, nil, "", nil
	if w := v.payload; w != nil {
		c.Headers, c.Body, c.BodyIsJSON, c.Signer, c.ClientCert, c.Secrets = w.headers, w.body, w.isJSON, w.signer, w.cert, w.secrets
	}
}

// hostKey is scheme://host:port of a target: the unit of fairness.
type hostKey = unique.Handle[string]

// form says how a version keeps its URL.
type form uint8

const (
	formWhole  form = iota // as it is
	formPort               // the host's key comes before it
	formNoPort             // the same, without the key's port
)

// splitTarget takes the host from a URL. Most URLs begin with their host's key, or
// with the key but for its port: of those only the rest is kept, as one key serves
// all jobs of a host.
func splitTarget(target string) (host hostKey, rest string, f form) {
	origin, port, ok := plainOrigin(target)
	if !ok {
		return hostOf(target), target, formWhole
	}
	// A copy: a part of the text would keep all of it in memory.
	rest = strings.Clone(target[len(origin):])
	if port {
		return unique.Make(origin), rest, formPort
	}
	return unique.Make(origin + ":" + defaultPort(origin[:strings.IndexByte(origin, ':')])), rest, formNoPort
}

// plainOrigin returns the start of a URL up to its path, if that is plain: a
// lower-case scheme and name or IPv4 address, with or without a port. It spares
// a start with millions of jobs as many URLs to parse.
func plainOrigin(target string) (origin string, port, ok bool) {
	scheme, rest, found := strings.Cut(target, "://")
	if !found || scheme != "http" && scheme != "https" {
		return "", false, false
	}
	authority := rest
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		authority = rest[:end]
	}
	name, digits, port := strings.Cut(authority, ":")
	if !consists(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") || port && !consists(digits, "0123456789") {
		return "", false, false
	}
	return target[:len(scheme)+len("://")+len(authority)], port, true
}

// consists reports whether a text has letters and no others than these.
func consists(text, letters string) bool {
	return text != "" && strings.Trim(text, letters) == ""
}

func defaultPort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}

// hostOf returns the host of a valid target.
func hostOf(target string) hostKey {
	u, err := url.Parse(target)
	if err != nil {
		return unique.Make(target)
	}
	port := u.Port()
	if port == "" {
		port = defaultPort(u.Scheme)
	}
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return unique.Make(u.Scheme + "://" + host + ":" + port)
}

// target returns the URL in the parts that a call takes.
func (v *version) target() (url, path string) {
	switch v.form {
	case formPort:
		return v.host.Value(), v.rest
	case formNoPort:
		key := v.host.Value()
		return key[:strings.LastIndexByte(key, ':')], v.rest
	}
	return v.rest, ""
}

// Reasons that the record of an unsent fire shows.
const (
	stoppedByPause  = "the job was paused before it was sent"
	stoppedByDelete = "the job was deleted before it was sent"
)

// stop says that the job was paused or deleted: no fire scheduled before the
// instant is sent any more.
type stop struct {
	before int64
	reason string
}

// stopBefore stops what is scheduled before the instant. An earlier stop that
// reaches further stays.
func (j *job) stopBefore(instant int64, reason string) {
	if s := j.stop.Load(); s == nil || s.before < instant {
		j.stop.Store(&stop{instant, reason})
	}
}

// stopReason returns why an execution scheduled at the instant is not sent any
// more, or "".
func (j *job) stopReason(at int64) string {
	if s := j.stop.Load(); s != nil && at < s.before {
		return s.reason
	}
	return ""
}

// enter adds an execution to the job's live ones. It counts as running.
func (j *job) enter(f *fire) {
	f.entered = true
	f.jobNext, f.jobPrev = j.live, nil
	if j.live != nil {
		j.live.jobPrev = f
	}
	j.live = f
	j.busy++
}

// unlink removes an execution from the live ones, once its end is on record.
func (j *job) unlink(f *fire) {
	if !f.entered {
		return
	}
	f.entered = false
	if f.jobPrev != nil {
		f.jobPrev.jobNext = f.jobNext
	} else {
		j.live = f.jobNext
	}
	if f.jobNext != nil {
		f.jobNext.jobPrev = f.jobPrev
	}
	f.jobNext, f.jobPrev = nil, nil
}

// wait keeps a span until the running execution has ended, in the order of the
// fires: one that was recovered may come after one on time. Where it goes on
// the last one, that one grows, and merged is true.
func (j *job) wait(s *span) (merged bool) {
	a := j.putAside()
	if n := len(a.waiting); n > 0 && s.next == s.last && a.waiting[n-1].extend(s.ver, s.next) {
		return true
	}
	i := len(a.waiting)
	for i > 0 && a.waiting[i-1].next > s.next {
		i--
	}
	a.waiting = slices.Insert(a.waiting, i, s)
	return false
}

// lastWaiting returns the last span that waits. Call with job.mu held.
func (j *job) lastWaiting() *span {
	w := j.aside().waiting
	return w[len(w)-1]
}
