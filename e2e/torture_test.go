package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/receiver"
	"github.com/belfry-scheduler/belfry/internal/sim/check"
)

// The torture test injects faults (see otherFaults) at random moments into a server
// under load while a client edits and triggers jobs. Then the checker compares the
// target's log, the database and the client's own list of its edits. `make test` runs
// a short form, in which each kind of fault occurs once and several servers share
// the faults; `make torture` runs a long one, with one server.
var (
	tortureFaults = fromEnv("BELFRY_TORTURE_FAULTS", shortTorture)
	tortureJobs   = fromEnv("BELFRY_TORTURE_JOBS", 200)
)

// shortServers is how many servers share the faults of a short torture: nearly all
// of it is waiting.
const shortServers = 3

var shortTorture = 2 + len(otherFaults)

func fromEnv(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// torturedServer is the server of a torture test and what its client knows.
type torturedServer struct {
	t      *testing.T
	random *rand.Rand
	target *target
	dir    string
	look   string // folder with the database as deletedAt may read it; "": dir
	env    []string
	p      *process

	mu            sync.Mutex
	jobs          []*check.Job
	unanswered    []*check.Job // an edit was not answered
	lostCreates   []string     // names of jobs whose creation was not answered
	triggers      []domain.ExecutionID
	outages       []check.Outage
	targetOutages []check.Outage // the target was gone
	starts        []int64        // of the server after the first
	volume        string         // file system that can be filled; "": none
	counts        map[string]int // faults by name
	edits         int
	releases      int // of zone data
	names         int
}

func TestTorture(t *testing.T) {
	seed := uint64(fromEnv("BELFRY_TORTURE_SEED", int(time.Now().UnixNano()%1_000_000)))
	t.Logf("BELFRY_TORTURE_SEED=%d", seed)
	servers := 1
	if tortureFaults <= shortTorture {
		servers = shortServers
		t.Parallel() // a short one measures nothing
	}
	for server := range servers {
		var faults []int
		for i := server; i < tortureFaults; i += servers {
			faults = append(faults, i)
		}
		t.Run(fmt.Sprintf("server %d", server), func(t *testing.T) {
			t.Parallel()
			torture(t, rand.New(rand.NewPCG(seed, uint64(server+1))), faults)
		})
	}
}

// torture runs one server through the faults of these numbers.
func torture(t *testing.T, chance *rand.Rand, faults []int) {
	m := &torturedServer{t: t, random: chance, target: newTarget(t), counts: make(map[string]int)}
	if m.volume = volume(t); m.volume != "" {
		m.dir = filepath.Join(m.volume, "data")
	} else {
		m.dir = t.TempDir()
	}
	m.env = []string{"PORT=" + strings.TrimPrefix(freePort(t), "127.0.0.1:"), "BELFRY_SHUTDOWN_GRACE=10s"}
	m.p = serve(t, m.dir, m.env...)
	m.importMany(tortureJobs)
	from := (time.Now().UnixMilli()/1000 + 1) * 1000
	pass(from)

	for _, i := range faults {
		m.runFor(time.Duration(500+m.random.IntN(2500)) * time.Millisecond)
		m.injectFault(i, faultAt(i, tortureFaults))
	}
	m.runFor(3 * time.Second)
	until := (time.Now().UnixMilli()/1000 - 1) * 1000
	m.judge(from, until)
}

// url returns a target that answers 200; its path has the version.
func (m *torturedServer) url(version int) string {
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

func (m *torturedServer) name() string {
	m.names++
	return fmt.Sprintf("torture job %d", m.names)
}

func (m *torturedServer) spec(version int) client.Spec {
	s := client.Spec{Schedule: "* * * * * *", API: m.url(version), Type: "ATLEAST_ONCE", Name: m.name(),
		Timezone: "UTC"}
	if m.names%3 == 0 {
		s.Timezone = changedZone
	}
	return s
}

func (m *torturedServer) importMany(n int) {
	var b strings.Builder
	for range n {
		s := m.spec(1)
		fmt.Fprintf(&b, `{"schedule":%q,"api":%q,"type":%q,"name":%q,"timezone":%q}`+"\n", s.Schedule, s.API, s.Type,
			s.Name, s.Timezone)
	}
	for _, id := range m.p.importJobs(b.String()) {
		m.learnJob(id)
	}
}

// learnJob reads a job from the server: after an import, or when the answer to its
// creation was cut off.
func (m *torturedServer) learnJob(id string) {
	job, err := m.p.api.Jobs.Get(context.Background(), id)
	if err != nil {
		m.t.Fatalf("job %s: %v", id, err)
	}
	parsed, err := domain.ParseJobID(id)
	if err != nil {
		m.t.Fatal(err)
	}
	j := &check.Job{ID: parsed, CreatedAt: job.CreatedAt}
	j.Versions = []check.Version{m.version(job.Version, job.EffectiveFrom, job.IsActive, job.Spec.API)}
	m.jobs = append(m.jobs, j)
}

func (m *torturedServer) version(number int, from int64, active bool, api string) check.Version {
	s := domain.DefaultSpec()
	s.Schedule, s.API, s.Type = "* * * * * *", api, domain.AtLeastOnce
	return check.Version{Number: number, From: from, To: domain.Forever, Active: active, Spec: s}
}

// runFor lets the client work for a while. Errors are not failures, since the server
// may be about to end: resolveUnanswered asks later what became of those calls.
func (m *torturedServer) runFor(d time.Duration) {
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

// act makes one random call. Calls come one after the other: an edit of a job
// follows the answer to the one before.
func (m *torturedServer) act() {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	m.mu.Lock()
	defer m.mu.Unlock()
	j := m.jobs[m.random.IntN(len(m.jobs))]
	if slices.Contains(m.unanswered, j) || j.Versions[len(j.Versions)-1].To != domain.Forever {
		return
	}
	last := &j.Versions[len(j.Versions)-1]
	m.edits++
	switch n := m.random.IntN(20); {
	case n < 8:
		m.edit(ctx, j, client.Change{"api": m.url(last.Number + 1)}, last.Active, m.url(last.Number+1))
	case n < 14:
		m.edit(ctx, j, client.Change{"isActive": !last.Active, "api": m.url(last.Number + 1)}, !last.Active,
			m.url(last.Number+1))
	case n < 17:
		if got, err := m.p.api.Jobs.Trigger(ctx, j.ID.String()); err == nil {
			id, _ := domain.ParseExecutionID(got.ExecutionID)
			m.triggers = append(m.triggers, id)
		}
	case n < 18:
		if got, err := m.p.api.Jobs.Delete(ctx, j.ID.String(), 0); err != nil {
			m.unanswered = append(m.unanswered, j)
		} else {
			last.To = got.EffectiveTo
		}
	default:
		s := m.spec(1)
		if got, err := m.p.api.Jobs.Create(ctx, s); err != nil {
			m.lostCreates = append(m.lostCreates, s.Name)
		} else {
			id, _ := domain.ParseJobID(got.JobID)
			m.jobs = append(m.jobs,
				&check.Job{ID: id, Versions: []check.Version{m.version(1, got.EffectiveFrom, true, s.API)}})
		}
	}
}

func (m *torturedServer) edit(ctx context.Context, j *check.Job, change client.Change, active bool, api string) {
	got, err := m.p.api.Jobs.Update(ctx, j.ID.String(), 0, change)
	if err != nil {
		m.unanswered = append(m.unanswered, j)
		return
	}
	m.follow(j, m.version(got.Version, got.EffectiveFrom, active, api))
}

func (m *torturedServer) follow(j *check.Job, v check.Version) {
	j.Versions[len(j.Versions)-1].To = v.From
	j.Versions = append(j.Versions, v)
}

func (m *torturedServer) signal(s syscall.Signal) {
	if err := m.p.cmd.Process.Signal(s); err != nil {
		m.t.Fatal(err)
	}
}

// resolveUnanswered asks what became of the edits that were not answered.
func (m *torturedServer) resolveUnanswered() {
	ctx := context.Background()
	for _, j := range m.unanswered {
		last := &j.Versions[len(j.Versions)-1]
		job, err := m.p.api.Jobs.Get(ctx, j.ID.String())
		switch {
		case err == nil && job.Version > last.Number:
			m.follow(j, m.version(job.Version, job.EffectiveFrom, job.IsActive, job.Spec.API))
		case notFound(err):
			last.To = m.deletedAt(j)
		case err != nil:
			m.t.Fatal(err)
		}
	}
	m.unanswered = nil
	for _, name := range m.lostCreates {
		for job, err := range m.p.api.Jobs.List(ctx, client.JobFilter{Text: name}) {
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

// judge stops the server in good order, reads everything, and fails on each finding of
// the checker.
func (m *torturedServer) judge(from, until int64) {
	t := m.t
	run := &check.Run{From: from, Until: until, LateAfter: 1_000, Slack: 50, Outages: m.outages, Triggers: m.triggers}
	run.TargetOutages = append([]check.Outage{}, m.targetOutages...)
	eventually(t, "everything has ended", func() bool {
		run.Records, run.Live = nil, nil
		for _, j := range m.jobs {
			m.read(run, j)
		}
		return !slices.ContainsFunc(run.Live, func(r check.Record) bool { return r.ScheduledAt < until })
	})
	if code := m.p.terminate(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
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
	m.report(run, report)
	for _, f := range report.Findings {
		t.Errorf("%s: job %s at %d (%s): %s", f.Class, f.JobID, f.ScheduledAt,
			time.UnixMilli(f.ScheduledAt).Format(time.TimeOnly), f.Detail)
	}
}

// read reads the records of a job in the window.
func (m *torturedServer) read(run *check.Run, j *check.Job) {
	for x, err := range m.p.api.Executions.OfJob(context.Background(), j.ID.String(), 1000) {
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

// deletedAt reads from a copy of the database when a job ended whose deletion
// was not answered: the API does not tell it.
func (m *torturedServer) deletedAt(j *check.Job) int64 {
	m.t.Helper()
	at, err := effectiveTo(filepath.Join(cmp.Or(m.look, m.dir), "jobs.db"), j.ID)
	if err != nil {
		m.t.Fatal(err)
	}
	return cmp.Or(at, domain.Forever)
}

// effectiveTo reads the end of a job's last version.
func effectiveTo(path string, id domain.JobID) (at int64, err error) {
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	err = sqlitex.Execute(conn, "SELECT effective_to FROM version WHERE job_id = ? ORDER BY number DESC LIMIT 1",
		&sqlitex.ExecOptions{
			Args:       []any{id[:]},
			ResultFunc: func(s *sqlite.Stmt) error { at = s.ColumnInt64(0); return nil },
		})
	return at, err
}

// notFound reports whether the server answered that there is no such job.
func notFound(err error) bool {
	var p *client.Problem
	return errors.As(err, &p) && p.Status == http.StatusNotFound
}
