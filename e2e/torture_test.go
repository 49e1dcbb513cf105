package e2e

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/belfry-scheduler/belfry/internal/domain"
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

// torturedServer is the server of a torture test.
type torturedServer struct {
	*tortureClient
	dir      string
	look     string // folder with the database as deletedAt may read it; "": dir
	env      []string
	p        *process
	starts   []int64        // of the server after the first
	volume   string         // file system that can be filled; "": none
	counts   map[string]int // faults by name
	releases int            // of zone data
}

func newTorturedServer(t *testing.T, random *rand.Rand) *torturedServer {
	m := &torturedServer{tortureClient: newTortureClient(t, random), counts: make(map[string]int)}
	m.env = []string{"PORT=" + strings.TrimPrefix(freePort(t), "127.0.0.1:"), "BELFRY_SHUTDOWN_GRACE=10s"}
	m.node = func() *process { return m.p }
	m.deletedAt = func(id domain.JobID) (int64, error) {
		return effectiveTo(filepath.Join(cmp.Or(m.look, m.dir), "jobs.db"), id)
	}
	return m
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
	m := newTorturedServer(t, chance)
	if m.volume = volume(t); m.volume != "" {
		m.dir = filepath.Join(m.volume, "data")
	} else {
		m.dir = t.TempDir()
	}
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

// judge stops the server in good order, reads everything, and fails on each finding of
// the checker.
func (m *torturedServer) judge(from, until int64) {
	run := m.collect(from, until)
	if code := m.p.terminate(); code != 0 {
		m.t.Errorf("exit code %d after SIGTERM", code)
	}
	m.report(run, m.verdict(run))
}

func (m *torturedServer) signal(s syscall.Signal) {
	if err := m.p.cmd.Process.Signal(s); err != nil {
		m.t.Fatal(err)
	}
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
