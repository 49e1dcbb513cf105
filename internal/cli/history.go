package cli

import (
	"bufio"
	"errors"
	"io"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/spf13/cobra"
)

func (r *remote) historyCommand() *cobra.Command {
	var output string
	var window client.TimeRange
	cmd := &cobra.Command{
		Use:   "history",
		Short: "Write the executions on record as NDJSON",
		Long: `Write the executions on record as NDJSON, one a line, oldest first: to archive what
retention will delete, or to analyse it elsewhere. The server streams; neither side
has more than a few thousand in memory. The file is written completely or not at all.

` + serverHelp,
		Example: `  belfry history -o 2026-01-01.ndjson --from 2026-01-01T00:00:00Z --to 2026-01-02T00:00:00Z
  belfry history | jq 'select(.status == "FAILED")'`,
		Args: noArgs,
		RunE: running(func(cmd *cobra.Command, _ []string) error {
			c, err := r.connect(cmd.Flags())
			if err != nil {
				return err
			}
			defer c.Close()
			write := func(w io.Writer) error {
				_, err := c.Executions.Export(cmd.Context(), window, w)
				return reach(c, err)
			}
			if output == "" || output == "-" {
				out := bufio.NewWriterSize(stream(r), 64<<10)
				return errors.Join(write(out), out.Flush())
			}
			return r.exportFile(output, "executions", write)
		}),
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVarP(&output, "output", "o", "", "file to write (default standard output)")
	fs.StringVar(&window.From, "from", "", "first scheduled instant, Unix milliseconds or RFC 3339 "+
		"(default the oldest)")
	fs.StringVar(&window.To, "to", "", "end before this scheduled instant (default none)")
	addServerFlag(fs)
	return cmd
}
