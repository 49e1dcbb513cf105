package cli

import (
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/spf13/cobra"
)

func (r *remote) versionsCommand() *cobra.Command {
	var id string
	l := &list[client.Version]{heading: "VERSION\tFROM\tTO\tSTATE\tSCHEDULE\tCHANGED\tBY", row: versionRow}
	cmd := &cobra.Command{
		Use:   "versions ID",
		Short: "List the versions of a job",
		Long: `List the versions of a job that are kept, newest first. CHANGED are the fields in which a version
differs from the one before it. BY is for admins: the key that made it.

` + serverHelp,
		Example: "  belfry jobs versions 0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b",
	}
	cmd.Flags().SortFlags = false
	l.add(cmd.Flags(), "versions")
	l.command(r, cmd, func(cmd *cobra.Command, c *client.Client) iter.Seq2[client.Version, error] {
		return c.Versions.List(cmd.Context(), id, l.pageSize())
	})
	run := cmd.RunE
	cmd.Args = oneArg("the id of a job")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id = args[0]
		return run(cmd, args)
	}
	return cmd
}

func versionRow(v *client.Version) string {
	state, by := "active", ""
	switch {
	case v.Error != "":
		state = "broken"
	case !v.IsActive:
		state = "paused"
	}
	if v.By != nil {
		by = v.By.Key + " " + v.By.Name
	}
	return columns(strconv.Itoa(v.Version), auditInstant(v.EffectiveFrom), instantOf(v.EffectiveTo), state,
		v.Spec.Schedule, strings.Join(v.Changed, ","), by)
}

func (r *remote) restoreCommand() *cobra.Command {
	var keep bool
	var current int
	cmd := &cobra.Command{
		Use:   "restore ID VERSION",
		Short: "Make a job what it was in a version",
		Long: `Make a job what it was in a version: each field, whether it was active, and its secrets. That
makes a new version.

` + serverHelp,
		Example: "  belfry jobs restore 0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b 3",
		Args:    cobra.ExactArgs(2),
		RunE: running(func(cmd *cobra.Command, args []string) error {
			number, err := strconv.Atoi(args[1])
			if err != nil || number < 1 {
				return fmt.Errorf("the version must be a number from 1 on, not %q", args[1])
			}
			c, err := r.connect(cmd.Flags())
			if err != nil {
				return err
			}
			defer c.Close()
			done, err := c.Versions.Restore(cmd.Context(), args[0], number, current, keep)
			if err != nil {
				return reach(c, err)
			}
			return printDone(r.out, &done, fmt.Sprintf("%s; it is version %d now", done.Message, done.Version))
		}),
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().IntVar(&current, "if-version", 0, "only if this is the number of the job's current version")
	cmd.Flags().BoolVar(&keep, "keep-secrets", false, "for admins: send the version's secrets to its origin, although "+
		"that is another\none than the present")
	addServerFlag(cmd.Flags())
	return cmd
}
