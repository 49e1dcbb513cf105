package telemetry

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// gatedWriter blocks while it is shut, and fails while it has an error.
type gatedWriter struct {
	mu   sync.Mutex
	got  bytes.Buffer
	err  error
	busy chan struct{} // gets a value when a write begins
	shut chan struct{} // nil: open
}

func (w *gatedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	shut, err := w.shut, w.err
	w.mu.Unlock()
	if shut != nil {
		w.busy <- struct{}{}
		<-shut
	}
	if err != nil {
		return 0, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.got.Write(p)
}

func (w *gatedWriter) set(err error, shut chan struct{}) {
	w.mu.Lock()
	w.err, w.shut = err, shut
	w.mu.Unlock()
}

func (w *gatedWriter) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.got.String()
}

// A stuck output holds nobody up: what finds no room is dropped, counted and
// reported once the output takes lines again.
func TestStuckOutputDropsAndTells(t *testing.T) {
	to := &gatedWriter{busy: make(chan struct{}, 100)}
	metrics := NewMetrics()
	log, err := NewLogger(LogConfig{Stderr: to, Metrics: metrics})
	if err != nil {
		t.Fatal(err)
	}
	shut := make(chan struct{})
	to.set(nil, shut)
	log.Info("first")
	<-to.busy // its write has begun and hangs
	long := strings.Repeat("x", 1000)
	const lines = 3 * maxBuffered / 1000
	for range lines {
		log.Info("line", "text", long)
	}
	if w := log.Warning(); !strings.HasPrefix(w, "stderr: it takes no more lines; ") {
		t.Errorf("warning %q", w)
	}
	to.set(nil, nil)
	close(shut)
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if w := log.Warning(); w != "" {
		t.Errorf("warning after it has recovered: %q", w)
	}
	text := to.text()
	kept := strings.Count(text, `"msg":"line"`)
	if kept < maxBuffered/1200 || kept > maxBuffered/1000 {
		t.Errorf("%d lines were kept of %d bytes", kept, maxBuffered)
	}
	told := `"msg":"log lines were dropped: the output did not accept them","output":"stderr","count":` +
		strconv.Itoa(lines-kept) + "}"
	if !strings.Contains(text, told) {
		t.Errorf("no line tells of %d dropped ones", lines-kept)
	}
	if want := `belfry_log_lines_dropped_total{output="stderr"} ` + strconv.Itoa(lines-kept) +
		"\n"; !strings.Contains(scrape(t, metrics), want) {
		t.Errorf("the metric does not count %d lines", lines-kept)
	}
}

// An output that fails loses the lines it was given, and is used again.
func TestFailingOutput(t *testing.T) {
	to := &gatedWriter{err: errors.New("broken pipe")}
	log, err := NewLogger(LogConfig{Stderr: to})
	if err != nil {
		t.Fatal(err)
	}
	o := log.outputs[0]
	log.Info("lost")
	for log.Warning() == "" { // the goroutine of the output is at work
		o.nudge()
	}
	if w := log.Warning(); w != "stderr: broken pipe; 1 lines dropped" {
		t.Errorf("warning %q", w)
	}
	to.set(nil, nil)
	log.Info("kept")
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if text := to.text(); strings.Contains(text, "lost") || !strings.Contains(text, "kept") ||
		!strings.Contains(text, `"count":1}`) {
		t.Errorf("written: %s", text)
	}
}

// The lines that a stuck output has taken over do not hold up the end.
func TestCloseDoesNotWaitForAStuckOutput(t *testing.T) {
	to := &gatedWriter{busy: make(chan struct{}, 1)}
	shut := make(chan struct{})
	to.set(nil, shut)
	log, err := NewLogger(LogConfig{Stderr: to})
	if err != nil {
		t.Fatal(err)
	}
	log.Info("stuck")
	<-to.busy
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	close(shut)
	<-log.outputs[0].finished
}

// A file that was moved away, or whose folder is gone, is reopened.
func TestRemovedFilesComeBack(t *testing.T) {
	for name, remove := range map[string]func(dir string) error{
		"file removed": func(dir string) error { return os.Remove(filepath.Join(dir, combinedLog)) },
		"file moved": func(dir string) error {
			return os.Rename(filepath.Join(dir, combinedLog),
				filepath.Join(dir, "old"))
		},
		"folder removed": os.RemoveAll,
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "logs")
			path := filepath.Join(dir, combinedLog)
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			f, err := openLog(path, MaxLogBytes)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range []string{"a\n", "b\n"} {
				if _, err := f.Write([]byte(line)); err != nil {
					t.Fatal(err)
				}
				if line == "a\n" {
					if err := remove(dir); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := f.reopen(); err != nil {
				t.Fatal(err)
			}
			if got := read(t, path); got != "b\n" {
				t.Errorf("the file holds %q", got)
			}
		})
	}
}

func TestChunksEndWithALine(t *testing.T) {
	line := strings.Repeat("x", 999) + "\n"
	for text, want := range map[string]int{
		"": 0, "a\nb\n": 4, strings.Repeat(line, 100): maxChunk / 1000 * 1000,
		strings.Repeat("x", maxChunk+5) + "\nb\n": maxChunk + 6, strings.Repeat("x", maxChunk+5): maxChunk + 5,
	} {
		if got := chunk([]byte(text)); got != want {
			t.Errorf("%d bytes: a chunk of %d, want %d", len(text), got, want)
		}
	}
}
