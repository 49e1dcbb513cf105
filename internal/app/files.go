package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// filesToldFor is for how long it is told that the limit of open files was in the way. A job
// that fires every few minutes meets it again within that time.
const filesToldFor = 10 * time.Minute

// fileUse is what is known of how open files are used, and of when they were too few.
// Instants are in Unix milliseconds; zero: never.
type fileUse struct {
	want, fits quota
	limit      uint64 // of open files; zero: unknown
	open       int    // files; zero: unknown

	calls   int64 // all that fit were in flight
	conns   int64 // an idle connection was closed to make room for another one
	clients int64 // a client was sent away
	process int64 // a file could not be opened: the process may have no more
	system  int64 // the same of all processes together
}

// warning says in which way there were too few open files of late, and what to do; empty:
// there were enough. What is bounded by the configuration is no matter of files.
func (u fileUse) warning(now int64) string {
	var parts []string
	add := func(at int64, bounded bool, format string, args ...any) {
		if bounded && at > 0 && now-at < filesToldFor.Milliseconds() {
			parts = append(parts, fmt.Sprintf(format, args...)+" (last at "+
				time.UnixMilli(at).UTC().Format(time.RFC3339)+")")
		}
	}
	add(u.calls, u.fits.calls < u.want.calls, "all of the %d calls that it allows at a time, of %d configured, "+
		"were in flight", u.fits.calls, u.want.calls)
	add(u.conns, u.fits.conns < u.want.conns, "idle connections to targets were closed since it allows %d of %d",
		u.fits.conns, u.want.conns)
	add(u.clients, u.fits.clients < u.want.clients, "it allows %d clients at a time, of %d configured, and more came",
		u.fits.clients, u.want.clients)
	add(u.process, true, "a connection could not be opened or accepted for want of a file")
	var out []string
	if len(parts) > 0 {
		out = append(out, u.describe()+": "+strings.Join(parts, "; ")+". "+u.advice())
	}
	parts = nil
	add(u.system, true, "the system could open no further file for any process")
	if len(parts) > 0 {
		out = append(out, parts[0]+": raise its limit (fs.file-max), or find the process that has so many")
	}
	return strings.Join(out, "; ")
}

func (u fileUse) describe() string {
	switch {
	case u.limit == 0:
		return "too few open files"
	case u.open == 0:
		return fmt.Sprintf("the limit of open files is %d", u.limit)
	}
	return fmt.Sprintf("the limit of open files is %d, and %d are open", u.limit, u.open)
}

// advice says what the limit should be. Where it is that already, something else takes files.
func (u fileUse) advice() string {
	enough := uint64(u.want.files())
	if u.limit >= enough {
		enough = 2 * u.limit
	}
	return fmt.Sprintf("Raise it (ulimit -n, LimitNOFILE= of systemd, ulimits: of compose) to %d or more", enough)
}

// fileWatch tells when the limit of open files is in the way.
type fileWatch struct {
	want, fits quota
	clock      clock.Clock
	log        *slog.Logger
	lastFull   func() int64 // of all calls, in Unix milliseconds; zero: never

	conns, clients, process, system atomic.Int64 // as in fileUse
	told                            bool
}

// noRoom notes why a connection to a target had too little room: see executor.Metrics.
func (w *fileWatch) noRoom(err error) {
	if err == nil {
		w.conns.Store(clock.NowMs(w.clock))
		return
	}
	w.failed(err)
}

// failed notes an error, if it says that there are too few files.
func (w *fileWatch) failed(err error) {
	switch {
	case errors.Is(err, syscall.EMFILE):
		w.process.Store(clock.NowMs(w.clock))
	case errors.Is(err, syscall.ENFILE):
		w.system.Store(clock.NowMs(w.clock))
	}
}

// full notes that a client was sent away.
func (w *fileWatch) full() { w.clients.Store(clock.NowMs(w.clock)) }

func (w *fileWatch) warning() string {
	u := fileUse{
		want: w.want, fits: w.fits, calls: w.lastFull(), conns: w.conns.Load(), clients: w.clients.Load(),
		process: w.process.Load(), system: w.system.Load(),
	}
	now := clock.NowMs(w.clock)
	if u.warning(now) == "" {
		return "" // mostly, and files need not be counted
	}
	u.limit, u.open = raiseOpenFiles(0), countOpenFiles()
	return u.warning(now)
}

// check warns of too few open files. It does not fail: most of the jobs run.
func (w *fileWatch) check() domain.Check {
	return domain.Check{Name: "files", OK: true, Warning: w.warning()}
}

// run logs when the limit begins to be in the way.
func (w *fileWatch) run(ctx context.Context) {
	for {
		w.runOnce()
		if !clock.Wait(ctx, watchEvery) {
			return
		}
	}
}

func (w *fileWatch) runOnce() {
	text := w.warning()
	if text != "" && !w.told {
		w.log.Warn("there are too few open files", telemetry.KeyReason, text)
	}
	w.told = text != ""
}
