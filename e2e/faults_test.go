package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/sim/check"
)

// fault is one fault injected into a server under load. When inject returns, the fault
// is over and the server runs.
type fault struct {
	name   string
	inject func(m *torturedServer)
	disk   bool // it needs a file system of its own
}

var (
	killFault = fault{"kill", (*torturedServer).killed, false}

	otherFaults = []fault{
		{"rolling restart", (*torturedServer).restarted, false},
		{"second process", (*torturedServer).secondProcess, false},
		{"dead receiver", (*torturedServer).targetDown, false},
		{"full disk", (*torturedServer).diskFull, true},
		{"read-only database", (*torturedServer).readOnlyFiles, true},
		{"data moved away", (*torturedServer).dataMoved, false},
		{"log that is not read", (*torturedServer).logStuck, false},
		{"log without a reader", (*torturedServer).logGone, false},
		{"zone data of another release", (*torturedServer).otherZoneData, false},
		{"frozen", (*torturedServer).frozen, false},
		{"frozen, then killed", (*torturedServer).frozenAndKilled, false},
	}
)

// faultAt chooses the fault with a number: in a short torture each kind comes
// once after two kills, in a long one every fifth fault is one of the others.
func faultAt(i, of int) fault {
	if of < 4*len(otherFaults) {
		if i >= 2 && i-2 < len(otherFaults) {
			return otherFaults[i-2]
		}
		return killFault
	}
	if i%5 == 4 {
		return otherFaults[i/5%len(otherFaults)]
	}
	return killFault
}

// injectFault injects one fault while the client works, and asks afterwards what became
// of the edits that it cut off.
func (m *torturedServer) injectFault(i int, b fault) {
	if b.disk && m.volume == "" {
		m.t.Logf("fault %d: %s left out: no file system can be mounted here", i, b.name)
		return
	}
	began := time.Now()
	busy := make(chan struct{})
	go func() { // calls that the fault cuts off
		defer close(busy)
		for range 5 {
			m.act()
		}
	}()
	b.inject(m)
	<-busy
	m.counts[b.name]++
	m.t.Logf("fault %d: %s, %d ms", i, b.name, time.Since(began).Milliseconds())
	m.resolveUnanswered()
}

// outage notes a time at which the server did not work. It ends now.
func (m *torturedServer) outage(from time.Time) {
	to := time.Now().UnixMilli()
	m.outages = append(m.outages, check.Outage{From: from.UnixMilli(), To: to}, check.Outage{From: to, To: to})
}

// markIdle notes an instant at which the server was not running: a request before it
// may be repeated after it. The beginning and the end of an outage are no such
// instants, since the one may be noted too early and the other too late.
func (m *torturedServer) markIdle() {
	now := time.Now().UnixMilli()
	m.outages = append(m.outages, check.Outage{From: now, To: now})
}

// start starts the server again after a random pause.
func (m *torturedServer) start() {
	m.markIdle()
	m.mu.Lock() // the client is at work
	pause := m.random.Int64N(1500)
	m.mu.Unlock()
	pass(time.Now().UnixMilli() + pause)
	m.starts = append(m.starts, time.Now().UnixMilli())
	p := serve(m.t, m.dir, m.env...)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.p = p
}

func (m *torturedServer) killed() {
	from := time.Now()
	m.p.kill()
	m.start()
	m.outage(from)
}

func (m *torturedServer) restarted() {
	from := time.Now()
	if code := m.p.terminate(); code != 0 {
		m.t.Errorf("exit code %d after SIGTERM", code)
	}
	m.start()
	m.outage(from)
}

// changedZone is the zone of every third job. Their schedules have every
// second, so that no rule moves a fire.
const changedZone = "Europe/Berlin"

// otherZoneData kills the server and starts it with other rules of a zone that jobs
// have.
func (m *torturedServer) otherZoneData() {
	m.releases++
	rules := []string{"Europe/Berlin", "Asia/Tokyo", "America/St_Johns"}[m.releases%3]
	data := zoneData(m.t, fmt.Sprintf("test %d", m.releases), map[string]string{"UTC": "UTC", changedZone: rules})
	m.env = append(m.env, "BELFRY_ZONEINFO="+data)
	m.killed()
	if !strings.Contains(m.p.log(), "the rules of a time zone have changed") {
		m.t.Errorf("the change of rules with data %d is not told", m.releases)
	}
}

// frozen stops the process for longer than the horizon, as a machine that is
// suspended or starved does, and resumes it.
func (m *torturedServer) frozen() {
	from := time.Now()
	m.signal(syscall.SIGSTOP)
	pass(from.UnixMilli() + 10_000)
	m.markIdle()
	m.signal(syscall.SIGCONT)
	m.outage(from)
	m.freezes = append(m.freezes, check.Outage{From: from.UnixMilli(), To: time.Now().UnixMilli()})
	m.waitHealthy()
}

func (m *torturedServer) frozenAndKilled() {
	m.frozen()
	m.killed()
}

// secondProcess starts a second server on the same data. It must end with a clear
// message and not disturb the first.
func (m *torturedServer) secondProcess() {
	code, stderr := run(m.t, cleanEnv("DB_PATH="+filepath.Join(m.dir, "jobs.db")), "serve")
	if want := fmt.Sprint(m.p.cmd.Process.Pid); code != 1 || !strings.Contains(stderr, want) {
		m.t.Errorf("a second server on the same data: exit code %d, want 1 and the number %s of the first:\n%s",
			code, want, stderr)
	}
	m.waitHealthy()
}

// targetDown stops the target for longer than the retries last. What used up its
// retries in that time is FAILED; all else must reach the target.
func (m *torturedServer) targetDown() {
	from := time.Now().UnixMilli()
	m.target.stop()
	pass(from + 8_000)
	m.target.resume(m.t)
	m.targetOutages = append(m.targetOutages, check.Outage{From: from, To: time.Now().UnixMilli()})
}

// diskFull fills the disk, and makes room again once the server has said that it
// cannot record.
func (m *torturedServer) diskFull() {
	filler := filepath.Join(m.volume, "ballast")
	m.whileUnhealthy("full", func() { fill(m.t, filler) }, func() {
		if err := os.Remove(filler); err != nil {
			m.t.Error(err)
		}
	})
}

// readOnlyFiles makes every file of the database immutable except the -shm files; on
// ext4 that refuses writes through open descriptors too. The -shm files are mapped
// into memory, and Linux ends a process with SIGBUS when it writes to the mapping of
// an immutable file.
func (m *torturedServer) readOnlyFiles() {
	flag := func(how string) {
		files, err := filepath.Glob(filepath.Join(m.dir, "*"))
		days, _ := filepath.Glob(filepath.Join(m.dir, "history", "*"))
		if err != nil || len(files) == 0 {
			m.t.Errorf("files of the database: %v, %v", files, err)
		}
		for _, f := range append(files, days...) {
			if info, err := os.Stat(f); err != nil || info.IsDir() || strings.HasSuffix(f, "-shm") {
				continue // or a log that was deleted meanwhile
			}
			if out, err := exec.Command("chattr", how, f).CombinedOutput(); err != nil {
				m.t.Errorf("chattr %s: %v: %s", how, err, out)
			}
		}
	}
	m.whileUnhealthy("read-only", func() { flag("+i") }, func() { flag("-i") })
}

// dataMoved moves the folder of data away and back. Nothing that was acknowledged
// meanwhile may be missing afterwards, and nothing may come twice.
func (m *torturedServer) dataMoved() {
	rename := func(from, to string) {
		if err := os.Rename(from, to); err != nil {
			m.t.Error(err)
		}
	}
	away := m.dir + ".away"
	m.whileUnhealthy("moved away", func() { rename(m.dir, away) }, func() { rename(away, m.dir) })
}

// whileUnhealthy breaks something that the server needs, waits until the server reports
// it and three seconds longer, mends it, and waits until the server is healthy again.
func (m *torturedServer) whileUnhealthy(what string, breakIt, mendIt func()) {
	breakIt()
	mended := false
	defer func() {
		if !mended { // a test that gave up must not keep the mount
			mendIt()
		}
	}()
	eventually(m.t, "health tells that the disk is "+what, func() bool { return !m.isHealthy() })
	pass(time.Now().UnixMilli() + 3_000)
	mendIt()
	mended = true
	m.waitHealthy()
}

func (m *torturedServer) isHealthy() bool {
	status, _ := ask(m.t, "GET", m.p.url+"/readyz", "", "")
	return status == 200
}

func (m *torturedServer) waitHealthy() {
	m.t.Helper()
	eventually(m.t, "the server is healthy again", m.isHealthy)
}

// fill writes a file until the disk takes no more.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size >= 512; size /= 2 {
		for block := make([]byte, size); ; {
			if _, err := f.Write(block); err != nil {
				break
			}
		}
	}
}

// volume mounts an ext4 file system of its own, or returns "" where that is not
// permitted.
func volume(t *testing.T) string {
	t.Helper()
	image, dir := filepath.Join(t.TempDir(), "volume.img"), t.TempDir()
	f, err := os.Create(image)
	if err != nil {
		t.Fatal(err)
	}
	err = f.Truncate(1 << 30)
	_ = f.Close()
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"mkfs.ext4", "-q", "-m", "0", image}, {"mount", "-o", "loop", image, dir},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Logf("%v: %v: %s", args, err, out)
			return ""
		}
	}
	t.Cleanup(func() { // after the server, which is stopped by a later cleanup
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Logf("umount: %v: %s", err, out)
		}
	})
	return dir
}
