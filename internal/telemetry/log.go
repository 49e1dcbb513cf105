package telemetry

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/lmittmann/tint"
	"gopkg.in/natefinch/lumberjack.v2"
)

// Bounds of the log files. At most (MaxLogBackups+1) * MaxLogBytes of each of
// the two are on disk: 600 MiB in all before compression.
const (
	MaxLogBytes   = 50 << 20
	MaxLogBackups = 5

	combinedLog = "combined.log"
	errorLog    = "error.log"
)

// LogConfig says where log lines go and how they look.
type LogConfig struct {
	Level       slog.Level
	Dir         string // folder of the log files; empty: none
	Development bool   // coloured text on Stderr instead of JSON
	NoColor     bool   // text without colour
	Stderr      io.Writer
}

// Validate checks that there is somewhere to write to.
func (c LogConfig) Validate() error {
	if c.Stderr == nil {
		return errors.New("telemetry: LogConfig.Stderr is required")
	}
	return nil
}

// NewLogger returns a logger and what closes its files. The error names the
// folder when it cannot be written to.
func NewLogger(c LogConfig) (*slog.Logger, io.Closer, error) {
	if err := c.Validate(); err != nil {
		return nil, nil, err
	}
	handlers := []slog.Handler{c.console()}
	var files closers
	if c.Dir != "" {
		if err := os.MkdirAll(c.Dir, 0o700); err != nil {
			return nil, nil, fmt.Errorf("log folder %s: %w", c.Dir, reason(err))
		}
		for name, level := range map[string]slog.Level{combinedLog: c.Level, errorLog: max(c.Level, slog.LevelError)} {
			f, err := openLog(filepath.Join(c.Dir, name), MaxLogBytes)
			if err != nil {
				return nil, nil, errors.Join(err, files.Close())
			}
			files = append(files, f)
			handlers = append(handlers, jsonHandler(f, level))
		}
	}
	return slog.New(slog.NewMultiHandler(handlers...)), files, nil
}

func (c LogConfig) console() slog.Handler {
	if c.Development {
		return tint.NewTextHandler(c.Stderr, &tint.Options{
			Level: c.Level, TimeFormat: "15:04:05.000", NoColor: c.NoColor,
		})
	}
	return jsonHandler(c.Stderr, c.Level)
}

// jsonHandler writes durations as text ("1.5s"): slog's own nanoseconds look
// like any other number.
func jsonHandler(w io.Writer, level slog.Level) slog.Handler {
	return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Value.Kind() == slog.KindDuration {
			a.Value = slog.StringValue(a.Value.Duration().String())
		}
		return a
	}})
}

// openLog returns a rotated file after it has been opened once, so that a
// folder without room or rights is reported now and not with the first line.
func openLog(path string, maxBytes int) (*lumberjack.Logger, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("log file %s: %w", path, reason(err))
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("log file %s: %w", path, reason(err))
	}
	return &lumberjack.Logger{
		Filename: path, MaxSize: cmp.Or(maxBytes>>20, 1), MaxBackups: MaxLogBackups, Compress: true,
	}, nil
}

// reason drops the path from an error about a file: the caller names it.
func reason(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// closers closes all of several things.
type closers []io.Closer

// Close implements io.Closer.
func (c closers) Close() error {
	errs := make([]error, len(c))
	for i, each := range c {
		errs[i] = each.Close()
	}
	return errors.Join(errs...)
}
