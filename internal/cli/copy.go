package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/belfry-scheduler/belfry/internal/app"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/spf13/cobra"
)

// copier is the command copy with its flags.
type copier struct {
	*shell
	from, to, undo string
	config         string
	asJSON         bool
}

func (s *shell) copyCommand() *cobra.Command {
	o := copier{shell: s}
	cmd := &cobra.Command{
		Use:   "copy",
		Short: "Move everything from one database to another",
		Long: `Copy everything that is in one database to another one that is empty: jobs with their
versions and secrets, history, counters, alerts, the audit trail, API keys, records of
Idempotency-Keys, operations, executions that have not ended, and how far fires were
sent. A database is a path of SQLite or a URL of PostgreSQL.

Stop every server on both first: the command refuses a database on which one runs. At
the end it compares each row of both databases and prints the counts. Then it marks the
first one, on which no server starts any more, and after that the second one can be
used: no fire is lost, and none is sent twice. If the command is killed, run it again:
it goes on where it was.

The first one keeps its data. --undo takes it back into use, which is right only if
no server has run on the copy.

Secrets are sealed anew with the encryption key of the target: BELFRY_ENCRYPTION_KEY,
which PostgreSQL needs, or the file encryption.key beside a database of SQLite. All users
of a machine can see arguments: if the URL has a password, use - for DATABASE_URL.`,
		Example: `  belfry copy --from data/jobs.db --to postgres://belfry@db:5432/belfry?sslmode=verify-full
  belfry copy --from - --to data/jobs.db
  belfry copy --undo data/jobs.db`,
		Args: noArgs,
		RunE: running(func(cmd *cobra.Command, _ []string) error {
			switch {
			case o.undo != "" && o.from+o.to != "":
				return errors.New("--undo does not go with --from and --to")
			case o.undo == "" && (o.from == "" || o.to == ""):
				return errors.New("--from and --to are required")
			}
			cfg, err := config.Load(config.Options{File: o.config, DotEnvDir: ".", Environ: s.environ})
			if err != nil {
				return err
			}
			log := slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
			if o.undo != "" {
				return o.runUndo(cmd.Context(), cfg, log)
			}
			return o.run(cmd.Context(), cfg, log)
		}),
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&o.from, "from", "", "database to copy: a path, a URL with postgres://, or - for that of "+
		"DATABASE_URL or DATABASE_URL_FILE")
	fs.StringVar(&o.to, "to", "", "database to copy to, which is made if there is none (a PostgreSQL database must be "+
		"there, and be empty)")
	fs.StringVar(&o.undo, "undo", "", "database that was copied, to be used again")
	fs.BoolVar(&o.asJSON, "json", false, "print the comparison as JSON")
	fs.StringVar(&o.config, configFlag, "", "YAML file with settings ["+config.FileVariable+"]")
	return cmd
}

func (o *copier) run(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	told := &copyProgress{out: o.err, clock: o.clock, began: o.clock.Mark(), mark: o.clock.Mark()}
	report, err := app.Copy(ctx, cfg, log, o.from, o.to, told.tell)
	if len(report.Lines) > 0 {
		if err := printCopy(o.out, &report, o.asJSON); err != nil {
			return err
		}
	}
	if err != nil && ctx.Err() != nil {
		return errors.New("interrupted: the same command goes on where it was, and until then no server starts on " +
			"the target")
	}
	if err != nil {
		return err
	}
	if report.Unread > 0 {
		_, _ = fmt.Fprintf(o.err, "the secrets of %d versions could not be opened: they were copied as they are, "+
			"sealed with a key that is not known\n", report.Unread)
	}
	took := o.clock.Elapsed(told.began).Round(time.Second / 10)
	_, _ = fmt.Fprintf(o.err, "moved in %s: no server starts on the source any more; start it on the target\n", took)
	return nil
}

func (o *copier) runUndo(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	peer, err := app.UndoCopy(ctx, cfg, log, o.undo)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.out, "servers start on it again: do not start any on %s\n", peer)
	return err
}

// copyProgress prints how far a copy has come, a line a second.
type copyProgress struct {
	out   io.Writer
	clock clock.Clock
	began clock.Mark

	mu     sync.Mutex
	mark   clock.Mark // of the last line
	rows   int64      // since then
	read   int64      // that were compared, in both databases
	audits bool
}

func (p *copyProgress) tell(is app.CopyProgress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if is.Audit != p.audits {
		p.audits, p.rows, p.mark = is.Audit, 0, p.clock.Mark()
	}
	p.rows += is.Rows
	if is.Audit {
		p.read += is.Rows
	}
	passed := p.clock.Elapsed(p.mark)
	if passed < time.Second {
		return
	}
	rate := int64(float64(p.rows) / passed.Seconds())
	switch {
	case is.Audit:
		_, _ = fmt.Fprintf(p.out, "comparing: %d rows of both databases, %d a second\n", p.read, rate)
	case is.Total > 0:
		_, _ = fmt.Fprintf(p.out, "copying %s: %d of %d (%d %%), %d a second\n", is.Kind, is.Done, is.Total,
			min(100, is.Done*100/is.Total), rate)
	default:
		_, _ = fmt.Fprintf(p.out, "copying %s: %d, %d a second\n", is.Kind, is.Done, rate)
	}
	p.rows, p.mark = 0, p.clock.Mark()
}

// copyJSON is the comparison as JSON.
type copyJSON struct {
	Resumed bool           `json:"resumed"`
	Unread  int            `json:"unreadSecrets"`
	Rows    []copyLineJSON `json:"rows"`
}

type copyLineJSON struct {
	Kind string `json:"kind"`
	From int64  `json:"from"`
	To   int64  `json:"to"`
	Same bool   `json:"same"`
}

func printCopy(w io.Writer, r *app.CopyReport, asJSON bool) error {
	if asJSON {
		out := copyJSON{Resumed: r.Resumed, Unread: r.Unread}
		for _, l := range r.Lines {
			out.Rows = append(out.Rows, copyLineJSON(l))
		}
		return json.NewEncoder(w).Encode(out)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "KIND\tFROM\tTO\tCONTENT")
	for _, l := range r.Lines {
		content := "same"
		if !l.Same {
			content = "DIFFERS"
		}
		_, _ = fmt.Fprintf(t, "%s\t%d\t%d\t%s\n", l.Kind, l.From, l.To, content)
	}
	return t.Flush()
}
