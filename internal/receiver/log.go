package receiver

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// maxPathBytes is how much of a path a line keeps; maxLineBytes is more than
// any line has.
const (
	maxPathBytes = 256
	maxLineBytes = 1024
)

// Entry is one request, which is one line of the log:
//
//	received-at scheduled-at attempt job-id execution-id path status
//
// The fields are separated by one space. "-" stands for a header that was missing.
type Entry struct {
	ReceivedAt  int64 // Unix milliseconds
	ScheduledAt int64 // Unix milliseconds; zero: the request did not say
	Attempt     int   // zero: the request did not say
	JobID       domain.JobID
	ExecutionID domain.ExecutionID
	Path        string // as sent, without the query, at most 256 bytes
	Status      int    // of the answer; zero: the connection was closed without one
}

func (v visit) appendLog(b []byte) []byte {
	b = strconv.AppendInt(b, v.ReceivedAt, 10)
	b = appendNumber(b, v.ScheduledAt)
	b = appendNumber(b, int64(v.Attempt))
	b = appendID(b, v.JobID)
	b = appendID(b, v.ExecutionID)
	b = append(b, ' ')
	b = append(b, v.Path...)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(v.Status), 10)
	return append(b, '\n')
}

func appendNumber(b []byte, n int64) []byte {
	if n == 0 {
		return append(b, " -"...)
	}
	return strconv.AppendInt(append(b, ' '), n, 10)
}

func appendID(b []byte, id [16]byte) []byte {
	if id == [16]byte{} {
		return append(b, " -"...)
	}
	b = append(hex.AppendEncode(append(b, ' '), id[:4]), '-')
	b = append(hex.AppendEncode(b, id[4:6]), '-')
	b = append(hex.AppendEncode(b, id[6:8]), '-')
	b = append(hex.AppendEncode(b, id[8:10]), '-')
	return hex.AppendEncode(b, id[10:])
}

// parseEntry reads a line without its line break.
func parseEntry(line string) (e Entry, err error) {
	f := strings.Split(line, " ")
	if len(f) != 7 {
		return e, fmt.Errorf("%d fields, not 7", len(f))
	}
	var errs [6]error
	e.ReceivedAt, errs[0] = strconv.ParseInt(f[0], 10, 64)
	e.ScheduledAt, errs[1] = parseNumber(f[1])
	attempt, err := parseNumber(f[2])
	e.Attempt, errs[2] = int(attempt), err
	if f[3] != "-" {
		e.JobID, errs[3] = domain.ParseJobID(f[3])
	}
	if f[4] != "-" {
		e.ExecutionID, errs[4] = domain.ParseExecutionID(f[4])
	}
	e.Path = f[5]
	e.Status, errs[5] = strconv.Atoi(f[6])
	return e, errors.Join(errs[:]...)
}

func parseNumber(s string) (int64, error) {
	if s == "-" {
		return 0, nil
	}
	return strconv.ParseInt(s, 10, 64)
}

// ReadLog returns the entries of a log in the order in which they were written. A last
// line without a line break is ignored, because the receiver or the machine stopped while
// it was being written. Any other error is yielded as the last element.
func ReadLog(path string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		defer func() { _ = f.Close() }() // only read
		br := bufio.NewReaderSize(f, 64<<10)
		for n := 1; ; n++ {
			line, err := br.ReadSlice('\n')
			if errors.Is(err, io.EOF) {
				return
			}
			var e Entry
			if err == nil {
				e, err = parseEntry(string(line[:len(line)-1]))
			}
			if err != nil {
				yield(Entry{}, fmt.Errorf("%s:%d: %w", path, n, err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// openLog opens a log for appending. It truncates the log after its last complete line,
// so that the next line does not become part of an incomplete one.
func openLog(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if err := cutTornLine(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func cutTornLine(f *os.File) error {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	tail := make([]byte, min(info.Size(), maxLineBytes))
	start := info.Size() - int64(len(tail))
	if _, err := f.ReadAt(tail, start); err != nil {
		return err
	}
	whole := bytes.LastIndexByte(tail, '\n') + 1
	switch {
	case whole == len(tail):
		return nil
	case whole == 0 && start > 0:
		return errors.New("the file is no receiver log")
	}
	return f.Truncate(start + int64(whole))
}
