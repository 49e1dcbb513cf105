package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
)

// ExportRate is how fast a server hands over its history to a client on the
// same machine.
type ExportRate struct {
	Rows      int64   `json:"rows"`
	Bytes     int64   `json:"bytes"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"perSecond"`
	// Memory is the largest growth of the server's resident memory in bytes, measured
	// every 64 MiB of the export; zero if it cannot be measured.
	Memory int64 `json:"memory"`
}

// memoryLook is how many bytes of an export lie between two measurements of the server's
// memory.
const memoryLook = 64 << 20

// export starts a server on the history and exports its last day.
func (r *historyRun) export(ctx context.Context) (err error) {
	w, err := r.worldIn(ctx, r.folder, worldConfig{env: []string{"BELFRY_RETENTION=3650d"}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.stop()) }()
	last := crowdStart.AddDate(0, 0, r.size.Days-1)
	sink := &exportSink{pid: w.server.cmd.Process.Pid, before: used(w.server.cmd.Process.Pid).rss}
	mark := r.cfg.Clock.Mark()
	_, err = w.api.Executions.Export(ctx, client.TimeRange{
		From: last.Format(time.RFC3339), To: last.AddDate(0, 0, 1).Format(time.RFC3339),
	}, sink)
	if err != nil {
		return err
	}
	took := r.cfg.Clock.Elapsed(mark)
	want := r.size.Rows - int64(r.size.Days-1)*r.crowd.perDay
	// What ended late is on record in the day before.
	if sink.rows < want*9/10 || sink.rows > want {
		return fmt.Errorf("%d executions came, want about %d", sink.rows, want)
	}
	r.out.Export = &ExportRate{
		Rows: sink.rows, Bytes: sink.bytes, Seconds: took.Seconds(), PerSecond: float64(sink.rows) / took.Seconds(),
		Memory: sink.grown,
	}
	r.say("%d rows exported, %.0f a second", sink.rows, r.out.Export.PerSecond)
	return nil
}

// exportSink counts what it is given.
type exportSink struct {
	rows, bytes   int64
	pid           int
	before, grown int64 // resident memory of the server
	next          int64 // number of bytes at which to look at it again
}

func (s *exportSink) Write(p []byte) (int, error) {
	s.rows += int64(bytes.Count(p, []byte("\n")))
	s.bytes += int64(len(p))
	if s.bytes >= s.next {
		s.next = s.bytes + memoryLook
		s.grown = max(s.grown, used(s.pid).rss-s.before)
	}
	return len(p), nil
}
