package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/spf13/cobra"
)

func (r *remote) exportCommand() *cobra.Command {
	var (
		output string
		filter client.ExportFilter
		chosen jobFlags
	)
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the jobs of a server as NDJSON",
		Long: `Write the jobs of a server as NDJSON, one job a line, in the format that import
reads. Ids are not included. Secrets, of headers and of signing, are ******** unless
--with-secrets is given, which needs the key of an admin and adds an entry to the
audit trail; import refuses a job with such a mask. The file is written completely
or not at all, and only its owner can read it.

` + serverHelp,
		Example: `  belfry export -o jobs.ndjson
  belfry export --tag billing --active=true | jq .api`,
		Args: noArgs,
		RunE: running(func(cmd *cobra.Command, _ []string) error {
			chosen.into(cmd.Flags(), &filter.JobFilter)
			c, err := r.connect(cmd.Flags())
			if err != nil {
				return err
			}
			defer c.Close()
			if output == "" || output == "-" {
				out := bufio.NewWriterSize(stream(r), 64<<10)
				_, err := c.Jobs.Export(cmd.Context(), filter, out)
				return reach(c, errors.Join(err, out.Flush()))
			}
			return r.exportFile(output, "jobs", func(w io.Writer) error {
				_, err := c.Jobs.Export(cmd.Context(), filter, w)
				return reach(c, err)
			})
		}),
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVarP(&output, "output", "o", "", "file to write (default standard output)")
	fs.BoolVar(&filter.WithSecrets, "with-secrets", false, "include secrets, of headers and of signing")
	chosen.add(fs, &filter.JobFilter)
	addServerFlag(fs)
	return cmd
}

// exportFile writes a temporary file beside the target and renames it, so that a failed
// export does not replace the last good one.
func (r *remote) exportFile(name, what string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("cannot write beside %s: %w", name, err)
	}
	defer func() {
		if err != nil {
			_ = f.Close() // closed already, or not needed any more
			_ = os.Remove(f.Name())
		}
	}()
	out := bufio.NewWriterSize(f, 64<<10)
	lines := &lineCounter{w: out}
	if err := write(lines); err != nil {
		return err
	}
	if err := errors.Join(out.Flush(), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(r.err, "exported %d %s to %s\n", lines.n, what, name)
	return nil
}

// lineCounter counts the lines that go through it.
type lineCounter struct {
	w io.Writer
	n int
}

func (l *lineCounter) Write(p []byte) (int, error) {
	n, err := l.w.Write(p)
	l.n += bytes.Count(p[:n], []byte("\n"))
	return n, err
}
