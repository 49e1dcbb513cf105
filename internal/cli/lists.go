package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"text/tabwriter"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// listFlags are the flags of commands that print a list.
type listFlags struct {
	limit  int
	asJSON bool
}

func (l *listFlags) add(fs *pflag.FlagSet, what string) {
	fs.IntVar(&l.limit, "limit", 50, "largest number of "+what+"; 0: all")
	fs.BoolVar(&l.asJSON, "json", false, "print NDJSON, one of the "+what+" a line")
}

// pageSize returns how many entries to ask for at a time.
func (l *listFlags) pageSize() int {
	if l.limit <= 0 {
		return 1_000
	}
	return min(l.limit, 1_000)
}

// list is what a command prints: a table with a row for each entry.
type list[T any] struct {
	listFlags

	heading string // of the table, with tabs
	row     func(*T) string
}

// print prints the entries, and whether there are more than the limit. Where the first one cannot be had, it prints
// nothing: a heading would look like an answer.
func (l *list[T]) print(w io.Writer, entries iter.Seq2[T, error]) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	head := func() {
		if !l.asJSON {
			_, _ = fmt.Fprintln(t, l.heading)
		}
	}
	out, n := json.NewEncoder(w), 0
	for e, err := range entries {
		if err != nil {
			return errors.Join(err, t.Flush())
		}
		if n == 0 {
			head()
		}
		switch {
		case l.limit > 0 && n == l.limit:
			if !l.asJSON {
				_, _ = fmt.Fprintln(t, "and more: see --limit")
			}
			return t.Flush()
		case l.asJSON:
			if err := out.Encode(e); err != nil {
				return err
			}
		default:
			_, _ = fmt.Fprintln(t, l.row(&e))
		}
		n++
	}
	if n == 0 {
		head()
	}
	return t.Flush()
}

// command returns a command that prints the list of a server.
func (l *list[T]) command(r *remote, cmd *cobra.Command, ask func(*cobra.Command, *client.Client) iter.Seq2[T, error],
) *cobra.Command {
	cmd.Args = noArgs
	cmd.RunE = running(func(cmd *cobra.Command, _ []string) error {
		if l.limit < 0 {
			return fmt.Errorf("--limit must be at least 0, not %d", l.limit)
		}
		c, err := r.connect(cmd.Flags())
		if err != nil {
			return err
		}
		defer c.Close()
		if entries := ask(cmd, c); entries != nil {
			return reach(c, l.print(r.out, entries))
		}
		return nil
	})
	addServerFlag(cmd.Flags())
	return cmd
}

// withList adds `list` to a command that lists without it, so that it is there in all groups
// of commands.
func withList(cmd *cobra.Command) *cobra.Command {
	same := &cobra.Command{
		Use: "list", Short: "The same as " + cmd.Name() + " without a command", Long: cmd.Long,
		Example: "  belfry " + cmd.Name() + " list --limit 5", Args: cmd.Args, RunE: cmd.RunE,
	}
	same.Flags().SortFlags = cmd.Flags().SortFlags
	same.Flags().AddFlagSet(cmd.Flags())
	cmd.AddCommand(same)
	return cmd
}

// shown returns a command that prints one thing of a server as JSON.
func shown[T any](r *remote, what, example string, ask func(context.Context, *client.Client, string) (T, error),
) *cobra.Command {
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show " + what, Long: "Show " + what + " as JSON.\n\n" + serverHelp,
		Example: example, Args: oneArg("the id of " + what),
		RunE: r.speaking(func(ctx context.Context, c *client.Client, args []string) error {
			found, err := ask(ctx, c, args[0])
			if err != nil {
				return err
			}
			return printJSON(r.out, found)
		}),
	}
	addServerFlag(cmd.Flags())
	return cmd
}

func printJSON(w io.Writer, v any) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(v)
}

// columns writes a row of a table. What is empty is a dash.
func columns(cells ...string) string {
	for i, cell := range cells {
		if cell = strings.Join(strings.Fields(cell), " "); cell == "" {
			cell = "-"
		}
		cells[i] = escaped(cell)
	}
	return strings.Join(cells, "\t")
}

// instantOf writes an instant that may not be known.
func instantOf(ms *int64) string {
	if ms == nil {
		return ""
	}
	return auditInstant(*ms)
}

// lastErrorWidth is how many characters of an error a table has; --json has all of it.
const lastErrorWidth = 60

// short cuts a text to what a table has of it.
func short(text *string) string {
	if text == nil {
		return ""
	}
	letters := []rune(*text)
	if len(letters) > lastErrorWidth {
		letters = append(letters[:lastErrorWidth-3], []rune("...")...)
	}
	return string(letters)
}
