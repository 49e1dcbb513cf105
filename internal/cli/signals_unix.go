//go:build unix

package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// harmless are signals that would end a process and have no meaning for a server. If the
// reader of a pipe is gone, the write fails (EPIPE), and the process continues.
var harmless = []os.Signal{syscall.SIGPIPE, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM, syscall.SIGVTALRM}

// serverSignals prevents signals from ending a server. SIGHUP calls hangUp, unless the
// process was started with SIGHUP ignored (nohup). The returned function restores the
// default disposition.
func serverSignals(hangUp func()) func() {
	signal.Ignore(harmless...)
	if signal.Ignored(syscall.SIGHUP) {
		return func() { signal.Reset(harmless...) }
	}
	came := make(chan os.Signal, 1)
	signal.Notify(came, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-came:
				hangUp()
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(came)
		close(done)
		signal.Reset(harmless...)
	}
}
