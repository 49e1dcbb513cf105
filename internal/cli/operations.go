package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/spf13/cobra"
)

func (s *shell) operationsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "operations",
		Short:   "Show and cancel operations on many jobs",
		Long:    "Show and cancel the operations that `belfry jobs` has begun.\n\n" + serverHelp,
		Example: "  belfry operations list\n  belfry operations cancel 0192f0c1-5a10-7c3d-9e21-3b4c5d6e7f80",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	r := bulkCommands{s.remote()}
	cmd.AddCommand(r.operationsListCommand(), r.operationsShowCommand(), r.operationsCancelCommand())
	return cmd
}

func (r bulkCommands) operationsListCommand() *cobra.Command {
	var limit int
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List operations, newest first",
		Long:    "List operations, newest first.\n\n" + serverHelp,
		Example: "  belfry operations list --limit 5",
		Args:    noArgs,
		RunE: running(func(cmd *cobra.Command, _ []string) error {
			if limit < 1 {
				return fmt.Errorf("--limit must be at least 1, not %d", limit)
			}
			c, err := r.connect(cmd.Flags())
			if err != nil {
				return err
			}
			defer c.Close()
			found := []client.Operation{}
			for o, err := range c.Operations.List(cmd.Context(), min(limit, 1_000)) {
				if err != nil {
					return reach(c, err)
				}
				if found = append(found, o); len(found) == limit {
					break
				}
			}
			return r.printOperations(found, asJSON)
		}),
	}
	cmd.Flags().IntVar(&limit, "limit", 20, "how many operations")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the operations as JSON")
	addServerFlag(cmd.Flags())
	return cmd
}

func (r bulkCommands) printOperations(found []client.Operation, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(r.out).Encode(found)
	}
	t := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "ID\tACTION\tSTATE\tCREATED\tJOBS\tPENDING\tFAILED\tBY")
	for i := range found {
		o := &found[i]
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%d\t%d\t%s %s\n", o.ID, o.Action, o.State, auditInstant(o.CreatedAt),
			o.Counts.Matched, o.Counts.Pending, o.Counts.Failed, o.By.Key, o.By.Name)
	}
	return t.Flush()
}

func (r bulkCommands) operationsShowCommand() *cobra.Command {
	var asJSON, wait bool
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show how far an operation has come",
		Long: "Show how far an operation has come. With --wait it waits for the end, with the exit codes of\n" +
			"`belfry jobs`.\n\n" + serverHelp,
		Example: "  belfry operations show 0192f0c1-5a10-7c3d-9e21-3b4c5d6e7f80 --wait",
		Args:    oneArg("the id of an operation"),
		RunE: r.speaking(func(ctx context.Context, c *client.Client, args []string) error {
			if wait {
				return r.await(ctx, c, args[0])
			}
			o, err := c.Operations.Get(ctx, args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(r.out).Encode(o)
			}
			_, err = fmt.Fprintln(r.out, summaryOf(&o))
			return err
		}),
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until it has ended, and show its progress")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the operation as JSON")
	addServerFlag(cmd.Flags())
	return cmd
}

func (r bulkCommands) operationsCancelCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cancel ID",
		Short: "End an operation; what it has done stays",
		Long: "End an operation after the jobs that are under way. What it has done stays. One that has\n" +
			"ended stays as it is.\n\n" + serverHelp,
		Example: "  belfry operations cancel 0192f0c1-5a10-7c3d-9e21-3b4c5d6e7f80",
		Args:    oneArg("the id of an operation"),
		RunE: r.speaking(func(ctx context.Context, c *client.Client, args []string) error {
			if _, err := c.Operations.Cancel(ctx, args[0]); err != nil {
				return err
			}
			ended, err := c.Operations.Wait(ctx, args[0], waitEvery, nil)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(r.out, summaryOf(&ended))
			return err
		}),
	}
	addServerFlag(cmd.Flags())
	return cmd
}
