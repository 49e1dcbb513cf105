package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// jobDocument is a job, or a change of one, as flags and as JSON.
type jobDocument struct {
	text    string // JSON; - reads it from standard input
	flag    string // the name of the flag with the JSON
	headers []string
	body    string
	timeout time.Duration
	tags    []string
	whole   bool // a new job
}

// The flags whose texts are fields of a job as they are.
var textFields = []struct{ flag, field, usage string }{
	{"schedule", "schedule", "when it fires: a cron expression with seconds, @hourly ..."},
	{"api", "api", "the URL that is called"},
	{"name", "name", "what people call it"},
	{"key", "key", "what programs call it, of one job in its namespace"},
	{"timezone", "timezone", "the zone of the schedule, such as Europe/Berlin (default UTC)"},
	{"method", "method", "the method of the request (default POST)"},
	{"type", "type", "ATLEAST_ONCE or ATMOST_ONCE"},
}

func (d *jobDocument) add(fs *pflag.FlagSet) {
	fs.SortFlags = false
	for _, f := range textFields {
		fs.String(f.flag, "", f.usage)
		if f.flag == "api" {
			fs.String("url", "", "the same as --api")
		}
	}
	if d.flag = "change"; d.whole {
		d.flag = "spec"
		fs.Lookup("type").DefValue = "ATLEAST_ONCE"
		fs.String("namespace", "", "its namespace; it cannot be changed later (default \"default\")")
	}
	fs.StringSliceVar(&d.tags, "tag", nil, "its tags, separated by commas or each with a flag")
	fs.StringArrayVar(&d.headers, "header", nil, "a header of the request, NAME: VALUE; can be repeated")
	fs.StringVar(&d.body, "body", "", "the body of the request, as JSON")
	fs.DurationVar(&d.timeout, "timeout", 0, "how long a call may take (default 30s)")
	fs.StringVar(&d.text, d.flag, "", "other fields as a JSON object, as the API has them; - reads it from standard\n"+
		"input, where others do not see secrets")
}

// read returns the fields that the flags and the JSON say. A flag counts more than the JSON.
func (d *jobDocument) read(fs *pflag.FlagSet, in io.Reader) (client.Change, error) {
	doc := client.Change{}
	if fs.Changed(d.flag) {
		if err := d.readJSON(in, doc); err != nil {
			return nil, err
		}
	}
	for _, f := range textFields {
		if fs.Changed(f.flag) {
			doc[f.field] = fs.Lookup(f.flag).Value.String()
		}
	}
	if fs.Changed("url") {
		if fs.Changed("api") {
			return nil, errors.New("say what is called in one way: --api or --url, which are the same")
		}
		doc["api"] = fs.Lookup("url").Value.String()
	}
	if fs.Changed("tag") {
		doc["tags"] = d.tags
	}
	if fs.Changed("timeout") {
		doc["timeoutMs"] = d.timeout.Milliseconds()
	}
	if fs.Changed("body") {
		if !json.Valid([]byte(d.body)) {
			return nil, errors.New("--body must be JSON; a text is one in quotes: '\"text\"'")
		}
		doc["body"] = json.RawMessage(d.body)
	}
	if len(d.headers) > 0 {
		headers := map[string]string{}
		for _, line := range d.headers {
			name, value, found := strings.Cut(line, ":")
			if !found {
				return nil, errors.New("--header must be of the form NAME: VALUE")
			}
			headers[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
		doc["headers"] = headers
	}
	return doc, nil
}

// readJSON reads the fields as they are written, also those that this program does not know.
func (d *jobDocument) readJSON(in io.Reader, doc client.Change) error {
	text := []byte(d.text)
	if d.text == "-" {
		var err error
		if text, err = io.ReadAll(in); err != nil {
			return err
		}
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		if _, other := errors.AsType[*json.UnmarshalTypeError](err); other {
			return fmt.Errorf("--%s must be a JSON object", d.flag)
		}
		return fmt.Errorf("--%s must be a JSON object: %w", d.flag, err)
	}
	for name, value := range fields {
		doc[name] = value
	}
	return nil
}

// jobCommands has the commands that make a job and change it.
type jobCommands struct{ *remote }

func (r jobCommands) create() *cobra.Command {
	d := jobDocument{whole: true}
	var cmd *cobra.Command
	cmd = &cobra.Command{
		Use:   "create",
		Short: "Create a job",
		Long: `Create a job, and print its id. It needs --schedule and --api (or --url, which is the same), or --spec
with both. What is not said takes the server's default.

` + serverHelp,
		Example: "  belfry jobs create --schedule '0 */5 * * * *' --api https://example.com/sync --name sync\n" +
			`  belfry jobs create --api https://example.com/ --spec '{"schedule": "@daily", "timeoutMs": 500}'`,
		Args: noArgs,
		RunE: r.speaking(func(ctx context.Context, c *client.Client, _ []string) error {
			doc, err := d.read(cmd.Flags(), r.in)
			if err != nil {
				return err
			}
			if _, said := doc["type"]; !said {
				doc["type"] = "ATLEAST_ONCE"
			}
			done, err := client.CreateJob(ctx, c, doc)
			if err != nil {
				return err
			}
			_, _ = fmt.Fprintln(r.out, done.JobID)
			return printDone(r.err, &done, done.Message)
		}),
	}
	d.add(cmd.Flags())
	addServerFlag(cmd.Flags())
	return cmd
}

func (r jobCommands) edit() *cobra.Command {
	var d jobDocument
	var current int
	var cmd *cobra.Command
	cmd = &cobra.Command{
		Use:   "edit ID",
		Short: "Change a job",
		Long: `Change some fields of a job; that makes a new version. What is not said stays. With --change, null
restores the default of a field, and objects are merged (RFC 7396). belfry jobs preview tells beforehand
what a change would do.

` + serverHelp,
		Example: "  belfry jobs edit 0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b --schedule '0 0 * * * *'\n" +
			"  belfry jobs edit 0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b --change '{\"retry\": {\"maxRetries\": 5}}'",
		Args: oneArg("the id of a job"),
		RunE: r.speaking(func(ctx context.Context, c *client.Client, args []string) error {
			change, err := d.read(cmd.Flags(), r.in)
			if err != nil {
				return err
			}
			if len(change) == 0 {
				return errors.New("say what is to change")
			}
			done, err := c.Jobs.Patch(ctx, args[0], current, change)
			if err != nil {
				return err
			}
			return printDone(r.out, &done, fmt.Sprintf("%s; it is version %d now", done.Message, done.Version))
		}),
	}
	d.add(cmd.Flags())
	cmd.Flags().IntVar(&current, "if-version", 0, "only if this is the number of the job's current version")
	addServerFlag(cmd.Flags())
	return cmd
}

// printDone prints what was done to a job, and what is allowed but may not be meant.
func printDone(w io.Writer, done *client.Edit, message string) error {
	_, err := fmt.Fprintln(w, message)
	for _, warning := range done.Warnings {
		_, err = fmt.Fprintln(w, "warning:", warning)
	}
	return err
}
