package telemetry

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

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
	Metrics     *Metrics // counts lines that are lost; nil: nobody does
}

// Validate checks that there is somewhere to write to.
func (c LogConfig) Validate() error {
	if c.Stderr == nil {
		return errors.New("telemetry: LogConfig.Stderr is required")
	}
	return nil
}

// Log is a logger that never makes its caller wait, and the outputs behind it.
type Log struct {
	*slog.Logger
	outputs []*output
	files   []*logFile
}

// NewLogger returns a logger. The error names the folder when it cannot be
// written to. Close the log when nobody logs any more.
func NewLogger(c LogConfig) (*Log, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Dir != "" {
		if err := os.MkdirAll(c.Dir, 0o700); err != nil {
			return nil, fmt.Errorf("log folder %s: %w", c.Dir, reason(err))
		}
	}
	l := &Log{}
	handlers := []slog.Handler{l.add(c, "stderr", c.Stderr, nil, c.console)}
	for _, f := range c.files() {
		file, err := openLog(filepath.Join(c.Dir, f.name), MaxLogBytes)
		if err != nil {
			return nil, errors.Join(err, l.Close())
		}
		l.files = append(l.files, file)
		handlers = append(handlers, l.add(c, f.name, file, file.reopen, func(w io.Writer) slog.Handler {
			return jsonHandler(w, f.level)
		}))
	}
	l.Logger = slog.New(NameRequests(slog.NewMultiHandler(handlers...)))
	return l, nil
}

// fileOf is a log file and the least level of its lines.
type fileOf struct {
	name  string
	level slog.Level
}

func (c LogConfig) files() []fileOf {
	if c.Dir == "" {
		return nil
	}
	return []fileOf{{combinedLog, c.Level}, {errorLog, max(c.Level, slog.LevelError)}}
}

// add returns a handler that writes to a new output.
func (l *Log) add(c LogConfig, name string, to io.Writer, reopen func() error,
	handler func(io.Writer) slog.Handler) slog.Handler {
	o := &output{name: name, to: to, reopen: reopen, count: func(int64) {}}
	if c.Metrics != nil {
		lost := c.Metrics.LogDropped.WithLabelValues(name)
		o.count = func(lines int64) { lost.Add(float64(lines)) }
	}
	o.notice = func(lines int64) []byte {
		var line bytes.Buffer
		slog.New(handler(&line)).Error("log lines were dropped: the output did not accept them", "output", name,
			KeyCount, lines)
		return line.Bytes()
	}
	l.outputs = append(l.outputs, o.start())
	return handler(o)
}

// Reopen opens the log files anew before their next line, as a program that
// rotates them asks for. It does not wait.
func (l *Log) Reopen() {
	for _, o := range l.outputs {
		o.openAnew()
	}
}

// Warning says which outputs do not take lines, and why; empty: all do.
func (l *Log) Warning() string {
	var out []string
	for _, o := range l.outputs {
		if w := o.warning(); w != "" {
			out = append(out, w)
		}
	}
	return strings.Join(out, "; ")
}

// Close writes what waits, for at most [FlushGrace], and closes the files. A
// file whose output is still stuck is left to the end of the process.
func (l *Log) Close() error {
	grace := time.NewTimer(FlushGrace)
	defer grace.Stop()
	for _, o := range l.outputs {
		o.finish()
	}
	for _, o := range l.outputs {
		select {
		case <-o.finished:
		case <-grace.C:
			return nil
		}
	}
	errs := make([]error, len(l.files))
	for i, f := range l.files {
		errs[i] = f.reopen()
	}
	return errors.Join(errs...)
}

func (c LogConfig) console(w io.Writer) slog.Handler {
	if c.Development {
		return tint.NewTextHandler(w, &tint.Options{
			Level: c.Level, TimeFormat: "15:04:05.000", NoColor: c.NoColor,
		})
	}
	return jsonHandler(w, c.Level)
}

// jsonHandler writes durations as text ("1.5s"): slog's own nanoseconds look
// like any other number.
func jsonHandler(w io.Writer, level slog.Level) slog.Handler {
	return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Value.Kind() == slog.KindDuration {
				a.Value = slog.StringValue(a.Value.Duration().String())
			}
			return a
		}})
}

// openLog returns a rotated file after it has been opened once, so that a
// folder without room or rights is reported now and not with the first line. A
// named pipe is refused: to open it waits for a reader.
func openLog(path string, maxBytes int) (*logFile, error) {
	if info, err := os.Stat(path); err == nil && info.Mode()&os.ModeNamedPipe != 0 {
		return nil, fmt.Errorf("log file %s: is a named pipe: a log file has to be a file", path)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("log file %s: %w", path, reason(err))
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("log file %s: %w", path, reason(err))
	}
	return &logFile{Logger: &lumberjack.Logger{
		Filename: path, MaxSize: cmp.Or(maxBytes>>20, 1), MaxBackups: MaxLogBackups, Compress: true,
	}}, nil
}
