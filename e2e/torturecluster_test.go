package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/sim/check"
	"github.com/belfry-scheduler/belfry/internal/store/postgres/postgrestest"
)

// The torture of a cluster injects faults (see clusterFaults) into three nodes on one PostgreSQL server while
// clients edit and trigger jobs at all of them. The checker is that of the torture of one server; what explains a
// duplicate is a takeover of the job's own shard, of which the database keeps a list (shardHistory). `make test`
// runs a short form, in which each fault occurs once and three clusters share the faults; `make torture-cluster` runs a
// long one.
var (
	clusterFaultCount = fromEnv("BELFRY_TORTURE_CLUSTER_FAULTS", 0) // 0: the short form
	clusterJobs       = fromEnv("BELFRY_TORTURE_CLUSTER_JOBS", 200)
	clusterLogs       = os.Getenv("BELFRY_TORTURE_CLUSTER_LOGS")                     // a folder
	clusterOnly       = regexp.MustCompile(os.Getenv("BELFRY_TORTURE_CLUSTER_ONLY")) // faults by name
)

const (
	clusterNodes   = 3
	clusterShards  = 64
	clusterClients = 3
	horizonAhead   = 3_000 // a beat moves H that far ahead of the clock, in milliseconds
	// unrecorded is how long before a beat what was received may not have been on record at the beat.
	unrecorded = 1_500
	// maxCutOff is how many calls a fault may cut off before the clients wait for its end: each of them takes a job
	// out of their hands.
	maxCutOff = 6
)

// shardHistory keeps a list of the changes of owners.
const shardHistory = `
CREATE TABLE shard_history (number int, at bigint, before bigint, after bigint, horizon bigint, clean boolean);
CREATE FUNCTION note_shard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO shard_history VALUES (OLD.number, floor(extract(epoch FROM clock_timestamp()) * 1000), OLD.node,
    NEW.node, OLD.horizon, OLD.clean);
  RETURN NULL;
END $$;
CREATE TRIGGER note_shard AFTER UPDATE ON shard FOR EACH ROW WHEN (OLD.epoch <> NEW.epoch)
  EXECUTE FUNCTION note_shard()`

// torturedCluster is the cluster of a torture test.
type torturedCluster struct {
	*tortureClient
	database *postgrestest.Server
	url      string // of the database, for the test itself
	volume   string // file system of the database that can be filled; "": none
	nodes    []*tortureNode
	counts   map[string]int // faults by name
	cutOff   int            // calls since the last fault; under mu
	resting  sync.RWMutex   // held for reading during calls

	failovers []check.Outage // in which a takeover explains nothing
}

// tortureNode is one server of it.
type tortureNode struct {
	name  string // BELFRY_NODE_NAME
	env   []string
	proxy *dbProxy // to the primary
	spare *dbProxy // to where the next primary will be: its URL names both
	p     *process
	down  bool // the clients know that
}

func TestTortureCluster(t *testing.T) {
	t.Parallel()
	seed := uint64(fromEnv("BELFRY_TORTURE_SEED", int(time.Now().UnixNano()%1_000_000)))
	t.Logf("BELFRY_TORTURE_SEED=%d", seed)
	if clusterFaultCount > 0 {
		chance := rand.New(rand.NewPCG(seed, 1))
		var faults []clusterFault
		for len(faults) < clusterFaultCount {
			if f := clusterFaults[chance.IntN(len(clusterFaults))]; clusterOnly.MatchString(f.name) {
				faults = append(faults, f)
			}
		}
		tortureCluster(t, rand.New(rand.NewPCG(seed, 2)), faults)
		return
	}
	for _, kind := range []faultKind{ofNodes, ofDatabase, ofNetwork} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			var faults []clusterFault
			for _, f := range clusterFaults {
				if f.kind == kind && !f.long && clusterOnly.MatchString(f.name) {
					faults = append(faults, f)
				}
			}
			tortureCluster(t, rand.New(rand.NewPCG(seed, 1)), faults)
		})
	}
}

func tortureCluster(t *testing.T, chance *rand.Rand, faults []clusterFault) {
	m := newTorturedCluster(t, chance)
	m.importMany(clusterJobs)
	from := (time.Now().UnixMilli()/1000 + 1) * 1000
	pass(from)
	rest := m.startClients()
	for i, f := range faults {
		m.mu.Lock()
		calm := m.random.Int64N(1_500)
		m.mu.Unlock()
		pass(time.Now().UnixMilli() + calm)
		m.inject(i, f)
	}
	pass(time.Now().UnixMilli() + 3_000)
	rest()
	m.waitOwned()
	m.judge(from, (time.Now().UnixMilli()/1000-1)*1000)
}

// newTorturedCluster starts the nodes. They begin with equal shares: no shard can be claimed before all are there.
func newTorturedCluster(t *testing.T, chance *rand.Rand) *torturedCluster {
	m := &torturedCluster{tortureClient: newTortureClient(t, chance), counts: make(map[string]int)}
	if clusterFaultCount > 0 {
		m.volume = volume(t)
	}
	if m.volume != "" { // the database runs as another user
		if err := os.Chmod(filepath.Dir(m.volume), 0o755); err != nil { //nolint:gosec // to look into
			t.Fatal(err)
		}
	}
	m.database = newPostgresWith(t, postgrestest.Options{Fsync: true, Folder: m.volume,
		Settings: []string{"max_connections=70"}})
	m.url = m.database.Database(t)
	config, err := pgx.ParseConfig(m.url)
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(config.Host, fmt.Sprintf(".s.PGSQL.%d", config.Port))
	for i := range clusterNodes {
		dial := func() (net.Conn, error) {
			return (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "unix", socket)
		}
		proxy, spare := newDBProxy(t, dial), newDBProxy(t, dial)
		spare.set(cut)
		m.nodes = append(m.nodes, &tortureNode{
			name: fmt.Sprintf("node-%d", i), proxy: proxy, spare: spare, env: []string{
				"PORT=" + strings.TrimPrefix(freePort(t), "127.0.0.1:"), "BELFRY_SHUTDOWN_GRACE=10s",
				fmt.Sprintf("BELFRY_NODE_NAME=node-%d", i),
				fmt.Sprintf("DATABASE_URL=postgres://%s@%s,%s/%s?target_session_attrs=read-write", config.User,
					proxy.addr, spare.addr, config.Database),
			},
		})
	}
	m.node = m.anyNode
	m.deletedAt = m.endOf
	m.start(m.nodes[0])
	m.exec(shardHistory)
	m.terminate(m.nodes[0])
	m.locked(`LOCK TABLE shard IN EXCLUSIVE MODE`, func() {
		for _, n := range m.nodes {
			m.start(n)
		}
		eventually(t, "the nodes know each other", func() bool {
			return m.number(`SELECT count(*) FROM node`) == clusterNodes
		})
		wait(2_000) // all of them have looked since
	})
	m.waitOwned()
	t.Logf("the nodes begin with %v shards", m.shares())
	return m
}

// start starts a node.
func (m *torturedCluster) start(n *tortureNode) {
	p := startWith(m.t, binary, "belfry is running", "address",
		cleanEnv(append(n.env, "BELFRY_ENCRYPTION_KEY="+postgresKey)...), "serve")
	if clusterLogs != "" {
		name := fmt.Sprintf("%s-%d.log", n.name, p.cmd.Process.Pid)
		m.t.Cleanup(func() {
			if err := os.WriteFile(filepath.Join(clusterLogs, name), []byte(p.log()), 0o600); err != nil {
				m.t.Error(err)
			}
		})
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n.p, n.down = p, false
}

// leave keeps further calls away from a node.
func (m *torturedCluster) leave(n *tortureNode) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n.down = true
}

func (m *torturedCluster) terminate(n *tortureNode) {
	if code := n.p.terminate(); code != 0 {
		m.t.Errorf("%s: exit code %d after SIGTERM", n.name, code)
	}
	m.leave(n)
}

// anyNode returns a node for the next call.
func (m *torturedCluster) anyNode() *process {
	first := m.random.IntN(len(m.nodes))
	for i := range m.nodes {
		if n := m.nodes[(first+i)%len(m.nodes)]; !n.down {
			return n.p
		}
	}
	return m.nodes[first].p
}

// someOwner returns a random node that owns shards.
func (m *torturedCluster) someOwner() *tortureNode {
	shares := m.shares()
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		if i := m.random.IntN(len(m.nodes)); shares[i] > 0 {
			return m.nodes[i]
		}
	}
}

// startClients lets clients work until the function that it returns is called.
func (m *torturedCluster) startClients() (rest func()) {
	done := make(chan struct{})
	var all sync.WaitGroup
	for range clusterClients {
		all.Go(func() {
			tick := time.NewTicker(40 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-done:
					return
				case <-tick.C:
				}
				if m.mayAct() && !m.actUnlessResting() {
					m.mu.Lock()
					m.cutOff++
					m.mu.Unlock()
				}
			}
		})
	}
	return func() {
		close(done)
		all.Wait()
	}
}

func (m *torturedCluster) actUnlessResting() (answered bool) {
	m.resting.RLock()
	defer m.resting.RUnlock()
	return m.act()
}

// rest keeps the clients from calling, once the calls under way are answered, or lets them go on.
func (m *torturedCluster) rest(on bool) {
	if on {
		m.resting.Lock()
	} else {
		m.resting.Unlock()
	}
}

func (m *torturedCluster) mayAct() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cutOff < maxCutOff
}

// inject injects a fault, and waits until all shards are owned again.
func (m *torturedCluster) inject(i int, f clusterFault) {
	began := time.Now()
	f.inject(m)
	over := time.Now()
	m.waitOwned()
	m.mu.Lock()
	m.cutOff = 0
	m.mu.Unlock()
	m.counts[f.name]++
	takeovers := m.takeovers(began.UnixMilli())
	m.t.Logf("fault %d: %s at %s, %d ms, and %d ms until all shards are fired; %d shards taken over; shares %v", i,
		f.name, began.UTC().Format(time.TimeOnly), over.Sub(began).Milliseconds(), time.Since(over).Milliseconds(),
		len(takeovers), m.shares())
}

// waitOwned waits until every shard has an owner that renews its lease, and every node answers.
func (m *torturedCluster) waitOwned() {
	m.t.Helper()
	for _, n := range m.nodes {
		eventually(m.t, n.name+" is ready", func() bool {
			status, _ := ask(m.t, "GET", n.p.url+"/readyz", "", "")
			return status == 200
		})
	}
	began := m.number(`SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint`)
	eventually(m.t, "all shards are owned", func() bool { // each had a beat since
		return m.number(`SELECT count(*) FROM shard WHERE NOT clean AND horizon >= $1`, began+horizonAhead) ==
			clusterShards
	})
}

// shares returns how many shards the nodes have.
func (m *torturedCluster) shares() (shares []int64) {
	for _, n := range m.nodes {
		shares = append(shares, m.number(`SELECT count(*) FROM shard s JOIN node n ON n.token = s.node
			WHERE n.name = $1`, n.name))
	}
	return shares
}

// judge looks at what has remained of the faults, stops the nodes, and asks the checker.
func (m *torturedCluster) judge(from, until int64) {
	m.resolveUnanswered()
	eventually(m.t, "W follows the clock", func() bool {
		return m.number(`SELECT count(*) FROM shard
			WHERE watermark > floor(extract(epoch FROM clock_timestamp()) * 1000) - $1`, 3_000) == clusterShards
	})
	run := m.collect(from, until)
	run.Shards, run.Takeovers = clusterShards, slices.DeleteFunc(m.takeovers(from), func(t check.Takeover) bool {
		return slices.ContainsFunc(m.failovers, func(o check.Outage) bool { return o.From <= t.At && t.At <= o.To })
	})
	for _, n := range m.nodes {
		m.terminate(n)
	}
	result := m.verdict(run)
	m.t.Logf("faults: %v", m.counts)
	m.t.Logf("%d jobs, %d client calls, %d triggers, %d pauses and deletions; %d shards taken over", len(m.jobs),
		m.edits, len(m.triggers), len(m.stops), len(run.Takeovers))
	m.t.Logf("%d fires expected, %d requests received; classes %v; latest first request %d ms after its instant",
		result.Expected, len(run.Sends), result.Counts, latest(run))
	unknown := 0
	for _, r := range run.Records {
		if r.Status == domain.StatusUnknown {
			unknown++
		}
	}
	m.t.Logf("%d fires whose outcome is UNKNOWN; the machine stalled for %d ms at most", unknown, m.machine.longestMs())
}

// takeovers reads the changes of owners that the last one has not prepared. At its last beat it had everything on
// record that was received a while before.
func (m *torturedCluster) takeovers(from int64) (all []check.Takeover) {
	c := m.connect()
	defer func() { _ = c.Close(context.Background()) }()
	rows, err := c.Query(context.Background(),
		`SELECT number, at, horizon FROM shard_history WHERE NOT clean AND at >= $1 ORDER BY at`, from)
	if err != nil {
		m.t.Fatal(err)
	}
	all, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (t check.Takeover, err error) {
		var horizon int64
		err = r.Scan(&t.Shard, &t.At, &horizon)
		t.Since = horizon - horizonAhead - unrecorded - m.machine.longestMs()
		return t, err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return all
}

// endOf reads when a job ended.
func (m *torturedCluster) endOf(id domain.JobID) (int64, error) {
	return m.number(`SELECT coalesce(effective_to, 0) FROM version WHERE job_id = $1 ORDER BY number DESC LIMIT 1`,
		[16]byte(id)), nil
}

// connect connects the test itself to the database.
func (m *torturedCluster) connect() *pgx.Conn {
	c, err := pgx.Connect(context.Background(), m.url)
	if err != nil {
		m.t.Fatal(err)
	}
	return c
}

func (m *torturedCluster) exec(sql string) {
	c := m.connect()
	defer func() { _ = c.Close(context.Background()) }()
	if _, err := c.Exec(context.Background(), sql); err != nil {
		m.t.Fatal(err)
	}
}

func (m *torturedCluster) number(sql string, args ...any) (n int64) {
	c := m.connect()
	defer func() { _ = c.Close(context.Background()) }()
	if err := c.QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		m.t.Fatal(err)
	}
	return n
}

// locked does something while a statement of another session holds its locks.
func (m *torturedCluster) locked(sql string, fn func()) {
	c := m.connect()
	defer func() { _ = c.Close(context.Background()) }()
	ctx := context.Background()
	tx, err := c.Begin(ctx)
	if err == nil {
		_, err = tx.Exec(ctx, sql)
	}
	if err != nil {
		m.t.Fatal(err)
	}
	fn()
	if err := tx.Rollback(ctx); err != nil {
		m.t.Error(err)
	}
}
