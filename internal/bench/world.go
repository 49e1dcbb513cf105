package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/receiver"
)

// importPart is how many jobs one request of an import registers.
const importPart = 20_000

// Config says what to measure with.
type Config struct {
	Binary string // the belfry to measure
	Folder string // for the databases; a temporary one when empty
	Clock  clock.Clock
	Log    io.Writer // progress, a line each; nil: none
}

// Bench measures. Make one with New, and Close it.
type Bench struct {
	cfg      Config
	folder   string
	ours     bool // the folder was made for the bench
	receiver *process
	http     http.Client
	runs     int
}

// New starts the receiver.
func New(ctx context.Context, cfg Config) (*Bench, error) {
	if cfg.Binary == "" || cfg.Clock == nil {
		return nil, errors.New("bench: Binary and Clock are required")
	}
	if cfg.Log == nil {
		cfg.Log = io.Discard
	}
	b := &Bench{cfg: cfg, folder: cfg.Folder}
	if b.folder == "" {
		folder, err := os.MkdirTemp("", "belfry-bench-")
		if err != nil {
			return nil, err
		}
		b.folder, b.ours = folder, true
	}
	r, err := start(ctx, cfg.Binary, nil, "receiver", "--quiet", "--addr", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	b.receiver = r
	return b, nil
}

// Close ends the receiver and removes what was made.
func (b *Bench) Close() error {
	var err error
	b.http.CloseIdleConnections()
	if b.receiver != nil {
		err = b.receiver.stop()
	}
	if b.ours {
		err = errors.Join(err, os.RemoveAll(b.folder))
	}
	return err
}

func (b *Bench) say(format string, args ...any) {
	_, _ = fmt.Fprintf(b.cfg.Log, format+"\n", args...)
}

// world is a server on an empty database, and a client of it.
type world struct {
	bench  *Bench
	server *process
	api    *client.Client
	folder string
}

// world starts a server.
func (b *Bench) world(ctx context.Context) (*world, error) {
	b.runs++
	return b.worldIn(ctx, filepath.Join(b.folder, fmt.Sprint("run-", b.runs)))
}

// worldIn starts a server on the data in a folder, with further settings.
func (b *Bench) worldIn(ctx context.Context, folder string, env ...string) (*world, error) {
	w := &world{bench: b, folder: folder}
	server, err := start(ctx, b.cfg.Binary, append(env,
		"DB_PATH="+filepath.Join(w.folder, "jobs.db"), "PORT=0", "APP_ENV=production"), "serve")
	if err != nil {
		return nil, err
	}
	w.server = server
	if w.api, err = client.New(server.url, ""); err != nil {
		return nil, errors.Join(err, w.stop())
	}
	return w, nil
}

// stop stops the server.
func (w *world) stop() error {
	if w.api != nil {
		w.api.Close()
	}
	return w.server.stop()
}

// close stops the server and removes its data.
func (w *world) close() error { return errors.Join(w.stop(), os.RemoveAll(w.folder)) }

// importJobs registers n copies of a job.
func (w *world) importJobs(ctx context.Context, n int, spec client.Spec) error {
	line, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	for n > 0 {
		part := min(n, importPart)
		got, err := w.api.Import(ctx, client.Lines, strings.NewReader(strings.Repeat(string(line), part)))
		if err != nil {
			return err
		}
		if got.Imported != part {
			return fmt.Errorf("%d of %d jobs were refused", got.Refused, part)
		}
		n -= part
	}
	return nil
}

// received returns what the receiver has seen since it was last reset.
func (b *Bench) received(ctx context.Context) (r receiver.Stats, err error) {
	err = b.ask(ctx, http.MethodGet, &r)
	return r, err
}

// reset makes the receiver forget what it has counted.
func (b *Bench) reset(ctx context.Context) error { return b.ask(ctx, http.MethodDelete, nil) }

func (b *Bench) ask(ctx context.Context, method string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, b.receiver.url+"/stats", http.NoBody)
	if err != nil {
		return err
	}
	res, err := b.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // read only
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode/100 != 2 {
		return errors.Join(err, fmt.Errorf("the receiver answered %s: %s", res.Status, bytes.TrimSpace(body)))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(body, into)
}
