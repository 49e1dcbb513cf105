package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/spf13/cobra"
)

func (s *shell) keysCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Manage the keys of a server",
		Long: `Create, list and revoke the API keys of a server, and change the key that seals the
secrets in its database. API keys have these roles:

  viewer   may read
  editor   may also change and trigger jobs
  admin    may do everything, including keys and the audit trail

The first key has the role admin. It is created on the machine of a server that
listens on loopback, where no key is needed. From then on each call needs a key, and
the server may listen on other addresses. The keys of BELFRY_API_KEYS have the role
admin as well; they are for servers that cannot be reached on loopback, and a
fallback if all other keys are lost.

` + serverHelp,
		Example: "  belfry keys create ops --role admin\n  belfry keys list\n  belfry keys revoke k7x2mq4a",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	r := s.remote()
	cmd.AddCommand(r.keysCreateCommand(), r.keysListCommand(), r.keysRevokeCommand(), s.rotateCommand())
	return cmd
}

func (r *remote) keysCreateCommand() *cobra.Command {
	var role, namespace, expires string
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Create a key and print it, only once",
		Long: "Create a key and print it, only once: the server stores only its SHA-256. The name\n" +
			"says who uses the key, and the audit trail shows the name.\n\n" + serverHelp,
		Example: "  belfry keys create ops --role admin\n  belfry keys create billing-ci --role editor --expires 90d",
		Args:    oneArg("a name"),
		RunE: running(func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("namespace") && namespace == "" {
				return errors.New("--namespace is empty: leave it out for a key that may access all namespaces")
			}
			until, err := expiry(expires, r.clock)
			if err != nil {
				return err
			}
			c, err := r.connect(cmd.Flags())
			if err != nil {
				return err
			}
			defer c.Close()
			made, err := c.Keys.Create(cmd.Context(), client.NewKey{Name: args[0], Role: role, Namespace: namespace,
				ExpiresAt: until})
			if err != nil {
				return reach(c, err)
			}
			_, _ = fmt.Fprintf(r.err, "created key %s (%s); it is shown only once:\n", made.ID, made.Role)
			_, err = fmt.Fprintln(r.out, made.Text)
			return err
		}),
	}
	cmd.Flags().StringVar(&role, "role", "viewer", "role of the key: viewer, editor or admin")
	cmd.Flags().StringVar(&namespace, "namespace", "", "the only namespace that the key may access (default all)")
	cmd.Flags().StringVar(&expires, "expires", "", "expiry: a duration from now, as in 90d, RFC 3339, or Unix "+
		"milliseconds (default never)")
	addServerFlag(cmd.Flags())
	return cmd
}

// expiry reads --expires as Unix milliseconds; zero: never.
func expiry(text string, c clock.Clock) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if d, ok := config.ParseDuration(text); ok && d > 0 {
		return c.Now().Add(d).UnixMilli(), nil
	}
	if ms, fault := wire.ParseInstant(text); fault == "" && ms > 0 {
		return ms, nil
	} else if strings.Trim(text, "0123456789") == "" && fault != "" {
		return 0, fmt.Errorf("--expires %s %s", text, fault)
	}
	return 0, fmt.Errorf("--expires %q must be a duration, as in 36h or 90d, or an instant in RFC 3339, as in "+
		"2027-01-01T00:00:00Z", text)
}

func (r *remote) keysListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the keys that are not revoked",
		Long:    "List the keys that are not revoked, oldest first, except those of BELFRY_API_KEYS.\n\n" + serverHelp,
		Example: "  belfry keys list\n  belfry keys list --json",
		Args:    noArgs,
		RunE: r.speaking(func(ctx context.Context, c *client.Client, _ []string) error {
			keys, err := c.Keys.List(ctx)
			if err != nil {
				return err
			}
			return printKeys(r.out, keys, asJSON)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the keys as JSON")
	addServerFlag(cmd.Flags())
	return cmd
}

func printKeys(w io.Writer, keys []client.Key, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(keys)
	}
	instant := func(ms *int64) string {
		if ms == nil {
			return "never"
		}
		return auditInstant(*ms)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "ID\tROLE\tNAMESPACE\tCREATED\tEXPIRES\tLAST USED\tNAME")
	for _, k := range keys {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Role, cmp.Or(k.Namespace, "all"),
			auditInstant(k.CreatedAt), instant(k.ExpiresAt), instant(k.LastUsedAt), k.Name)
	}
	return t.Flush()
}

func (r *remote) keysRevokeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "revoke ID",
		Short: "Revoke a key, effective at once",
		Long: "Revoke a key, effective at once. The id is the part after bel_; `belfry keys list` shows it.\n\n" +
			serverHelp,
		Example: "  belfry keys revoke k7x2mq4a",
		Args:    oneArg("the id of a key"),
		RunE: r.speaking(func(ctx context.Context, c *client.Client, args []string) error {
			if err := c.Keys.Revoke(ctx, args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(r.out, "%s is revoked\n", args[0])
			return err
		}),
	}
	addServerFlag(cmd.Flags())
	return cmd
}
