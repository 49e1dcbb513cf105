package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"syscall"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/spf13/cobra"
)

// Limits of one request of an import. The server commits 2,000 jobs at a time, so a
// larger chunk has no advantage; the server's own limit is 64 MiB.
const (
	chunkItems = 5_000
	chunkBytes = 8 << 20

	maxItem = chunkBytes // the server's own limit is lower
)

func (r *remote) importCommand() *cobra.Command {
	var key, conflict string
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Register the jobs of a file",
		Long: `Register the jobs of a file: a JSON array of jobs, or NDJSON, one job a line.
"-" is standard input. Each job is processed separately: one that is refused does not
affect the others, and is reported on standard error as "line N: field: message"
("index N", counted from 0, in an array). Warnings are reported in the same way, each
at most ten times; then only their number is printed.

A job whose key (the member "key") another job has is refused. With --on-conflict
update that job becomes what the file says: what the file does not say gets its
default. Nothing is changed where nothing differs, so that a file can be imported again
and again. With --on-conflict skip that job stays as it is.

An import creates new jobs without a key each time it is run. With --idempotency-key, a second run
with the same file and the same key, within 24 hours, creates only those jobs that the
first one did not come to. Each file needs its own key.

` + serverHelp + "\n\n" + exitCodes,
		Example: `  belfry import sample-data.json
  belfry export --server http://old:3000 | belfry import -`,
		Args: oneArg("a file, or - for standard input"),
		RunE: running(func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("idempotency-key") && key == "" {
				return errors.New("--idempotency-key is empty")
			}
			on := client.OnConflict(conflict)
			if !slices.Contains([]client.OnConflict{client.Refuse, client.Skip, client.Update}, on) {
				return fmt.Errorf("--on-conflict must be refuse, skip or update, not %q", conflict)
			}
			c, err := r.connect(cmd.Flags())
			if err != nil {
				return err
			}
			defer c.Close()
			return r.importFile(cmd.Context(), c, args[0], key, on)
		}),
	}
	cmd.Flags().StringVar(&key, "idempotency-key", "", "name of this import, so that a second "+
		"run creates only what is missing")
	cmd.Flags().StringVar(&conflict, "on-conflict", string(client.Refuse), "what to do with a job whose key "+
		"another job has: refuse, skip or update")
	addServerFlag(cmd.Flags())
	return cmd
}

func (r *remote) importFile(ctx context.Context, c *client.Client, name, key string, on client.OnConflict) error {
	in, size := r.in, int64(-1)
	if name == "-" {
		name = "standard input"
	} else {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }() // read only
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
		in = f
	}
	im := &importer{client: c, key: key, on: on, err: r.err,
		progress: newProgress(r.raw.err, size, isTerminal(r.raw.err))}
	err := im.all(ctx, in)
	im.progress.end()
	im.rest()
	if err != nil {
		if im.imported+im.updated+im.unchanged+im.skipped+im.refused > 0 {
			err = fmt.Errorf("%s: %w; until then %s", name, err, im.summary())
		} else {
			err = fmt.Errorf("%s: %w", name, err)
		}
		return err
	}
	if _, err := fmt.Fprintln(r.out, im.summary()); err != nil {
		return err
	}
	if im.refused > 0 {
		return &failure{code: exitRefused}
	}
	return nil
}

// importer sends the items of one file.
type importer struct {
	client   *client.Client
	key      string // the Idempotency-Key of the whole file; empty: none
	on       client.OnConflict
	sent     int       // requests
	err      io.Writer // refused items
	progress progress

	body                        bytes.Buffer // of the next request, NDJSON
	places                      []wire.Place // of its items
	imported                    int
	refused                     int
	updated, unchanged, skipped int
	warned                      map[string]int // how often each warning came
	unsorted                    int            // warnings beyond mostKinds
}

func (im *importer) summary() string {
	text := fmt.Sprintf("imported %d, refused %d", im.imported, im.refused)
	switch im.on {
	case client.Update:
		text += fmt.Sprintf(", updated %d, unchanged %d", im.updated, im.unchanged)
	case client.Skip:
		text += fmt.Sprintf(", skipped %d", im.skipped)
	case client.Refuse:
	}
	return text
}

// all sends every item. If the file breaks off, the items before that are sent.
func (im *importer) all(ctx context.Context, in io.Reader) error {
	read := &counted{r: in}
	items, err := wire.NewItems(read, maxItem)
	if fault, ok := errors.AsType[*wire.Fault](err); ok {
		return errors.New(fault.Message)
	}
	if err != nil {
		return err
	}
	for {
		item, err := items.Next()
		if item.Long && err == nil {
			im.refuse(item.Place, client.FieldError{Message: fmt.Sprintf("is longer than %d MiB", maxItem>>20)})
			continue
		}
		if err != nil {
			if serr := im.send(ctx); serr != nil {
				return serr
			}
			im.progress.at(read.n)
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if len(im.places) == chunkItems || len(im.places) > 0 && im.body.Len()+len(item.Text) >= chunkBytes {
			if err := im.send(ctx); err != nil {
				return err
			}
			im.progress.at(read.n)
		}
		im.add(&item)
	}
}

// add collects an item as a line.
func (im *importer) add(item *wire.Item) {
	if item.Place.Array {
		_ = json.Compact(&im.body, item.Text) // valid: it may have line breaks
	} else {
		im.body.Write(item.Text)
	}
	im.body.WriteByte('\n')
	im.places = append(im.places, item.Place)
}

// send imports the collected items. If a request failed without a response, it is not
// known whether its items were imported, and the error says so.
func (im *importer) send(ctx context.Context) error {
	if len(im.places) == 0 {
		return nil
	}
	if im.sent++; im.key != "" { // one for each request; the same file is cut in the same places again
		ctx = client.WithIdempotencyKey(ctx, fmt.Sprintf("%s-%d", im.key, im.sent))
	}
	report, err := im.client.Jobs.ImportOnConflict(ctx, client.Lines, im.on, &im.body)
	if err != nil {
		_, refused := errors.AsType[*client.Problem](err)
		told := reach(im.client, err)
		if refused || errors.Is(err, syscall.ECONNREFUSED) {
			return told
		}
		if im.key != "" {
			return fmt.Errorf("%w; run the same command again to import the rest", told)
		}
		return fmt.Errorf("%w; whether %s was imported is not known", told, im.collected())
	}
	if len(report.Results) != len(im.places) {
		return fmt.Errorf("the server answered for %d of %d items from %s on", len(report.Results),
			len(im.places), im.places[0])
	}
	for i, result := range report.Results {
		switch {
		case result.Error == nil:
			im.count(result.Outcome)
			im.warn(im.places[i], result.Warnings)
		case len(result.Error.Errors) > 0:
			im.refuse(im.places[i], result.Error.Errors...)
		default:
			im.refuse(im.places[i], client.FieldError{Message: result.Error.Error()})
		}
	}
	im.body.Reset()
	im.places = im.places[:0]
	return nil
}

// count counts an item that was not refused.
func (im *importer) count(outcome string) {
	switch outcome {
	case "updated":
		im.updated++
	case "unchanged":
		im.unchanged++
	case "skipped":
		im.skipped++
	default:
		im.imported++
	}
}

// collected names the items that are collected.
func (im *importer) collected() string {
	first, last := im.places[0], im.places[len(im.places)-1]
	if first == last {
		return first.String()
	}
	return fmt.Sprintf("%s to %d", first, last.N)
}

// refuse reports why an item was not imported.
func (im *importer) refuse(at wire.Place, faults ...client.FieldError) {
	im.refused++
	im.progress.clear()
	for _, f := range faults {
		_, _ = fmt.Fprintf(im.err, "%s: %s\n", at, f)
	}
}

// mostSame is how often one warning is printed, and mostKinds how many kinds of
// warnings are counted: in a file of a million jobs most warnings occur a million times.
const (
	mostSame  = 10
	mostKinds = 1_000
)

// warn prints the warnings of an item that was imported.
func (im *importer) warn(at wire.Place, warnings []string) {
	for _, w := range warnings {
		n, known := im.warned[w]
		if !known && len(im.warned) >= mostKinds {
			im.unsorted++
			continue
		}
		if im.warned == nil {
			im.warned = map[string]int{}
		}
		if im.warned[w] = n + 1; n < mostSame {
			im.progress.clear()
			_, _ = fmt.Fprintf(im.err, "%s: warning: %s\n", at, w)
		}
	}
}

// rest prints the number of the warnings that were not printed one by one.
func (im *importer) rest() {
	for _, w := range slices.Sorted(maps.Keys(im.warned)) {
		if n := im.warned[w] - mostSame; n > 0 {
			_, _ = fmt.Fprintf(im.err, "%d more: warning: %s\n", n, w)
		}
	}
	if im.unsorted > 0 {
		_, _ = fmt.Fprintf(im.err, "%d more warnings of other kinds\n", im.unsorted)
	}
}

// counted counts the bytes that were read.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
