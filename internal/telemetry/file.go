package telemetry

import (
	"fmt"
	"os"

	"gopkg.in/natefinch/lumberjack.v2"
)

// logFile is a rotated file that is reopened when it is no longer what its
// name stands for: it was removed or moved away, or its folder was. Only the
// goroutine of its output uses it.
type logFile struct {
	*lumberjack.Logger
	known os.FileInfo // of the file that is open; nil: not known
}

// Write implements io.Writer. It looks for the file each time: a stat is cheap
// beside the write, and one write takes all lines that wait.
func (f *logFile) Write(p []byte) (int, error) {
	if f.known != nil {
		if now, err := os.Stat(f.Filename); err != nil || !os.SameFile(now, f.known) {
			_ = f.reopen() // a fault of closing a file that is gone changes nothing
		}
	}
	n, err := f.Logger.Write(p)
	if err == nil && f.known == nil {
		f.known, _ = os.Stat(f.Filename) // without it the next write looks again
	}
	return n, err
}

// reopen closes the file; the next write opens it under its name.
func (f *logFile) reopen() error {
	f.known = nil
	if err := f.Logger.Close(); err != nil {
		return fmt.Errorf("log file %s: %w", f.Filename, reason(err))
	}
	return nil
}
