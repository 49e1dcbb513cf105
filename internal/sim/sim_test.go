package sim

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	seeds     = flag.Int("seeds", fromEnv("BELFRY_SIM_SEEDS", 30), "how many seeds TestSimulation runs")
	firstSeed = flag.Uint64("seed", uint64(fromEnv("BELFRY_SIM_SEED", 1)), "the first of them")
)

// fromEnv reads a number, so that make can say it for one package of many.
func fromEnv(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// Every other day has several nodes, the others one server. A failing seed prints itself
// and its script. It runs again with
//
//	make sim SEEDS=1 SEED=n
func TestSimulation(t *testing.T) {
	for _, seed := range seedsOf(false) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			report(t, seed, simulate(t, seed, inMemory, plant{}))
		})
	}
}

func TestSimulationOfACluster(t *testing.T) {
	for _, seed := range seedsOf(true) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			report(t, seed, simulateCluster(t, seed, plant{}))
		})
	}
}

// seedsOf returns the seeds of the days with several nodes, or of those with one server.
func seedsOf(several bool) (of []uint64) {
	for i := range *seeds {
		seed := *firstSeed + uint64(i)
		if (seed%2 == 0) == several {
			of = append(of, seed)
		}
	}
	return of
}

// One seed in ninety, and two more, on the real database: it is slower, and a file.
func TestSimulationOnSQLite(t *testing.T) {
	for i := range 2 + *seeds/90 {
		seed := *firstSeed + uint64(i)
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			report(t, seed, simulate(t, seed, onSQLite(t), plant{}))
		})
	}
}

// onSQLite keeps the database in memory where there is a directory of that
// kind: the store syncs every commit.
func onSQLite(t *testing.T) opener {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "belfry-sim-")
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return func(clk clock.Clock) func() (store.Store, error) {
		return func() (store.Store, error) {
			return sqlite.Open(context.Background(), sqlite.Config{Path: filepath.Join(dir, "jobs.db"),
				Clock: clk, Log: silent})
		}
	}
}

func report(t *testing.T, seed uint64, v verdict) {
	t.Helper()
	if len(v.faults) > 0 {
		t.Errorf("seed %d: make sim SEEDS=1 SEED=%d\n%s\n\nthe script:\n%s", seed, seed,
			strings.Join(v.faults[:min(len(v.faults), 20)], "\n"), strings.Join(v.script, "\n"))
	}
	if v.day < day {
		t.Errorf("seed %d ended after %s", seed, v.day)
	}
	t.Logf("%d fires, %d requests, %d of them explained doubles, in %s", v.expected, v.requests, v.doubles, v.day)
}

// The days are worth something: within a few of them everything happens that
// the script can do, and fires end in every way that there is.
func TestFewSeedsMeetEverything(t *testing.T) {
	t.Parallel()
	statuses, script := make(map[domain.Status]int), ""
	for seed := range uint64(16) {
		v := simulate(t, seed+1, inMemory, plant{})
		for status, n := range v.statuses {
			statuses[status] += n
		}
		script += strings.Join(v.script, "\n")
	}
	for _, status := range []domain.Status{
		domain.StatusSuccess, domain.StatusFailed, domain.StatusSkipped, domain.StatusMissed, domain.StatusUnknown,
	} {
		if statuses[status] == 0 {
			t.Errorf("no fire ended as %s", status)
		}
	}
	for _, what := range []string{
		"  crash", "  stop with", "  start", "steps by -1h0m0s", "steps by 5m0s", "steps by 1h0m0s",
		"  create 1:", "  change", "  pause 0", "  pause for", "  resume", "  delete", "  trigger", "  down for",
		"  heal",
		"Ledger.Record Fault:0", "Ledger.Record Fault:1", "Ledger.Record Fault:2", "Ledger.Record Fault:3",
		"Ledger.Record Fault:4",
	} {
		if !strings.Contains(script, what) {
			t.Errorf("no seed did this: %q", what)
		}
	}
}
