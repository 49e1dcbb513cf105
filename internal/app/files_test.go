package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

// What is said of open files: only what happened of late, and only where files are the reason.
func TestFileWarning(t *testing.T) {
	const now = int64(1_800_000_000_000)
	old := now - filesToldFor.Milliseconds()
	want, fits := newQuota(20_000, 1_000), quota{128, 100, 128}
	const at = " (last at 2027-01-15T08:00:00Z)"
	const limit = "the limit of open files is 512, and 300 are open: "
	const raise = ". Raise it (ulimit -n, LimitNOFILE= of systemd, ulimits: of compose) to 22000 or more"
	for name, tc := range map[string]struct {
		use  fileUse
		want string
	}{
		"nothing happened": {fileUse{want: want, fits: fits, limit: 512}, ""},
		"all calls": {fileUse{want: want, fits: fits, limit: 512, open: 300, calls: now},
			limit + "all of the 128 calls that it allows at a time, of 20000 configured, were in flight" + at + raise},
		"all calls, by the configuration": {fileUse{want: want, fits: want, limit: 1 << 20, calls: now}, ""},
		"all calls, long ago":             {fileUse{want: want, fits: fits, limit: 512, calls: old}, ""},
		"idle connections": {fileUse{want: want, fits: fits, limit: 512, open: 300, conns: now},
			limit + "idle connections to targets were closed since it allows 128 of 20000" + at + raise},
		"idle connections, by the configuration": {fileUse{want: want, fits: want, conns: now}, ""},
		"clients": {fileUse{want: want, fits: fits, limit: 512, open: 300, clients: now},
			limit + "it allows 100 clients at a time, of 1000 configured, and more came" + at + raise},
		"clients, by the configuration": {fileUse{want: want, fits: want, clients: now}, ""},
		"no file": {fileUse{want: want, fits: fits, limit: 512, open: 300, process: now},
			limit + "a connection could not be opened or accepted for want of a file" + at + raise},
		"no file, and the limit was enough": {fileUse{want: want, fits: want, limit: 30_000, process: now},
			"the limit of open files is 30000: a connection could not be opened or accepted for want of a file" + at +
				strings.Replace(raise, "22000", "60000", 1)},
		"an unknown limit": {fileUse{want: want, fits: fits, process: now},
			"too few open files: a connection could not be opened or accepted for want of a file" + at + raise},
		"the system": {fileUse{want: want, fits: want, system: now},
			"the system could open no further file for any process" + at +
				": raise its limit (fs.file-max), or find the process that has so many"},
		"two": {fileUse{want: want, fits: fits, limit: 512, open: 300, calls: now, process: now},
			limit + "all of the 128 calls that it allows at a time, of 20000 configured, were in flight" + at +
				"; a connection could not be opened or accepted for want of a file" + at + raise},
	} {
		if got := tc.use.warning(now); got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, tc.want)
		}
	}
}

// The log says it once, when it begins; health for as long as it was of late.
func TestFileWatch(t *testing.T) {
	var log strings.Builder
	fake := new(clock.Manual)
	w := &fileWatch{
		want: newQuota(20_000, 1_000), fits: newQuota(20_000, 1_000), clock: fake,
		log: slog.New(slog.NewTextHandler(&log, nil)), lastFull: func() int64 { return 0 },
	}
	lines := func(want int) {
		t.Helper()
		w.runOnce()
		if n := strings.Count(log.String(), "too few open files"); n != want {
			t.Errorf("%d lines, want %d:\n%s", n, want, log.String())
		}
	}
	w.failed(net.ErrClosed)
	w.noRoom(nil) // by the configuration
	w.full()
	lines(0)
	w.noRoom(&net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.EMFILE)})
	lines(1)
	w.failed(fmt.Errorf("accept: %w", errors.Join(syscall.ENFILE)))
	lines(1)
	if c := w.check(); !c.OK || !strings.Contains(c.Warning, "want of a file") ||
		!strings.Contains(c.Warning, "fs.file-max") {
		t.Errorf("%+v", c)
	}
	fake.Step(filesToldFor)
	if c := w.check(); !c.OK || c.Warning != "" {
		t.Errorf("%+v", c)
	}
	lines(1)
	w.failed(syscall.EMFILE)
	lines(2)
}
