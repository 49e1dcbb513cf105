package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/certs/certstest"
	"github.com/belfry-scheduler/belfry/internal/receiver"
)

// link is the network between this machine and a network namespace. Each end has a fixed entry for the hardware
// address of the other one. With a wrong address the kernel sends, and what it sends is dropped at the other end
// without a word: the network is cut one way.
type link struct {
	t                   *testing.T
	namespace           string
	here, there         string // addresses
	hereMAC, thereMAC   string
	hereCard, thereCard string
}

// nobody is a hardware address that no end has.
const nobody = "02:00:00:00:00:99"

// newLink makes a namespace. It skips the test where that is not allowed.
func newLink(t *testing.T) *link {
	t.Helper()
	pid := os.Getpid()
	l := &link{t: t, namespace: fmt.Sprintf("belfry-%d", pid), here: fmt.Sprintf("10.213.%d.1", pid%250),
		there: fmt.Sprintf("10.213.%d.2", pid%250), hereMAC: "02:00:00:00:00:01", thereMAC: "02:00:00:00:00:02",
		hereCard: fmt.Sprintf("bh%d", pid), thereCard: fmt.Sprintf("bt%d", pid)}
	if out, err := exec.CommandContext(t.Context(), "ip", "netns", "add", l.namespace).CombinedOutput(); err != nil {
		t.Skipf("SKIPPED, the network is not cut one way: ip netns add: %v %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("ip", "netns", "del", l.namespace).CombinedOutput(); err != nil {
			t.Errorf("ip netns del: %v %s", err, out)
		}
	})
	l.ip("link", "add", l.hereCard, "address", l.hereMAC, "type", "veth", "peer", "name", l.thereCard, "address",
		l.thereMAC, "netns", l.namespace)
	t.Cleanup(func() { // with the namespace it goes a moment later: the next run could not make it
		if out, err := exec.Command("ip", "link", "del", l.hereCard).CombinedOutput(); err != nil {
			t.Errorf("ip link del: %v %s", err, out)
		}
	})
	l.ip("addr", "add", l.here+"/30", "dev", l.hereCard)
	l.ip("link", "set", l.hereCard, "up")
	l.ip("-n", l.namespace, "addr", "add", l.there+"/30", "dev", l.thereCard)
	l.ip("-n", l.namespace, "link", "set", l.thereCard, "up")
	l.ip("-n", l.namespace, "link", "set", "lo", "up")
	l.answers(true)
	l.requests(true)
	return l
}

func (l *link) ip(args ...string) {
	l.t.Helper()
	if out, err := exec.CommandContext(l.t.Context(), "ip", args...).CombinedOutput(); err != nil {
		l.t.Fatalf("ip %s: %v %s", strings.Join(args, " "), err, out)
	}
}

// answers lets what is sent from here arrive in the namespace, or not.
func (l *link) answers(arrive bool) {
	l.t.Helper()
	mac := map[bool]string{true: l.thereMAC, false: nobody}[arrive]
	l.ip("neigh", "replace", l.there, "lladdr", mac, "dev", l.hereCard, "nud", "permanent")
}

// requests lets what is sent from the namespace arrive here, or not.
func (l *link) requests(arrive bool) {
	l.t.Helper()
	mac := map[bool]string{true: l.hereMAC, false: nobody}[arrive]
	l.ip("-n", l.namespace, "neigh", "replace", l.here, "lladdr", mac, "dev", l.thereCard, "nud", "permanent")
}

// newTLSFront listens at a host, in front of a PostgreSQL that has a socket and no TLS, which is needed from another
// machine.
func newTLSFront(t *testing.T, host, socket string) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	certificate := certstest.New(t, "test", nil).Issue(t, nil)
	ctx, end := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				defer context.AfterFunc(ctx, func() { _ = c.Close() })()
				request := make([]byte, 8) // SSLRequest of the protocol
				if _, err := io.ReadFull(c, request); err != nil {
					return
				}
				if _, err := c.Write([]byte{'S'}); err != nil {
					return
				}
				database, err := net.Dial("unix", socket)
				if err != nil {
					return
				}
				plain := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{certificate}})
				all.Go(func() {
					_, _ = io.Copy(database, plain)
					_ = database.Close()
				})
				_, _ = io.Copy(plain, database)
				_ = database.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		end()
		all.Wait()
	})
	return listener.Addr().String()
}

// TestOneWayNetwork: two servers share the jobs, one of them in a network namespace of its own. First nothing arrives
// there any more, neither from the database nor from the target, while what it sends arrives; then the other way. The
// kernel tells the server nothing of it. The other server takes its jobs over each time and gives them back. No
// fire is lost. What is sent twice was in flight when the network was cut.
func TestOneWayNetwork(t *testing.T) {
	t.Parallel()
	l := newLink(t)
	database := newPostgres(t)
	at := database.Database(t)
	config, err := pgx.ParseConfig(at)
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(config.Host, fmt.Sprintf(".s.PGSQL.%d", config.Port))
	front := newTLSFront(t, l.here, socket)
	tg := &target{log: filepath.Join(t.TempDir(), "received.log"), t: t,
		url: "http://" + strings.Replace(freePort(t), "127.0.0.1", l.here, 1)}
	tg.resume(t)
	t.Cleanup(tg.stop)

	near := servePostgres(t, at, "BELFRY_NODE_NAME=near")
	startWith(t, "ip", "belfry is running", "address", cleanEnv("BELFRY_NODE_NAME=far", "BELFRY_ENCRYPTION_KEY="+
		postgresKey, fmt.Sprintf("DATABASE_URL=postgres://%s@%s/%s?sslmode=require", config.User, front,
		config.Database)), "netns", "exec", l.namespace, binary, "serve")
	const jobs = 60
	ids := near.importJobs(everySecond(jobs, tg.url+"/ok"))
	first := (time.Now().UnixMilli()/1000 + 2) * 1000
	fires := func() float64 { return near.metric("belfry_jobs") }
	shared := func() bool { return fires() > jobs/4 && fires() < jobs*3/4 }

	eventually(t, "two servers share the jobs", shared)
	var cuts [][2]int64
	for _, way := range []func(bool){l.answers, l.requests} {
		pass(time.Now().UnixMilli() + 2_000)
		begun := time.Now().UnixMilli()
		way(false)
		eventually(t, "the other server takes all jobs over", func() bool { return fires() == jobs })
		pass(time.Now().UnixMilli() + 2_000)
		way(true)
		cuts = append(cuts, [2]int64{begun, time.Now().UnixMilli()})
		eventually(t, "two servers share the jobs again", shared)
	}
	last := (time.Now().UnixMilli()/1000 + 1) * 1000
	pass(last)
	got := tg.waitFor(t, ids, first, last)
	got.check(t, ids, first, last, func(got []receiver.Entry) bool { return inFlight(got, cuts) })
	checkRecord(t, near, ids, first, last)
}

// unrecordedMs is how long before a cut a call may have been sent whose result did not reach the database: until the
// horizon no beat is needed to send.
const unrecordedMs = 4_000

// inFlight reports whether a fire that was sent several times was in flight when the network was cut.
func inFlight(got []receiver.Entry, cuts [][2]int64) bool {
	for _, c := range cuts {
		if at := got[0].ScheduledAt; at > c[0]-unrecordedMs && at < c[0]+unrecordedMs {
			return true
		}
	}
	return false
}
