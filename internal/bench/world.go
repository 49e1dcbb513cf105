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

	nodes int // servers on one database; zero: one
}

// world is a server on an empty database, and a client of it.
type world struct {
	env    *environment
	server *process
	api    *client.Client
	folder string
	cfg    worldConfig

	database *database  // nil: files in the folder
	others   []*process // servers on the same database
}

// world starts a server.
func (e *environment) world(ctx context.Context, cfg worldConfig) (*world, error) {
	e.runs++
	return e.worldIn(ctx, filepath.Join(e.folder, fmt.Sprint("run-", e.runs)), cfg)
}

// worldIn starts a server on the data in a folder.
func (e *environment) worldIn(ctx context.Context, folder string, cfg worldConfig) (*world, error) {
	w := &world{env: e, folder: folder, cfg: cfg}
	if e.cfg.Database != "" {
		var err error
		if w.database, err = makeDatabase(ctx, e.cfg.Database, e.runs); err != nil {
			return nil, err
		}
	}
	err := w.start(ctx)
	for i := range cfg.nodes - 1 {
		if err == nil {
			var other *process
			if other, err = w.startServer(ctx, "BELFRY_NODE_NAME="+nodeName(i+1)); err == nil {
				w.others = append(w.others, other)
			}
		}
	}
	if err != nil {
		err = errors.Join(err, w.close())
	}
	return w, err
}

// start starts the server on the data that is there.
func (w *world) start(ctx context.Context) error {
	var names []string
	if w.cfg.nodes > 0 {
		names = []string{"BELFRY_NODE_NAME=" + nodeName(0)}
	}
	server, err := w.startServer(ctx, names...)
	if err != nil {
		return err
	}
	w.server = server
	if w.api, err = client.New(server.url, ""); err != nil {
		return errors.Join(err, w.stop())
	}
	return nil
}

// startServer starts a server on the data that is there.
func (w *world) startServer(ctx context.Context, settings ...string) (*process, error) {
	data := []string{"DB_PATH=" + filepath.Join(w.folder, "jobs.db")}
	if w.database != nil {
		data = w.database.settings()
	}
	env := slices.Concat(data, []string{"PORT=0", "APP_ENV=production"}, w.cfg.env, w.env.cfg.Settings, settings)
	command := append(slices.Clone(w.cfg.wrap), cmp.Or(w.env.cfg.Server, w.env.cfg.Binary), "serve")
	return start(ctx, command[0], env, command[1:]...)
}

// servers returns all servers.
func (w *world) servers() []*process {
	if w.server == nil {
		return w.others
	}
	return append([]*process{w.server}, w.others...)
}

// usage is what the servers have used so far.
func (w *world) usage() (all usage) {
	for _, s := range w.servers() {
		u := s.usage()
		all.cpu, all.rss = all.cpu+u.cpu, all.rss+u.rss
	}
	return all
}

// databaseCPU is what the server of the database has used so far; zero: there is none.
func (w *world) databaseCPU(ctx context.Context) time.Duration {
	if w.database == nil {
		return 0
	}
	return w.database.cpu(ctx)
}

// stop stops the servers that run.
func (w *world) stop() error {
	if w.api != nil {
		w.api.Close()
	}
	var errs []error
	for _, s := range w.servers() {
		errs = append(errs, s.stop())
	}
	return errors.Join(errs...)
}

// close stops the servers and removes their data.
func (w *world) close() error { return errors.Join(w.stop(), w.remove()) }

// remove removes the data.
func (w *world) remove() error {
	var err error
	if w.database != nil {
		err = w.database.drop()
		w.database = nil
	}
	return errors.Join(err, os.RemoveAll(w.folder))
}

// discard kills the server and removes its data, for one that may be too busy to stop.
func (w *world) discard() error {
	if w.api != nil {
		w.api.Close()
	}
	for _, s := range w.servers() {
		s.kill()
	}
	return w.remove()
}

// nodeName names a server of a cluster. One that is started again has the same name.
func nodeName(which int) string { return fmt.Sprint("node-", which) }

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
