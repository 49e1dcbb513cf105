package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// waitEvery is how often --wait asks for the operation.
const waitEvery = 250 * time.Millisecond

const bulkHelp = `The jobs are those with the ids, or those that all flags select, or with --all every
job. --dry-run tells which jobs these are and changes nothing. The server begins an
operation, whose id is printed, and carries it out by itself, also after a restart;
--wait waits for its end. ` + "`belfry operations show ID`" + ` tells how far it has come.

Exit codes with --wait: 1 when the operation was cancelled or has failed, 2 when the
action was refused for some of the jobs.

`

// bulkCommands are the commands about operations on many jobs.
type bulkCommands struct{ *remote }

// all returns those that begin one.
func (r bulkCommands) all() (all []*cobra.Command) {
	for _, c := range []struct{ name, action, short, example string }{
		{"pause", client.Pause, "Pause jobs", "--host api.example.com --reason 'It is being moved' --for 2h"},
		{"resume", client.Resume, "Resume jobs", "--active=false --tag billing"},
		{"trigger", client.Trigger, "Run jobs now", "--failing --idempotency-key rerun-7"},
		{"delete", client.Delete, "Delete jobs", "--namespace old --dry-run"},
		{"tag", client.Tag, "Add tags to jobs, and remove some", "--add reviewed --remove new --tag new"},
	} {
		all = append(all, r.bulkCommand(c.name, c.action, c.short, c.example))
	}
	return all
}

// bulkFlags are the flags of a command on many jobs.
type bulkFlags struct {
	request      client.Bulk
	chosen       jobFlags
	pause        pauseFlags
	dryRun, wait bool
	key          string
}

func (r bulkCommands) bulkCommand(name, action, short, example string) *cobra.Command {
	f := bulkFlags{request: client.Bulk{Action: action}}
	cmd := &cobra.Command{
		Use:     name + " [ID...]",
		Short:   short,
		Long:    short + ".\n\n" + bulkHelp + serverHelp,
		Example: "  belfry jobs " + name + " " + example,
		Args:    cobra.ArbitraryArgs,
		RunE: running(func(cmd *cobra.Command, args []string) error {
			f.request.IDs = args
			f.chosen.into(cmd.Flags(), &f.request.Filter)
			if err := f.check(cmd.Flags(), r.clock.Now()); err != nil {
				return err
			}
			c, err := r.connect(cmd.Flags())
			if err != nil {
				return err
			}
			defer c.Close()
			return reach(c, r.bulk(cmd.Context(), c, &f))
		}),
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	if action == client.Tag {
		fs.StringSliceVar(&f.request.AddTags, "add", nil, "tags that each job gets")
		fs.StringSliceVar(&f.request.RemoveTags, "remove", nil, "tags that each job loses")
	}
	if action == client.Pause {
		f.pause.add(fs)
	}
	f.chosen.add(fs, &f.request.Filter)
	fs.BoolVar(&f.request.All, "all", false, "every job that the key may access")
	fs.BoolVar(&f.dryRun, "dry-run", false, "tell which jobs it would be, and change nothing")
	fs.BoolVar(&f.wait, "wait", false, "wait until the operation has ended, and show its progress")
	fs.StringVar(&f.key, "idempotency-key", "", "name of this operation, so that a second run does not begin another")
	addServerFlag(fs)
	return cmd
}

// check refuses a choice of jobs that is not meant. A flag without a value would select by
// nothing: a script whose variable is empty has written it.
func (f *bulkFlags) check(fs *pflag.FlagSet, now time.Time) error {
	filters := 0
	for _, name := range []string{"active", "failing", "namespace", "key", "name", "tag", "host", "text"} {
		if !fs.Changed(name) {
			continue
		}
		if filters++; fs.Lookup(name).Value.String() == "" {
			return fmt.Errorf("--%s is empty: leave it out to select jobs by something else", name)
		}
	}
	if f.request.Action == client.Pause {
		var err error
		if f.request.Because, err = f.pause.pausing(fs, now); err != nil {
			return err
		}
	}
	ways := 0
	for _, is := range []bool{len(f.request.IDs) > 0, filters > 0, f.request.All} {
		if is {
			ways++
		}
	}
	switch {
	case ways == 0:
		return errors.New("say which jobs are meant: ids, flags that select some, or --all")
	case ways > 1:
		return errors.New("say which jobs are meant in one way: ids, flags that select some, or --all")
	case f.request.Action == client.Tag && len(f.request.AddTags)+len(f.request.RemoveTags) == 0:
		return errors.New("say which tags are meant: --add or --remove")
	case fs.Changed("idempotency-key") && f.key == "":
		return errors.New("--idempotency-key is empty")
	}
	return nil
}

func (r bulkCommands) bulk(ctx context.Context, c *client.Client, f *bulkFlags) error {
	if f.dryRun {
		found, err := c.Jobs.DryRun(ctx, f.request)
		if err != nil {
			return err
		}
		return r.printDryRun(&found)
	}
	if f.key != "" {
		ctx = client.WithIdempotencyKey(ctx, f.key)
	}
	began, err := c.Jobs.Bulk(ctx, f.request)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(r.out, began.ID); err != nil {
		return err
	}
	if !f.wait {
		_, _ = fmt.Fprintf(r.err, "%s has begun: belfry operations show %s says how far it is, and --wait waits "+
			"for its end\n", f.request.Action, began.ID)
		return nil
	}
	return r.await(ctx, c, began.ID)
}

func (r bulkCommands) printDryRun(found *client.DryRun) error {
	for _, j := range found.Jobs {
		if _, err := fmt.Fprintf(r.out, "%s  %s  %s\n", j.ID, j.Namespace, j.Name); err != nil {
			return err
		}
	}
	if more := found.Count - len(found.Jobs); more > 0 {
		_, _ = fmt.Fprintf(r.err, "and %d more\n", more)
	}
	if found.NotFound > 0 {
		_, _ = fmt.Fprintf(r.err, "%d ids are of no job\n", found.NotFound)
	}
	_, _ = fmt.Fprintf(r.err, "%d jobs in all; nothing was changed\n", found.Count)
	return nil
}

// await shows the progress of an operation until it has ended.
func (r bulkCommands) await(ctx context.Context, c *client.Client, id string) error {
	var bar progress
	ended, err := c.Operations.Wait(ctx, id, waitEvery, func(o *client.Operation) {
		if o.MatchedAt == nil {
			return
		}
		if bar.bar == nil {
			bar = newJobsProgress(r.raw.err, o.Counts.Matched, isTerminal(r.raw.err))
		}
		bar.at(o.Counts.Matched - o.Counts.Pending)
	})
	bar.end()
	if err != nil {
		return fmt.Errorf("operation %s goes on without this command: %w", id, err)
	}
	return r.tellEnd(&ended)
}

// tellEnd prints what has become of an operation.
func (r bulkCommands) tellEnd(o *client.Operation) error {
	for _, e := range o.Errors {
		_, _ = fmt.Fprintf(r.err, "job %s: %s\n", e.JobID, e.Message)
	}
	if _, err := fmt.Fprintln(r.out, summaryOf(o)); err != nil {
		return err
	}
	switch {
	case o.State == "FAILED":
		return fmt.Errorf("the operation has failed: %s", o.Fault)
	case o.State != "DONE":
		return fmt.Errorf("the operation is %s", o.State)
	case o.Counts.Failed > 0:
		return &failure{code: exitRefused}
	}
	return nil
}

func summaryOf(o *client.Operation) string {
	n := o.Counts
	text := fmt.Sprintf("%s %s: %d of %d jobs done, %d unchanged, %d skipped, %d failed", o.Action, o.State, n.Done,
		n.Matched, n.Unchanged, n.Skipped, n.Failed)
	if n.NotFound > 0 {
		text += fmt.Sprintf(", %d ids of no job", n.NotFound)
	}
	return text
}
