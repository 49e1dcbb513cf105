package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/spf13/cobra"
)

func notificationsCommand(r *remote) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "notifications",
		Short: "Show messages about alerts, and send one again",
		Long: "Show what channels were told about groups of alerts, or are to be told, and send a message\n" +
			"again.\n\n" + serverHelp,
		Example: "  belfry notifications list --channel env\n" +
			"  belfry notifications resend 019b76da-a900-8696-9fd2-ecffa5bae4f6",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(notificationsListCommand(r), resendCommand(r))
	return cmd
}

func notificationsListCommand(r *remote) *cobra.Command {
	var channel string
	l := &list[client.Notification]{heading: "CREATED\tCHANNEL\tTYPE\tSTATE\tATTEMPTS\tNEXT\tTITLE\tERROR\tID",
		row: notificationRow}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List messages about alerts, newest first",
		Long: `List messages about alerts, newest first. NEXT is the next attempt of one that is PENDING,
and ERROR the beginning of what went wrong in the last one. UNDELIVERABLE was tried for a day;
in place of one that is SUPERSEDED a later one was sent.

` + serverHelp,
		Example: "  belfry notifications list --channel env\n  belfry notifications list --json",
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&channel, "channel", "", "only those to this channel")
	l.add(fs, "messages")
	return l.command(r, cmd, func(cmd *cobra.Command, c *client.Client) iter.Seq2[client.Notification, error] {
		return c.Notifications(cmd.Context(), channel, l.pageSize())
	})
}

func notificationRow(n *client.Notification) string {
	return columns(auditInstant(n.CreatedAt), n.Channel, n.Type, n.State, strconv.Itoa(n.Attempts), instantOf(n.NextAt),
		n.Title, short(n.Error), n.ID)
}

func resendCommand(r *remote) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "resend ID",
		Short: "Send a message about alerts again",
		Long: "Send a message about alerts again, whatever has become of it before. It says what was so\n" +
			"then.\n\n" + serverHelp,
		Example: "  belfry notifications resend 019b76da-a900-8696-9fd2-ecffa5bae4f6",
		Args:    oneArg("the id of a message"),
		RunE: r.speaking(func(ctx context.Context, c *client.Client, args []string) error {
			n, err := c.ResendNotification(ctx, args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(r.out).Encode(n)
			}
			_, err = fmt.Fprintf(r.out, "%s to %s is %s\n", n.Title, n.Channel, n.State)
			return err
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the message as JSON")
	addServerFlag(cmd.Flags())
	return cmd
}
