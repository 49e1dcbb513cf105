package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

// startTimeout is how long a process may take until it logs its address, and stopTimeout
// how long it may take to end after SIGTERM.
const (
	startTimeout = 2 * time.Minute
	stopTimeout  = time.Minute
)

// process is a belfry that runs for a measurement.
type process struct {
	cmd  *exec.Cmd
	url  string
	done chan struct{} // closed when it has ended

	mu   sync.Mutex
	tail []string // the last lines of its log
	urls []string // all that it said
}

// start runs the binary with arguments and waits until its log contains an address: a URL
// in the attribute "address" of a JSON line, or the last word of a plain line.
func start(ctx context.Context, binary string, env []string, args ...string) (*process, error) {
	// The end of the context does not end it: stop does, in good order.
	p := &process{cmd: exec.CommandContext(context.WithoutCancel(ctx), binary, args...), done: make(chan struct{})}
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	out, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	urls := make(chan string, 1)
	go func() {
		defer close(p.done)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.note(lines.Text())
			if url := addressIn(lines.Bytes()); url != "" {
				p.mu.Lock()
				p.urls = append(p.urls, url)
				p.mu.Unlock()
				select {
				case urls <- url:
				default:
				}
			}
		}
		_ = p.cmd.Wait()
	}()
	timeout := time.NewTimer(startTimeout)
	defer timeout.Stop()
	select {
	case p.url = <-urls:
		return p, nil
	case <-p.done:
		return nil, fmt.Errorf("belfry %s ended at once: %s", args[0], p.log())
	case <-ctx.Done():
		err = ctx.Err()
	case <-timeout.C:
		err = errors.New("it does not say where it listens")
	}
	return nil, errors.Join(fmt.Errorf("belfry %s: %w", args[0], err), p.stop())
}

// addressIn finds the address in a line of a log.
func addressIn(line []byte) string {
	var entry struct{ Address string }
	if json.Unmarshal(line, &entry) == nil {
		return entry.Address
	}
	for _, scheme := range []string{"http://", "https://"} {
		if i := bytes.LastIndex(line, []byte(scheme)); i >= 0 {
			return string(bytes.TrimSpace(line[i:]))
		}
	}
	return ""
}

// addresses waits until the process has logged n addresses.
func (p *process) addresses(ctx context.Context, n int) ([]string, error) {
	for range int(startTimeout / (10 * time.Millisecond)) {
		p.mu.Lock()
		urls := p.urls
		p.mu.Unlock()
		if len(urls) >= n {
			return urls, nil
		}
		if !clock.Wait(ctx, 10*time.Millisecond) {
			return nil, ctx.Err()
		}
	}
	return nil, fmt.Errorf("the receiver does not name %d addresses", n)
}

func (p *process) note(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tail = append(p.tail, line)
	p.tail = p.tail[max(0, len(p.tail)-5):]
}

func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.tail, "\n")
}

// stop ends the process gracefully, or kills it if that takes too long.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	timeout := time.NewTimer(stopTimeout)
	defer timeout.Stop()
	select {
	case <-p.done:
		return nil
	case <-timeout.C:
	}
	_ = p.cmd.Process.Kill()
	<-p.done
	return fmt.Errorf("belfry %s did not stop on SIGTERM", p.cmd.Args[1])
}

// kill ends the process as a crash would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// usage is what a process has used so far.
type usage struct {
	cpu time.Duration
	rss int64 // bytes now; zero if it cannot be measured
}

func (p *process) usage() usage { return used(p.cmd.Process.Pid) }

// ticksPerSecond is the unit of /proc/PID/stat on Linux, for every machine that
// Go runs on.
const ticksPerSecond = 100

// used reads the usage of a process from /proc; zero if there is no /proc.
func used(pid int) (u usage) {
	dir := "/proc/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return u
	}
	// The name in the second field may hold anything; what follows it may not.
	_, rest, _ := strings.Cut(string(stat), ") ")
	if f := strings.Fields(rest); len(f) > 21 {
		user, _ := strconv.ParseInt(f[11], 10, 64)
		system, _ := strconv.ParseInt(f[12], 10, 64)
		pages, _ := strconv.ParseInt(f[21], 10, 64)
		u.cpu = time.Duration(user+system) * time.Second / ticksPerSecond
		u.rss = pages * int64(os.Getpagesize())
	}
	return u
}

// until waits for an instant in Unix milliseconds on the wall clock.
func until(ctx context.Context, clk clock.Clock, at int64) error {
	if !clock.Wait(ctx, time.UnixMilli(at).Sub(clk.Now())) {
		return ctx.Err()
	}
	return nil
}
