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

// blow is one bad thing that happens to a server under load. What it does to
// the process or to what the process stands on is over when it returns, and
// the server runs.
type blow struct {
	name string
	hit  func(m *martyr)
	disk bool // it needs a file system of its own
}

var (
	killBlow = blow{"kill", (*martyr).killed, false}

	otherBlows = []blow{
		{"rolling restart", (*martyr).restarted, false},
		{"second process", (*martyr).doubled, false},
		{"dead receiver", (*martyr).deserted, false},
		{"full disk", (*martyr).stuffed, true},
		{"read-only database", (*martyr).sealed, true},
		{"data moved away", (*martyr).moved, false},
		{"log that is not read", (*martyr).logStuck, false},
		{"log without a reader", (*martyr).logGone, false},
		{"zone data of another release", (*martyr).rezoned, false},
		{"frozen", (*martyr).frozen, false},
		{"frozen, then killed", (*martyr).frozenAndKilled, false},
	}
)

// blowAt chooses the blow with a number: in a short torture each kind comes
// once after two kills, in a long one every fifth blow is one of the others.
func blowAt(i, of int) blow {
	if of < 4*len(otherBlows) {
		if i >= 2 && i-2 < len(otherBlows) {
			return otherBlows[i-2]
		}
		return killBlow
	}
	if i%5 == 4 {
		return otherBlows[i/5%len(otherBlows)]
	}
	return killBlow
}

// strike does one blow while the client works on, and asks afterwards what
// became of the edits that it cut off.
func (m *martyr) strike(i int, b blow) {
	if b.disk && m.volume == "" {
		m.t.Logf("blow %d: %s left out: no file system can be mounted here", i, b.name)
		return
	}
	began := time.Now()
	busy := make(chan struct{})
	go func() { // calls that the blow cuts off
		defer close(busy)
		for range 5 {
			m.act()
		}
	}()
	b.hit(m)
	<-busy
	m.counts[b.name]++
	m.t.Logf("blow %d: %s, %d ms", i, b.name, time.Since(began).Milliseconds())
	m.clarify()
}

// outage notes a time at which the server did not work. It ends now.
func (m *martyr) outage(from time.Time) {
	to := time.Now().UnixMilli()
	m.outages = append(m.outages, check.Outage{From: from.UnixMilli(), To: to}, check.Outage{From: to, To: to})
}

// dead notes an instant at which the server did nothing. What came before may come
// again after it; that an outage begins and ends may be noted too early and too
// late to lie between the two.
func (m *martyr) dead() {
	now := time.Now().UnixMilli()
	m.outages = append(m.outages, check.Outage{From: now, To: now})
}

// start starts the server again after a random pause.
func (m *martyr) start() {
	m.dead()
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

func (m *martyr) killed() {
	from := time.Now()
	m.p.kill()
	m.start()
	m.outage(from)
}

func (m *martyr) restarted() {
	from := time.Now()
	if code := m.p.terminate(); code != 0 {
		m.t.Errorf("exit code %d after SIGTERM", code)
	}
	m.start()
	m.outage(from)
}

// zoneOfMartyrs is the zone of every third job. Their schedules have every
// second, so that no rule moves a fire.
const zoneOfMartyrs = "Europe/Berlin"

// rezoned kills the server and starts it with other rules of a zone that jobs
// have.
func (m *martyr) rezoned() {
	m.releases++
	rules := []string{"Europe/Berlin", "Asia/Tokyo", "America/St_Johns"}[m.releases%3]
	data := zoneData(m.t, fmt.Sprintf("test %d", m.releases), map[string]string{"UTC": "UTC", zoneOfMartyrs: rules})
	m.env = append(m.env, "BELFRY_ZONEINFO="+data)
	m.killed()
	if !strings.Contains(m.p.log(), "the rules of a time zone have changed") {
		m.t.Errorf("the change of rules with data %d is not told", m.releases)
	}
}

// frozen stops the process for longer than the horizon, as a machine that is
// suspended or starved does, and lets it go on.
func (m *martyr) frozen() {
	from := time.Now()
	m.signal(syscall.SIGSTOP)
	pass(from.UnixMilli() + 10_000)
	m.dead()
	m.signal(syscall.SIGCONT)
	m.outage(from)
	m.healthy()
}

func (m *martyr) frozenAndKilled() {
	m.frozen()
	m.killed()
}

// doubled starts a second server on the same data. It must leave with a clear
// word and not disturb the first.
func (m *martyr) doubled() {
	code, stderr := run(m.t, cleanEnv("DB_PATH="+filepath.Join(m.dir, "jobs.db")), "serve")
	if want := fmt.Sprint(m.p.cmd.Process.Pid); code != 1 || !strings.Contains(stderr, want) {
		m.t.Errorf("a second server on the same data: exit code %d, want 1 and the number %s of the first:\n%s", code, want, stderr)
	}
	m.healthy()
}

// deserted ends the target for longer than the retries go on. What used up its
// retries in that time is FAILED; all else must reach the target.
func (m *martyr) deserted() {
	from := time.Now().UnixMilli()
	m.target.stop()
	pass(from + 8_000)
	m.target.resume(m.t)
	m.deserts = append(m.deserts, check.Outage{From: from, To: time.Now().UnixMilli()})
}

// stuffed fills the disk, and makes room again once the server has said that it
// cannot record.
func (m *martyr) stuffed() {
	ballast := filepath.Join(m.volume, "ballast")
	m.unwell("full", func() { fill(m.t, ballast) }, func() {
		if err := os.Remove(ballast); err != nil {
			m.t.Error(err)
		}
	})
}

// sealed makes every file of the database immutable, which on ext4 refuses
// writes through open descriptors too. But for the -shm files: they are memory,
// and Linux ends a process by SIGBUS that writes to memory of an immutable file.
func (m *martyr) sealed() {
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
	m.unwell("read-only", func() { flag("+i") }, func() { flag("-i") })
}

// moved moves the folder of data away and back. Nothing that was acknowledged
// meanwhile may be missing afterwards, and nothing may come twice.
func (m *martyr) moved() {
	rename := func(from, to string) {
		if err := os.Rename(from, to); err != nil {
			m.t.Error(err)
		}
	}
	away := m.dir + ".away"
	m.unwell("moved away", func() { rename(m.dir, away) }, func() { rename(away, m.dir) })
}

// unwell breaks what the server stands on, waits until it says that it is not
// well and a moment longer, mends it, and waits until all is well.
func (m *martyr) unwell(what string, breakIt, mendIt func()) {
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
	m.healthy()
}

func (m *martyr) isHealthy() bool {
	status, _ := ask(m.t, "GET", m.p.url+"/readyz", "", "")
	return status == 200
}

func (m *martyr) healthy() {
	m.t.Helper()
	eventually(m.t, "the server is well again", m.isHealthy)
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
