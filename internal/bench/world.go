package bench

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
)

// importPart is how many jobs one request of an import creates.
const importPart = 20_000

// worldConfig says what kind of server a measurement needs.
type worldConfig struct {
	env  []string // settings, beside those that every server here has
	wrap []string // a command that runs the server, which is its last arguments; none: it runs directly
}

// world is a server on an empty database, and a client of it.
type world struct {
	env    *environment
	server *process
	api    *client.Client
	folder string
	cfg    worldConfig
}

// world starts a server.
func (e *environment) world(ctx context.Context, cfg worldConfig) (*world, error) {
	e.runs++
	return e.worldIn(ctx, filepath.Join(e.folder, fmt.Sprint("run-", e.runs)), cfg)
}

// worldIn starts a server on the data in a folder.
func (e *environment) worldIn(ctx context.Context, folder string, cfg worldConfig) (*world, error) {
	w := &world{env: e, folder: folder, cfg: cfg}
	err := w.start(ctx)
	return w, err
}

// start starts the server on the data that is there.
func (w *world) start(ctx context.Context) error {
	env := append([]string{
		"DB_PATH=" + filepath.Join(w.folder, "jobs.db"), "PORT=0", "APP_ENV=production",
	}, slices.Concat(w.cfg.env, w.env.cfg.Settings)...)
	command := append(slices.Clone(w.cfg.wrap), cmp.Or(w.env.cfg.Server, w.env.cfg.Binary), "serve")
	server, err := start(ctx, command[0], env, command[1:]...)
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

// discard kills the server and removes its data, for one that may be too busy to stop.
func (w *world) discard() error {
	if w.api != nil {
		w.api.Close()
	}
	if w.server != nil {
		w.server.kill()
	}
	return os.RemoveAll(w.folder)
}

// importJobs creates n copies of a job.
func (w *world) importJobs(ctx context.Context, n int, spec client.Spec) error {
	_, err := w.importEach(ctx, n, func(int) client.Spec { return spec })
	return err
}

// importEach creates n jobs; job returns the i-th. importEach returns how long the server
// took.
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
		mark := w.env.cfg.Clock.Mark()
		got, err := w.api.Jobs.Import(ctx, client.Lines, &body)
		took += w.env.cfg.Clock.Elapsed(mark)
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
