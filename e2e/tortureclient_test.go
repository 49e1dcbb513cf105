package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/receiver"
	"github.com/belfry-scheduler/belfry/internal/sim/check"
)

// tortureClient is the client of a torture test, and what it knows: it makes jobs, edits and triggers them, and
// hands all of that to the checker. What answers it is one server, or several that share a database.
type tortureClient struct {
	t         *testing.T
	target    *target
	machine   *stalls
	node      func() *process                      // that the next call is made to; under mu
	deletedAt func(id domain.JobID) (int64, error) // of a deletion that was not answered: the API does not tell it

	mu            sync.Mutex
	random        *rand.Rand
	jobs          []*check.Job
	busy          map[*check.Job]bool // a call is about it, or an edit was not answered
	unanswered    []*check.Job        // an edit was not answered
	lostCreates   []string            // names of jobs whose creation was not answered
	triggers      []domain.ExecutionID
	stops         []check.Stop
	outages       []check.Outage
	freezes       []check.Outage // a process stood still
	targetOutages []check.Outage // the target was gone
	edits         int
	names         int
}

func newTortureClient(t *testing.T, random *rand.Rand) *tortureClient {
	return &tortureClient{t: t, random: random, target: newTarget(t), machine: watchStalls(t),
		busy: make(map[*check.Job]bool)}
}

// url returns a target that answers 200; its path has the version.
func (m *tortureClient) url(version int) string {
	return fmt.Sprintf("%s/status/%d", m.target.url, 206+version%80)
}

func versionOf(e receiver.Entry, versions []check.Version) int {
	code, err := strconv.Atoi(e.Path[strings.LastIndexByte(e.Path, '/')+1:])
	if err != nil {
		return -1
	}
	for _, v := range versions {
		if strings.HasSuffix(v.Spec.API, "/"+strconv.Itoa(code)) {
			return v.Number
		}
	}
	return -1
}

func (m *tortureClient) name() string {
	m.names++
	return fmt.Sprintf("torture job %d", m.names)
}

func (m *tortureClient) spec(version int) client.Spec {
	s := client.Spec{Schedule: "* * * * * *", API: m.url(version), Type: "ATLEAST_ONCE", Name: m.name(),
		Timezone: "UTC"}
	if m.names%3 == 0 {
		s.Timezone = changedZone
	}
	if m.names%4 == 0 {
		s.Type = string(domain.AtMostOnce)
	}
	return s
}

func (m *tortureClient) importMany(n int) {
	var b strings.Builder
	for range n {
		s := m.spec(1)
		fmt.Fprintf(&b, `{"schedule":%q,"api":%q,"type":%q,"name":%q,"timezone":%q}`+"\n", s.Schedule, s.API, s.Type,
			s.Name, s.Timezone)
	}
	for _, id := range m.node().importJobs(b.String()) {
		m.learnJob(id)
	}
}

// learnJob reads a job from the server: after an import, or when the answer to its
// creation was cut off.
func (m *tortureClient) learnJob(id string) {
	job, err := m.node().api.Jobs.Get(context.Background(), id)
	if err != nil {
		m.t.Fatalf("job %s: %v", id, err)
	}
	parsed, err := domain.ParseJobID(id)
	if err != nil {
		m.t.Fatal(err)
	}
	j := &check.Job{ID: parsed, CreatedAt: job.CreatedAt}
	j.Versions = []check.Version{m.version(job.Version, job.EffectiveFrom, job.IsActive, job.Spec.API,
		domain.Guarantee(job.Spec.Type))}
	m.jobs = append(m.jobs, j)
}

func (m *tortureClient) version(number int, from int64, active bool, api string, kind domain.Guarantee,
) check.Version {
	s := domain.DefaultSpec()
	s.Schedule, s.API, s.Type = "* * * * * *", api, kind
	return check.Version{Number: number, From: from, To: domain.Forever, Active: active, Spec: s}
}

// runFor lets the client work for a while. Errors are not failures, since the server
// may be about to end: resolveUnanswered asks later what became of those calls.
func (m *tortureClient) runFor(d time.Duration) {
	end := time.After(d)
	tick := time.NewTicker(15 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-end:
			return
		case <-tick.C:
			m.act()
		}
	}
}

// call is one call of the client, and what the job was before.
type call struct {
	job  *check.Job // no other call is about it meanwhile
	last check.Version
	kind int // random
	at   *process
	spec client.Spec // of a new job
}

// choose chooses a random call; false: none, because another one is about the job, or it is gone.
func (m *tortureClient) choose() (c call, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c = call{job: m.jobs[m.random.IntN(len(m.jobs))], at: m.node()}
	c.last = c.job.Versions[len(c.job.Versions)-1]
	if m.busy[c.job] || c.last.To != domain.Forever {
		return c, false
	}
	m.edits++
	m.busy[c.job] = true // until the answer: see free
	if c.kind = m.random.IntN(20); c.kind >= 18 {
		c.spec = m.spec(1)
	}
	return c, true
}

// free lets other calls be about a job whose call was answered. One that was not remains busy until it is known what
// became of it.
func (m *tortureClient) free(j *check.Job) { delete(m.busy, j) }

// act makes one random call. An edit of a job follows the answer to the one before. It
// reports whether the call was answered.
func (m *tortureClient) act() (answered bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	c, ok := m.choose()
	if !ok {
		return true
	}
	next := m.url(c.last.Number + 1)
	switch {
	case c.kind < 8:
		return m.edit(ctx, &c, client.Change{"api": next}, c.last.Active)
	case c.kind < 14:
		return m.edit(ctx, &c, client.Change{"isActive": !c.last.Active, "api": next}, !c.last.Active)
	case c.kind < 17:
		return m.trigger(ctx, &c)
	case c.kind < 18:
		return m.remove(ctx, &c)
	default:
		return m.create(ctx, &c)
	}
}

func (m *tortureClient) edit(ctx context.Context, c *call, change client.Change, active bool) bool {
	got, err := c.at.api.Jobs.Update(ctx, c.job.ID.String(), 0, change)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.unanswered = append(m.unanswered, c.job)
		return false
	}
	m.free(c.job)
	if c.last.Active && !active {
		m.stop(c.job, got.EffectiveFrom)
	}
	m.follow(c.job, m.version(got.Version, got.EffectiveFrom, active, got.Spec.API, c.last.Spec.Type))
	return true
}

// onItsWay is how long a request may take from a server to the target, in milliseconds. It is less than the second
// after which a job that goes on would send again.
const onItsWay = 500

// stop notes a pause or a deletion that is answered now.
func (m *tortureClient) stop(j *check.Job, from int64) {
	m.stops = append(m.stops, check.Stop{JobID: j.ID, From: from, Answered: time.Now().UnixMilli()})
}

func (m *tortureClient) trigger(ctx context.Context, c *call) bool {
	got, err := c.at.api.Jobs.Trigger(ctx, c.job.ID.String())
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free(c.job) // the checker takes a trigger that was not answered from its record
	if err != nil {
		return false
	}
	id, err := domain.ParseExecutionID(got.ExecutionID)
	if err != nil {
		m.t.Error(err)
	}
	m.triggers = append(m.triggers, id)
	return true
}

func (m *tortureClient) remove(ctx context.Context, c *call) bool {
	got, err := c.at.api.Jobs.Delete(ctx, c.job.ID.String(), 0)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.unanswered = append(m.unanswered, c.job)
		return false
	}
	m.free(c.job)
	m.stop(c.job, got.EffectiveTo)
	c.job.Versions[len(c.job.Versions)-1].To = got.EffectiveTo
	return true
}

func (m *tortureClient) create(ctx context.Context, c *call) bool {
	got, err := c.at.api.Jobs.Create(ctx, c.spec)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free(c.job)
	if err != nil {
		m.lostCreates = append(m.lostCreates, c.spec.Name)
		return false
	}
	id, err := domain.ParseJobID(got.JobID)
	if err != nil {
		m.t.Error(err)
	}
	first := m.version(1, got.EffectiveFrom, true, c.spec.API, domain.Guarantee(c.spec.Type))
	m.jobs = append(m.jobs, &check.Job{ID: id, Versions: []check.Version{first}})
	return true
}

func (m *tortureClient) follow(j *check.Job, v check.Version) {
	j.Versions[len(j.Versions)-1].To = v.From
	j.Versions = append(j.Versions, v)
}

// resolveUnanswered asks what became of the edits that were not answered.
func (m *tortureClient) resolveUnanswered() {
	ctx := context.Background()
	for _, j := range m.unanswered {
		last := &j.Versions[len(j.Versions)-1]
		job, err := m.node().api.Jobs.Get(ctx, j.ID.String())
		switch {
		case err == nil && job.Version > last.Number:
			m.follow(j, m.version(job.Version, job.EffectiveFrom, job.IsActive, job.Spec.API,
				domain.Guarantee(job.Spec.Type)))
		case notFound(err):
			at, err := m.deletedAt(j.ID)
			if err != nil {
				m.t.Fatal(err)
			}
			last.To = cmp.Or(at, domain.Forever)
		case err != nil:
			m.t.Fatal(err)
		}
	}
	for _, j := range m.unanswered {
		m.free(j)
	}
	m.unanswered = nil
	for _, name := range m.lostCreates {
		for job, err := range m.node().api.Jobs.List(ctx, client.JobFilter{Text: name}) {
			if err != nil {
				m.t.Fatal(err)
			}
			if job.Spec.Name == name {
				m.learnJob(job.ID)
			}
		}
	}
	m.lostCreates = nil
}

// collect reads every record in the window, once everything in it has ended.
func (m *tortureClient) collect(from, until int64) *check.Run {
	run := &check.Run{From: from, Until: until, LateAfter: 1_000, Slack: 50, Outages: m.outages, Triggers: m.triggers,
		Stops: slices.Clone(m.stops), Frozen: m.freezes}
	for i := range run.Stops {
		run.Stops[i].Answered += onItsWay + m.machine.longestMs()
	}
	run.TargetOutages = append([]check.Outage{}, m.targetOutages...)
	eventually(m.t, "everything has ended", func() bool {
		run.Records, run.Live = nil, nil
		for _, j := range m.jobs {
			m.read(run, j)
		}
		return !slices.ContainsFunc(run.Live, func(r check.Record) bool { return r.ScheduledAt < until })
	})
	return run
}

// verdict stops the target, and fails on each finding of the checker.
func (m *tortureClient) verdict(run *check.Run) *check.Report {
	t := m.t
	m.target.stop()
	versions := make(map[domain.JobID][]check.Version, len(m.jobs))
	for _, j := range m.jobs {
		run.Jobs = append(run.Jobs, *j)
		versions[j.ID] = j.Versions
	}
	for _, e := range m.target.entries(t) {
		run.Sends = append(run.Sends, check.Send{
			JobID: e.JobID, ExecutionID: e.ExecutionID, ScheduledAt: e.ScheduledAt, Attempt: e.Attempt,
			ReceivedAt: e.ReceivedAt, Status: e.Status, Version: versionOf(e, versions[e.JobID]),
		})
	}
	for _, r := range run.Records { // triggers whose answer was cut off
		if r.Manual && !slices.Contains(run.Triggers, r.ExecutionID) {
			run.Triggers = append(run.Triggers, r.ExecutionID)
		}
	}
	report, err := check.Judge(run)
	if err != nil {
		t.Fatal(err)
	}
	told := map[domain.JobID]bool{}
	for _, f := range report.Findings {
		t.Errorf("%s: job %s at %d (%s): %s", f.Class, f.JobID, f.ScheduledAt,
			time.UnixMilli(f.ScheduledAt).Format(time.TimeOnly), f.Detail)
		if !told[f.JobID] {
			told[f.JobID] = true
			m.tellVersions(f.JobID, versions[f.JobID])
		}
	}
	return report
}

// tellVersions logs what the client and the server know of the versions of a job with a finding.
func (m *tortureClient) tellVersions(id domain.JobID, known []check.Version) {
	for _, v := range known {
		m.t.Logf("known to the client: version %d of %s, %d to %d, active %t, %s", v.Number, id, v.From, v.To, v.Active,
			v.Spec.API)
	}
	for v, err := range m.node().api.Versions.List(context.Background(), id.String(), 100) {
		if err != nil {
			m.t.Logf("the versions of %s: %v", id, err)
			return
		}
		m.t.Logf("on record: version %d of %s, from %d, active %t, by %+v, %s", v.Version, id, v.EffectiveFrom,
			v.IsActive, v.By, v.Spec.API)
	}
}

// read reads the records of a job in the window.
func (m *tortureClient) read(run *check.Run, j *check.Job) {
	for x, err := range m.node().api.Executions.OfJob(context.Background(), j.ID.String(), 1000) {
		if err != nil {
			m.t.Fatal(err)
		}
		if x.ScheduledAt < run.From {
			break
		}
		id, err := domain.ParseExecutionID(x.ID)
		if err != nil {
			m.t.Fatal(err)
		}
		r := check.Record{
			JobID: j.ID, ExecutionID: id, ScheduledAt: x.ScheduledAt, Version: x.Version,
			Status: domain.Status(x.Status), Manual: x.Manual, From: x.ScheduledAt,
		}
		if x.Error != nil {
			r.Reason = *x.Error
		}
		if x.HTTPStatus != nil {
			r.HTTPStatus = *x.HTTPStatus
		}
		if x.Missed != nil {
			r.From = x.Missed.From
		}
		if r.Status.Final() {
			run.Records = append(run.Records, r)
		} else {
			run.Live = append(run.Live, r)
		}
	}
}

// notFound reports whether the server answered that there is no such job.
func notFound(err error) bool {
	var p *client.Problem
	return errors.As(err, &p) && p.Status == http.StatusNotFound
}
