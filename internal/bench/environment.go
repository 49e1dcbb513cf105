package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

// Config says what to measure with.
type Config struct {
	Binary   string   // the belfry to measure
	Server   string   // the belfry whose server is measured; empty: Binary
	Settings []string // environment variables of the servers, NAME=VALUE
	Folder   string   // for the databases; a temporary one when empty
	// Database is the URL of a PostgreSQL server, on which the databases are made; empty: they are
	// files in Folder.
	Database string
	Clock    clock.Clock
	Log      io.Writer // progress, a line each; nil: none
}

// environment is shared by all measurements: the binary under measurement, a folder for
// its databases, and a receiver.
type environment struct {
	cfg      Config
	folder   string
	ours     bool // the folder was made for the bench
	receiver *receiverProcess
	runs     int
}

// newEnvironment starts the receiver.
func newEnvironment(ctx context.Context, cfg Config) (*environment, error) {
	if cfg.Binary == "" || cfg.Clock == nil {
		return nil, errors.New("bench: Binary and Clock are required")
	}
	if cfg.Log == nil {
		cfg.Log = io.Discard
	}
	e := &environment{cfg: cfg, folder: cfg.Folder}
	if e.folder == "" {
		folder, err := os.MkdirTemp("", "belfry-bench-")
		if err != nil {
			return nil, err
		}
		e.folder, e.ours = folder, true
	}
	r, err := startReceiver(ctx, cfg.Binary, "--quiet")
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	e.receiver = r
	return e, nil
}

// close ends the receiver and removes what was made.
func (e *environment) close() error {
	var err error
	if e.receiver != nil {
		err = e.receiver.stop()
	}
	if e.ours {
		err = errors.Join(err, os.RemoveAll(e.folder))
	}
	return err
}

func (e *environment) say(format string, args ...any) {
	_, _ = fmt.Fprintf(e.cfg.Log, format+"\n", args...)
}
