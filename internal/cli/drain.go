package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/spf13/cobra"
)

func (r *remote) drainCommand() *cobra.Command {
	var asJSON, wait bool
	cmd := &cobra.Command{
		Use:   "drain NODE",
		Short: "Let other servers fire the jobs of one",
		Long: `Let other servers take over the shards of the one with this name, a few at a time. It goes on
to answer requests and fires no jobs, until ` + "`belfry cluster resume`" + ` or until it starts again.
One that drains already stays as it is. The only one that fires jobs refuses. With --wait the
command ends when the server owns no shards any more.

` + serverHelp,
		Example: "  belfry cluster drain west-1 --wait",
		Args:    oneArg("the name of a server, as `belfry cluster` shows it"),
		RunE: r.speaking(func(ctx context.Context, c *client.Client, args []string) error {
			n, err := c.DrainNode(ctx, args[0])
			if err == nil && wait {
				n, err = awaitDrained(ctx, c, n)
			}
			if err != nil {
				return err
			}
			return r.printNode(&n, asJSON)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the server as JSON")
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until it owns no shards")
	addServerFlag(cmd.Flags())
	return cmd
}

func (r *remote) resumeCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "resume NODE",
		Short: "Let a server fire jobs again that was drained",
		Long: `Let a server fire jobs again that was drained. It gets its share of the shards after 10 s in
which no other server comes or goes. One that does not drain stays as it is.

` + serverHelp,
		Example: "  belfry cluster resume west-1",
		Args:    oneArg("the name of a server, as `belfry cluster` shows it"),
		RunE: r.speaking(func(ctx context.Context, c *client.Client, args []string) error {
			n, err := c.ResumeNode(ctx, args[0])
			if err != nil {
				return err
			}
			return r.printNode(&n, asJSON)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the server as JSON")
	addServerFlag(cmd.Flags())
	return cmd
}

// awaitDrained waits until a server owns no shards, and returns it as it is then. The error says that it
// does not drain any more.
func awaitDrained(ctx context.Context, c *client.Client, n client.Node) (client.Node, error) {
	for n.Shards > 0 {
		if !clock.Wait(ctx, waitEvery) {
			return n, ctx.Err()
		}
		all, err := c.Cluster(ctx)
		if err != nil {
			return n, err
		}
		found := false
		for i := range all.Nodes {
			if all.Nodes[i].Name == n.Name && all.Nodes[i].State != "gone" {
				found, n = true, all.Nodes[i]
			}
		}
		if !found {
			return n, fmt.Errorf("the server %s is gone", n.Name)
		}
		if n.State != "draining" && n.Shards > 0 {
			return n, fmt.Errorf("the server %s has been resumed, or has started again", n.Name)
		}
	}
	return n, nil
}

func (r *remote) printNode(n *client.Node, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(r.out).Encode(n)
	}
	_, err := fmt.Fprintf(r.out, "%s is %s and owns %d shards\n", n.Name, n.State, n.Shards)
	return err
}
