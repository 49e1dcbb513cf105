//go:build linux

package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/sim/check"
	"github.com/belfry-scheduler/belfry/internal/sim/power"
)

// What the API has acknowledged survives. The client of the torture test works with a
// server that is killed, or that loses power at a random write. After each start
// every answer is compared with what the server has; at the end the checker looks
// for lost fires. Each test has BELFRY_POWER_ROUNDS rounds.
var powerRounds = fromEnv("BELFRY_POWER_ROUNDS", 3)

// newTortured returns a tortured server and a source of random numbers for the test: the
// client uses the server's own in another goroutine.
func newTortured(t *testing.T) (*torturedServer, *rand.Rand) {
	seed := uint64(fromEnv("BELFRY_TORTURE_SEED", int(time.Now().UnixNano()%1_000_000)))
	t.Logf("BELFRY_TORTURE_SEED=%d", seed)
	return newTorturedServer(t, rand.New(rand.NewPCG(seed, 2))), rand.New(rand.NewPCG(seed, 3))
}

// survive runs the rounds. kill ends the server and leaves m.dir, and where
// needed m.look, as they are for the next.
func (m *torturedServer) survive(kill func()) {
	m.p = serve(m.t, m.dir, m.env...)
	m.importMany(50)
	from := (time.Now().UnixMilli()/1000 + 1) * 1000
	pass(from)
	for range powerRounds {
		m.runFor(time.Duration(500+m.random.IntN(1500)) * time.Millisecond)
		out := check.Outage{From: time.Now().UnixMilli()}
		busy := make(chan struct{})
		go func() { // calls that the kill cuts off
			defer close(busy)
			for range 20 {
				m.act()
			}
		}()
		kill()
		m.markIdle()
		<-busy
		m.p = serve(m.t, m.dir, m.env...)
		out.To = time.Now().UnixMilli()
		m.outages = append(m.outages, out, check.Outage{From: out.To, To: out.To})
		m.resolveUnanswered()
		m.compare()
	}
	m.runFor(2 * time.Second)
	m.judge(from, (time.Now().UnixMilli()/1000-1)*1000)
}

// compare holds every answer against what the server has. What was not
// answered has been looked up by resolveUnanswered.
func (m *torturedServer) compare() {
	ctx := context.Background()
	for _, j := range m.jobs {
		last := j.Versions[len(j.Versions)-1]
		job, err := m.p.api.Jobs.Get(ctx, j.ID.String())
		switch {
		case last.To != domain.Forever:
			if !notFound(err) {
				m.t.Errorf("job %s was deleted, and is there: version %d, error %v", j.ID, job.Version, err)
			}
		case err != nil:
			m.t.Errorf("job %s, acknowledged version %d: %v", j.ID, last.Number, err)
		case job.Version != last.Number || job.EffectiveFrom != last.From || job.Spec.API != last.Spec.API ||
			job.IsActive != last.Active:
			m.t.Errorf("job %s has version %d from %d (%s, active: %t); acknowledged was %d from %d (%s, "+
				"active: %t)", j.ID,
				job.Version, job.EffectiveFrom, job.Spec.API, job.IsActive, last.Number, last.From,
				last.Spec.API, last.Active)
		}
	}
	for _, id := range m.triggers {
		if _, err := m.p.api.Executions.Get(ctx, id.String()); err != nil {
			m.t.Errorf("acknowledged trigger %s: %v", id, err)
		}
	}
	m.t.Logf("%d jobs and %d triggers are as they were acknowledged", len(m.jobs), len(m.triggers))
}

func TestAnswersSurviveKill(t *testing.T) {
	t.Parallel()
	m, chance := newTortured(t)
	m.dir = t.TempDir()
	m.survive(func() {
		pass(time.Now().UnixMilli() + chance.Int64N(100))
		m.p.kill()
	})
}

func TestAnswersSurvivePowerLoss(t *testing.T) {
	t.Parallel()
	m, chance := newTortured(t)
	disk := power.Mount(t, "")
	m.dir = disk.Path
	m.survive(func() {
		disk.CutAfter(1 + chance.IntN(150))
		select {
		case <-disk.Lost():
		case <-time.After(maxWait):
			t.Error("the server writes nothing")
			disk.Cut()
		}
		m.p.kill()
		remaining := t.TempDir()
		m.look = t.TempDir() // the server's own files are not for another process: see package power
		fate := power.Fate{Seed: chance.Uint64(), Chance: 0.5 * float64(chance.IntN(3))}
		if err := errors.Join(disk.Image(remaining, fate), disk.Image(m.look, fate)); err != nil {
			t.Fatal(err)
		}
		disk = power.Mount(t, remaining)
		m.dir = disk.Path
	})
}

// idle returns a server on a disk with nothing to do but its beat.
func idle(t *testing.T) (*process, *power.Disk) {
	t.Helper()
	disk := power.Mount(t, "")
	return serve(t, disk.Path), disk
}

func yearly(n int) client.Spec {
	return client.Spec{Schedule: "0 0 0 1 1 *", API: "http://127.0.0.1:9/", Type: "ATLEAST_ONCE",
		Name: fmt.Sprintf("yearly %d", n)}
}

const jobsLog = "jobs.db-wal"

// TestGroupCommit counts the fsyncs of many concurrent creates, on a disk whose fsync
// takes long. All creates that arrive during one fsync share the next: 64 creates
// within a second take about ten, including those of the beat.
func TestGroupCommit(t *testing.T) {
	const creates, fsync = 64, 100 * time.Millisecond
	p, disk := idle(t)
	disk.BeforeSync(func(path string) error {
		if path == jobsLog {
			<-time.After(fsync)
		}
		return nil
	})
	before := disk.Syncs(jobsLog)
	var all sync.WaitGroup
	for n := range creates {
		all.Go(func() {
			if _, err := p.api.Jobs.Create(t.Context(), yearly(n)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	syncs := disk.Syncs(jobsLog) - before
	t.Logf("%d creates took %d fsyncs", creates, syncs)
	if syncs < 1 || syncs > creates/4 {
		t.Errorf("%d concurrent creates took %d fsyncs, want from 1 to %d", creates, syncs, creates/4)
	}
}

// TestNoAnswerBeforeFsync cuts the power at the first fsync after a create was
// sent. An acknowledgement would be false.
func TestNoAnswerBeforeFsync(t *testing.T) {
	t.Parallel()
	p, disk := idle(t)
	if _, err := p.api.Jobs.Create(t.Context(), yearly(1)); err != nil {
		t.Fatal(err)
	}
	disk.BeforeSync(func(string) error {
		disk.Cut()
		return nil
	})
	if job, err := p.api.Jobs.Create(t.Context(), yearly(2)); err == nil {
		t.Errorf("job %s was acknowledged before any fsync", job.JobID)
	}
	disk.Cut() // where nothing was synced, the server still runs
}
