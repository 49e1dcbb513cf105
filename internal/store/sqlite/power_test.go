//go:build linux

package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/sim/power"
)

// powerSeeds is how many scripts TestPowerLoss runs; BELFRY_POWER_SEEDS sets
// another number.
const powerSeeds = 8

// powerRounds is how often the power goes during a script. Each round goes on
// with what the one before has left.
const powerRounds = 3

// TestPowerLoss runs a store on a disk whose power goes at a random write or fsync, now and
// then after a process that was killed in an fsync. What is left must be the state after
// the last acknowledged step, or after the one under way, whole; the disk may have written
// any part of what it was not asked to sync.
func TestPowerLoss(t *testing.T) {
	t.Parallel()
	seeds := powerSeeds
	if n, err := strconv.Atoi(os.Getenv("BELFRY_POWER_SEEDS")); err == nil {
		seeds = n
	}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			c := &cutter{seed: seed, random: rand.New(rand.NewPCG(seed, 9))}
			c.steps, c.states = script(seed)
			for range powerRounds {
				c.round(t)
			}
		})
	}
}

// cutter follows one script over several losses of power.
type cutter struct {
	seed   uint64
	random *rand.Rand
	steps  []step
	states []ledgerState
	done   int    // steps that are in the image
	image  string // what the last round left; "": nothing
}

// round runs the victim until the power goes, and looks at what is left.
func (c *cutter) round(t *testing.T) {
	t.Helper()
	d := power.Mount(t, c.image)
	if c.random.IntN(2) == 0 {
		c.killed(t, d)
	}
	d.CutAfter(1 + c.random.IntN(700))
	acknowledged := c.run(t, d, 0)
	d.Cut()
	fate := power.Fate{Seed: c.random.Uint64(), Chance: []float64{0, 0.2, 0.5, 0.9, 1}[c.random.IntN(5)]}
	c.image = t.TempDir()
	if err := d.Image(c.image, fate); err != nil {
		t.Fatal(err)
	}
	look := t.TempDir() // a copy: what is opened is changed
	if err := d.Image(look, fate); err != nil {
		t.Fatal(err)
	}
	c.check(t, look, acknowledged)
}

// killed runs the victim until it is killed in an fsync, and looks at what the
// next process will see: what is written, synced or not. What that process
// builds on must then survive as well.
func (c *cutter) killed(t *testing.T, d *power.Disk) {
	t.Helper()
	acknowledged := c.run(t, d, 1+c.random.IntN(40))
	d.BeforeSync(nil)
	look := t.TempDir()
	if err := d.Image(look, power.Fate{Chance: 1}); err != nil {
		t.Fatal(err)
	}
	c.check(t, look, acknowledged)
}

var errKilled = errors.New("killed before the fsync")

// run runs the victim until the power goes or, if killAt is not 0, until it is
// killed in that fsync, which is not done. It returns how many steps the
// victim says are done.
func (c *cutter) run(t *testing.T, d *power.Disk, killAt int) (acknowledged int) {
	t.Helper()
	kill, killed := make(chan struct{}), make(chan struct{})
	if killAt > 0 {
		var fsyncs atomic.Int64
		d.BeforeSync(func(string) error {
			n := fsyncs.Add(1)
			if n == int64(killAt) {
				close(kill)
			}
			if n < int64(killAt) {
				return nil
			}
			<-killed
			return errKilled
		})
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	cmd.Env = append(os.Environ(), victimEnv+"="+filepath.Join(d.Path, "data", "jobs.db"),
		fmt.Sprintf("%s=%d %d", victimArgs, c.seed, c.done))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(killed)
		select {
		case <-d.Lost():
			_ = cmd.Process.Kill()
		case <-kill:
			_ = cmd.Process.Kill()
		case <-ended:
		}
	}()
	err = cmd.Wait()
	close(ended)
	<-killed
	select {
	case <-d.Lost():
	case <-kill:
	default:
		if err != nil {
			t.Fatalf("the victim ended by itself: %v\n%s", err, complaints.String())
		}
	}
	lines := strings.Fields(out.String())
	if len(lines) == 0 {
		return c.done // it did not come to say anything
	}
	acknowledged, err = strconv.Atoi(lines[len(lines)-1])
	if err != nil {
		t.Fatal(err)
	}
	return acknowledged
}

// check opens the database after the power cut. Its state must be one of two, and
// determines the next step.
func (c *cutter) check(t *testing.T, folder string, acknowledged int) {
	t.Helper()
	path := filepath.Join(folder, "data", "jobs.db")
	s, err := Open(t.Context(), Config{Path: path})
	if err != nil {
		t.Fatalf("after %d steps: %v", acknowledged, err)
	}
	got, err := observe(t.Context(), s, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	wantSound(t, path)
	before := c.states[acknowledged]
	if acknowledged == len(c.steps) {
		c.done = acknowledged
		if d := cmp.Diff(before, got); d != "" {
			t.Fatalf("after the last step (-want +got):\n%s", d)
		}
		return
	}
	next := c.steps[acknowledged]
	if next.expire != 0 { // days go one by one
		dropExpired(before.Facts, next.expire)
		dropExpired(got.Facts, next.expire)
	}
	diff := cmp.Diff(before, got)
	if diff == "" {
		c.done = acknowledged
		return
	}
	c.done = acknowledged + 1
	if d := cmp.Diff(c.states[c.done], got); d != "" {
		t.Fatalf("after %d acknowledged steps, the last %s, the next %s:\nagainst the last (-want "+
			"+got):\n%s\nagainst the next:\n%s",
			acknowledged, c.steps[max(acknowledged-1, 0)].what, next.what, diff, d)
	}
}

func dropExpired(facts map[domain.FireKey]domain.Status, before int64) {
	for k := range facts {
		if k.ScheduledAt < before {
			delete(facts, k)
		}
	}
}

// wantSound checks every file of a closed store.
func wantSound(t *testing.T, path string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "history", "*.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, path) {
		c, err := openConn(file, writer, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.setPragma(pragma{"integrity_check", "100", "ok"}); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}
