package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

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

// worldConfig says what kind of server a measurement needs.
type worldConfig struct {
	env []string // settings, beside those that every server here has
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

// sizeOf returns how many bytes the files of a folder have.
func sizeOf(folder string) (bytes int64, err error) {
	err = filepath.WalkDir(folder, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	return bytes, err
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
	cfg    worldConfig
}

// world starts a server.
func (b *Bench) world(ctx context.Context, cfg worldConfig) (*world, error) {
	b.runs++
	return b.worldIn(ctx, filepath.Join(b.folder, fmt.Sprint("run-", b.runs)), cfg)
}

// worldIn starts a server on the data in a folder.
func (b *Bench) worldIn(ctx context.Context, folder string, cfg worldConfig) (*world, error) {
	w := &world{bench: b, folder: folder, cfg: cfg}
	err := w.start(ctx)
	return w, err
}

// start starts the server on the data that is there.
func (w *world) start(ctx context.Context) error {
	env := append([]string{
		"DB_PATH=" + filepath.Join(w.folder, "jobs.db"), "PORT=0", "APP_ENV=production",
	}, w.cfg.env...)
	server, err := start(ctx, w.bench.cfg.Binary, env, "serve")
	if err != nil {
		return err
	}
	w.server = server
	if w.api, err = client.New(server.url, ""); err != nil {
		return errors.Join(err, w.stop())
	}
	return nil
}

// usage is what the server has used so far.
func (w *world) usage() usage { return w.server.usage() }

// stop stops the server, if it runs.
func (w *world) stop() error {
	if w.api != nil {
		w.api.Close()
	}
	if w.server == nil {
		return nil
	}
	return w.server.stop()
}

// close stops the server and removes its data.
func (w *world) close() error { return errors.Join(w.stop(), os.RemoveAll(w.folder)) }

// importJobs registers n copies of a job.
func (w *world) importJobs(ctx context.Context, n int, spec client.Spec) error {
	_, err := w.importEach(ctx, n, func(int) client.Spec { return spec })
	return err
}

// importEach registers n jobs, of which job gives the i-th. It returns how long
// the server took.
func (w *world) importEach(ctx context.Context, n int, job func(i int) client.Spec) (took time.Duration, err error) {
	for done := 0; done < n; {
		part := min(n-done, importPart)
		var body bytes.Buffer
		out := json.NewEncoder(&body) // a job a line
		for i := range part {
			if err := out.Encode(job(done + i)); err != nil {
				return took, err
			}
		}
		mark := w.bench.cfg.Clock.Mark()
		got, err := w.api.Jobs.Import(ctx, client.Lines, &body)
		took += w.bench.cfg.Clock.Elapsed(mark)
		if err != nil {
			return took, err
		}
		if got.Imported != part {
			return took, fmt.Errorf("%d of %d jobs were refused", got.Refused, part)
		}
		done += part
	}
	return took, nil
}

// received returns what the receiver has seen since it was last reset.
func (b *Bench) received(ctx context.Context) (r receiver.Stats, err error) {
	err = b.ask(ctx, http.MethodGet, &r)
	return r, err
}

// reset clears what the receiver has counted.
func (b *Bench) reset(ctx context.Context) error { return b.ask(ctx, http.MethodDelete, nil) }

func (b *Bench) ask(ctx context.Context, method string, into any) error {
	return b.askOf(ctx, b.receiver, method, into)
}

// askOf asks a receiver for its counters.
func (b *Bench) askOf(ctx context.Context, of *process, method string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, of.url+"/stats", http.NoBody)
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
