package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// channelCommands are those of `belfry channels`.
type channelCommands struct{ *remote }

func channelsCommand(of *remote) *cobra.Command {
	r := channelCommands{of}
	cmd := &cobra.Command{
		Use:   "channels",
		Short: "Manage where people are told of failures",
		Long: `List, change and try the channels of alerts: webhooks, chats, mail and others. Those of
BELFRY_ALERT_URL are listed, and changed where that is set.

` + serverHelp,
		Example: "  belfry channels list\n  belfry channels set ops --kind WEBHOOK --secret url=url.txt --default\n" +
			"  belfry channels test ops",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(r.list(), r.show(), r.set(),
		r.delete(), r.test(), r.kinds())
	return cmd
}

// asking makes a command that asks the server.
func (r channelCommands) asking(cmd *cobra.Command, run func(cmd *cobra.Command, c *client.Client, args []string) error,
) *cobra.Command {
	cmd.Long += "\n\n" + serverHelp
	cmd.RunE = r.speaking(func(_ context.Context, c *client.Client, args []string) error { return run(cmd, c, args) })
	addServerFlag(cmd.Flags())
	return cmd
}

func (r channelCommands) list() *cobra.Command {
	var asJSON bool
	cmd := r.asking(&cobra.Command{
		Use: "list", Short: "List the channels", Long: "List the channels, with the latest attempt and what waits.",
		Example: "  belfry channels list\n  belfry channels list --json", Args: noArgs,
	}, func(cmd *cobra.Command, c *client.Client, _ []string) error {
		channels, err := c.Channels.List(cmd.Context())
		if err != nil {
			return err
		}
		return printChannels(r.out, channels, asJSON)
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the channels as JSON")
	return cmd
}

func printChannels(w io.Writer, channels []client.Channel, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(channels)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "ID\tKIND\tSTATE\tPENDING\tLAST\tTARGET\tERROR")
	for i := range channels {
		c := &channels[i]
		last, failure := "never", ""
		if d := c.LastDelivery; d != nil {
			last = auditInstant(d.At)
			failure = valueOr(d.Error, "")
		}
		_, _ = fmt.Fprintln(t, columns(c.ID, c.Kind, stateOfChannel(c), strconv.FormatInt(c.Pending, 10), last,
			c.Target, cmp.Or(valueOr(c.Error, ""), failure)))
	}
	return t.Flush()
}

// stateOfChannel says in a word whether a channel is told anything.
func stateOfChannel(c *client.Channel) string {
	switch {
	case c.Disabled:
		return "disabled"
	case c.Default:
		return "default"
	}
	return "on"
}

func valueOr(text *string, other string) string {
	if text == nil {
		return other
	}
	return *text
}

func (r channelCommands) show() *cobra.Command {
	return r.asking(&cobra.Command{
		Use: "show ID", Short: "Print a channel as JSON", Long: "Print a channel as JSON. Its secrets are masked.",
		Example: "  belfry channels show ops", Args: oneArg("the id of a channel"),
	}, func(cmd *cobra.Command, c *client.Client, args []string) error {
		found, err := c.Channels.Get(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return printJSON(r.out, found)
	})
}

// channelFlags are what `channels set` changes.
type channelFlags struct {
	file             string
	options, secrets []string
	signing          []string
	spec             client.ChannelSpec
}

func (f *channelFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.file, "file", "", "read the whole channel from a JSON file, - for standard input")
	fs.StringVar(&f.spec.Kind, "kind", "", "how it is told: see `belfry channels kinds`")
	fs.StringVar(&f.spec.Namespace, "namespace", "", "the only namespace whose rules may use it (default all)")
	fs.BoolVar(&f.spec.Default, "default", false, "rules that name no channels mean it")
	fs.BoolVar(&f.spec.Disabled, "disabled", false, "nothing is sent to it: its messages wait, for a day at most")
	fs.IntVar(&f.spec.PerMinute, "per-minute", 0, "messages a minute (default 20)")
	fs.StringArrayVar(&f.options, "option", nil, "NAME=VALUE of the kind; an empty value removes it; repeatable")
	fs.StringArrayVar(&f.secrets, "secret", nil, "NAME=FILE: a secret, read from a file or - (stdin); empty removes it")
	fs.StringArrayVar(&f.signing, "signing-secret", nil, "FILE: a secret of the signature; repeatable")
	fs.StringVar(&f.spec.Templates.Title, "title-template", "", "template of the first line")
	fs.StringVar(&f.spec.Templates.Text, "text-template", "", "template of the rest")
}

func (r channelCommands) set() *cobra.Command {
	var f channelFlags
	cmd := r.asking(&cobra.Command{
		Use:   "set ID",
		Short: "Make a channel, or change it",
		Long: "Make a channel, or change what the flags name and keep the rest. Secrets are read from\n" +
			"files, since others on the machine see the arguments of commands.",
		Example: "  belfry channels set ops --kind SLACK --secret url=url.txt --default\n" +
			"  belfry channels set ops --disabled\n  belfry channels set ops --file channel.json",
		Args: oneArg("the id of a channel"),
	}, func(cmd *cobra.Command, c *client.Client, args []string) error {
		kept, err := r.setChannel(cmd, c, args[0], &f)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(r.out, "channel %s is kept: %s, %s\n", kept.ID, kept.Kind, stateOfChannel(&kept))
		return err
	})
	f.add(cmd.Flags())
	return cmd
}

// setChannel reads a channel, changes it, and puts it if nobody else has changed it meanwhile.
func (r channelCommands) setChannel(cmd *cobra.Command, c *client.Client, id string, f *channelFlags) (
	client.Channel, error) {
	is, err := c.Channels.Get(cmd.Context(), id)
	p, refused := errors.AsType[*client.Problem](err)
	isNew := refused && p.Status == 404
	if err != nil && !isNew {
		return is, err
	}
	spec := is.ChannelSpec
	if f.file != "" {
		text, err := r.readFile(f.file)
		if err != nil {
			return is, err
		}
		spec = client.ChannelSpec{}
		if err := json.Unmarshal([]byte(text), &spec); err != nil {
			return is, fmt.Errorf("--file %s: %w", f.file, err)
		}
	}
	if err := r.lay(cmd.Flags(), f, &spec); err != nil {
		return is, err
	}
	if isNew {
		return c.Channels.Create(cmd.Context(), id, spec)
	}
	revision := int64(0)
	if is.Revision != nil {
		revision = *is.Revision
	}
	return c.Channels.Put(cmd.Context(), id, revision, spec)
}

// lay lays what the flags say over a channel.
func (r channelCommands) lay(fs *pflag.FlagSet, f *channelFlags, spec *client.ChannelSpec) error {
	for flag, set := range map[string]func(){
		"kind": func() { spec.Kind = f.spec.Kind }, "namespace": func() { spec.Namespace = f.spec.Namespace },
		"default":        func() { spec.Default = f.spec.Default },
		"disabled":       func() { spec.Disabled = f.spec.Disabled },
		"per-minute":     func() { spec.PerMinute = f.spec.PerMinute },
		"title-template": func() { spec.Templates.Title = f.spec.Templates.Title },
		"text-template":  func() { spec.Templates.Text = f.spec.Templates.Text },
	} {
		if fs.Changed(flag) {
			set()
		}
	}
	for _, option := range f.options {
		name, value, ok := strings.Cut(option, "=")
		if !ok {
			return fmt.Errorf("--option %q must be NAME=VALUE", option)
		}
		spec.Options = with(spec.Options, name, value)
	}
	for _, secret := range f.secrets {
		name, file, ok := strings.Cut(secret, "=")
		if !ok {
			return errors.New("--secret must be NAME=FILE")
		}
		value := ""
		if file != "" {
			var err error
			if value, err = r.readFile(file); err != nil {
				return err
			}
		}
		spec.Secrets = with(spec.Secrets, name, strings.TrimSpace(value))
	}
	if fs.Changed("signing-secret") {
		spec.SigningSecrets = nil
	}
	for _, file := range f.signing {
		value, err := r.readFile(file)
		if err != nil {
			return err
		}
		spec.SigningSecrets = append(spec.SigningSecrets, strings.TrimSpace(value))
	}
	return nil
}

// with returns an object with a member; an empty value removes it.
func with(object map[string]string, name, value string) map[string]string {
	if object == nil {
		object = make(map[string]string)
	}
	if value == "" {
		delete(object, name)
	} else {
		object[name] = value
	}
	return object
}

// readFile reads a file, - for standard input.
func (r channelCommands) readFile(name string) (string, error) {
	if name == "-" {
		text, err := io.ReadAll(r.in)
		return string(text), err
	}
	text, err := os.ReadFile(name)
	return string(text), err
}

func (r channelCommands) delete() *cobra.Command {
	return r.asking(&cobra.Command{
		Use: "delete ID", Short: "Delete a channel", Long: "Delete a channel. What waits for it is not sent any more.",
		Example: "  belfry channels delete ops", Args: oneArg("the id of a channel"),
	}, func(cmd *cobra.Command, c *client.Client, args []string) error {
		if err := c.Channels.Delete(cmd.Context(), args[0], 0); err != nil {
			return err
		}
		_, err := fmt.Fprintf(r.out, "channel %s is deleted\n", args[0])
		return err
	})
}

func (r channelCommands) test() *cobra.Command {
	return r.asking(&cobra.Command{
		Use: "test ID", Short: "Send a channel a message now",
		Long:    "Send a channel a message now, and say what has become of it. The exit code is 1 if it has failed.",
		Example: "  belfry channels test ops", Args: oneArg("the id of a channel"),
	}, func(cmd *cobra.Command, c *client.Client, args []string) error {
		made, err := c.Channels.Test(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		if !made.Delivered {
			return fmt.Errorf("channel %s was not told: %s", args[0], valueOr(made.Error, "no reason is known"))
		}
		_, err = fmt.Fprintf(r.out, "channel %s has taken the message, in %d ms\n", args[0], made.DurationMs)
		return err
	})
}

func (r channelCommands) kinds() *cobra.Command {
	var asJSON bool
	cmd := r.asking(&cobra.Command{
		Use: "kinds", Short: "List the kinds of channels, and their fields",
		Long:    "List the kinds of channels, and what a channel of each has to know.",
		Example: "  belfry channels kinds", Args: noArgs,
	}, func(cmd *cobra.Command, c *client.Client, _ []string) error {
		kinds, err := c.Channels.Kinds(cmd.Context())
		if err != nil {
			return err
		}
		if asJSON {
			return json.NewEncoder(r.out).Encode(kinds)
		}
		t := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(t, "KIND\tFLAG\tREQUIRED\tWHAT IT IS")
		for i := range kinds {
			for _, f := range kinds[i].Fields {
				flag, required := "--option "+f.Name, "no"
				if f.Secret {
					flag = "--secret " + f.Name
				}
				if f.Required {
					required = "yes"
				}
				_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", kinds[i].Kind, flag, required, f.Help)
			}
		}
		return t.Flush()
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the kinds as JSON")
	return cmd
}
