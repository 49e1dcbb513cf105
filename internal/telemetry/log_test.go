package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The rotation keeps one goroutine per file for as long as the process lives.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("gopkg.in/natefinch/lumberjack%2ev2.(*Logger).millRun"))
}

// logger returns a log, and a function that closes it and returns what the
// console got.
func logger(t *testing.T, c LogConfig) (*slog.Logger, func() string) {
	t.Helper()
	var console bytes.Buffer
	c.Stderr = &console
	log, err := NewLogger(c)
	if err != nil {
		t.Fatal(err)
	}
	closed := false
	end := func() string {
		if !closed {
			closed = true
			if err := log.Close(); err != nil {
				t.Error(err)
			}
		}
		return console.String()
	}
	t.Cleanup(func() { end() })
	return log.Logger, end
}

func say(log *slog.Logger) {
	log.Debug("d", KeyCount, 1, KeyDuration, 1500*time.Millisecond)
	log.Info("i", KeyJobID, "j")
	log.Warn("w")
	log.Error("e", KeyError, errors.New("boom"))
	log.With("a", 1).WithGroup("g").Error("f", "b", 2)
}

// messages reads JSON lines and returns their messages, joined.
func messages(t *testing.T, text string) string {
	t.Helper()
	var got []string
	for line := range strings.Lines(text) {
		var rec struct {
			Msg, Level, Time string
		}
		if err := json.Unmarshal([]byte(line), &rec); err != nil || rec.Level == "" || rec.Time == "" {
			t.Errorf("no log record: %q (%v)", line, err)
		}
		got = append(got, rec.Msg)
	}
	return strings.Join(got, "")
}

func read(t *testing.T, elem ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestLevels(t *testing.T) {
	for level, want := range map[slog.Level][2]string{
		slog.LevelDebug: {"diwef", "ef"}, slog.LevelInfo: {"iwef", "ef"},
		slog.LevelWarn: {"wef", "ef"}, slog.LevelError: {"ef", "ef"},
	} {
		t.Run(level.String(), func(t *testing.T) {
			dir := t.TempDir()
			log, end := logger(t, LogConfig{Level: level, Dir: dir})
			say(log)
			for name, text := range map[string]string{
				"console": end(), combinedLog: read(t, dir, combinedLog),
			} {
				if got := messages(t, text); got != want[0] {
					t.Errorf("%s holds %s, want %s", name, got, want[0])
				}
			}
			if got := messages(t, read(t, dir, errorLog)); got != want[1] {
				t.Errorf("error.log holds %s, want %s", got, want[1])
			}
		})
	}
}

func TestAttributesReachTheFiles(t *testing.T) {
	dir := t.TempDir()
	log, end := logger(t, LogConfig{Dir: dir})
	say(log)
	end()
	text := read(t, dir, errorLog)
	for _, want := range []string{`"error":"boom"`, `"a":1,"g":{"b":2}`} {
		if !strings.Contains(text, want) {
			t.Errorf("error.log lacks %s:\n%s", want, text)
		}
	}
}

func TestDurationsAreReadable(t *testing.T) {
	log, end := logger(t, LogConfig{Level: slog.LevelDebug})
	say(log)
	if got := end(); !strings.Contains(got, `"count":1,"duration":"1.5s"`) {
		t.Errorf("the duration is not text: %s", got)
	}
}

func TestDevelopmentIsForPeople(t *testing.T) {
	log, end := logger(t, LogConfig{Development: true})
	say(log)
	if got := end(); !strings.Contains(got, "\x1b[") || strings.Contains(got, "{") || !strings.Contains(got, "boom") {
		t.Errorf("no coloured text: %q", got)
	}
	plain, end := logger(t, LogConfig{Development: true, NoColor: true})
	say(plain)
	if got := end(); strings.Contains(got, "\x1b[") || strings.Count(got, "\n") != 4 {
		t.Errorf("no plain text: %q", got)
	}
}

func TestFilesArePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "logs")
	log, end := logger(t, LogConfig{Dir: dir})
	log.Error("x")
	end()
	for path, want := range map[string]fs.FileMode{
		dir: fs.ModeDir | 0o700, filepath.Join(dir, combinedLog): 0o600, filepath.Join(dir, errorLog): 0o600,
	} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode(), want)
		}
	}
}

func TestFilesAreAppendedTo(t *testing.T) {
	dir := t.TempDir()
	for _, msg := range []string{"a", "b"} {
		log, err := NewLogger(LogConfig{Dir: dir, Stderr: &bytes.Buffer{}})
		if err != nil {
			t.Fatal(err)
		}
		log.Info(msg)
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := messages(t, read(t, dir, combinedLog)); got != "ab" {
		t.Errorf("the log holds %q", got)
	}
}

// TestRotationIsBounded writes more than all kept files can hold.
func TestRotationIsBounded(t *testing.T) {
	dir := t.TempDir()
	const size = 1 << 20
	f, err := openLog(filepath.Join(dir, combinedLog), size)
	if err != nil {
		t.Fatal(err)
	}
	if f.MaxBackups != MaxLogBackups || !f.Compress {
		t.Errorf("%d backups, compressed %v", f.MaxBackups, f.Compress)
	}
	f.Compress = false // it goes on in the background, where the folder would be missing
	line := bytes.Repeat([]byte("x"), size/2-1)
	for range 4 * (MaxLogBackups + 2) {
		if _, err := f.Write(append(line, '\n')); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, combinedLog))
	if err != nil || info.Size() > size {
		t.Errorf("the current file has %d bytes (%v), the bound is %d", info.Size(), err, size)
	}
	old, err := filepath.Glob(filepath.Join(dir, "combined-*"))
	if err != nil || len(old) == 0 {
		t.Errorf("nothing was rotated (%v)", err)
	}
}

func TestFoldersThatCannotBeUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	taken := t.TempDir()
	if err := os.Mkdir(filepath.Join(taken, errorLog), 0o700); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		file:  "log folder " + file + ": not a directory",
		taken: "log file " + filepath.Join(taken, errorLog) + ": is a directory",
	} {
		_, err := NewLogger(LogConfig{Dir: dir, Stderr: &bytes.Buffer{}})
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	if _, err := NewLogger(LogConfig{}); err == nil {
		t.Error("a logger without a console was made")
	}
}
