package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/spf13/cobra"
)

// testCall has the flags of `belfry jobs test`.
type testCall struct {
	spec, change string
	version      int
	json         bool
}

func testCallCommand(r *remote) *cobra.Command {
	var t testCall
	cmd := &cobra.Command{
		Use:   "test [ID]",
		Short: "Send the request of a job once, and show the answer",
		Long: `Send the request of a job once and now, and show what was sent, what came back and how long each part
took. It is a real request, with the header Belfry-Test: true. Nothing is stored, counted or tried again.

With the id of a job it is that of the job as it is, as --change would make it, or as it was in --version;
its secrets are sent, and not shown. With --spec it is that of a job that does not exist. The exit code is
1 if the call fails.

` + serverHelp,
		Example: `  belfry jobs test 0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b
  belfry jobs test 0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b --change '{"timeoutMs": 500}'
  belfry jobs test --spec "$(cat job.json)"`,
		Args: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("spec") {
				return noArgs(cmd, args)
			}
			return oneArg("the id of a job, or --spec")(cmd, args)
		},
	}
	cmd.RunE = r.speaking(func(ctx context.Context, c *client.Client, args []string) error {
		send, err := t.call(cmd.Flags().Changed)
		if err != nil {
			return err
		}
		got, err := send(ctx, c, args)
		if err != nil {
			return err
		}
		return t.print(r.out, &got)
	})
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&t.spec, "spec", "", "a job as JSON, as POST /jobs takes it")
	fs.StringVar(&t.change, "change", "", "a change of the job as JSON, as PATCH takes it")
	fs.IntVar(&t.version, "version", 0, "the job as it was in this version")
	fs.BoolVar(&t.json, "json", false, "print the answer as JSON")
	addServerFlag(fs)
	return cmd
}

// sender has the server make a test call.
type sender func(ctx context.Context, c *client.Client, args []string) (client.TestCall, error)

// call returns what has the server make the call that the flags say. What the user wrote is sent as it is: another
// program than this one may know more fields.
func (t *testCall) call(said func(flag string) bool) (sender, error) {
	if said("spec") {
		if said("change") || said("version") {
			return nil, errors.New("--spec is a whole job: leave --change and --version out")
		}
		if err := object(t.spec); err != nil {
			return nil, fmt.Errorf("--spec must be a job as JSON: %w", err)
		}
		return func(ctx context.Context, c *client.Client, _ []string) (client.TestCall, error) {
			return c.TestCalls.SpecJSON(ctx, json.RawMessage(t.spec))
		}, nil
	}
	change := "{}"
	switch {
	case said("change") && said("version"):
		return nil, errors.New("say --change or --version, not both")
	case said("version"):
		change = fmt.Sprintf(`{"version": %d}`, t.version)
	case said("change"):
		if err := object(t.change); err != nil {
			return nil, fmt.Errorf("--change must be a JSON object: %w", err)
		}
		change = t.change
	}
	return func(ctx context.Context, c *client.Client, args []string) (client.TestCall, error) {
		return c.TestCalls.JobJSON(ctx, args[0], json.RawMessage(change))
	}, nil
}

// object refuses what is no JSON object.
func object(text string) error {
	var fields map[string]json.RawMessage
	err := json.Unmarshal([]byte(text), &fields)
	if err == nil && fields == nil {
		err = errors.New("it is null")
	}
	return err
}

// print prints what came of a call. One that has failed is a failure of the command.
func (t *testCall) print(out io.Writer, got *client.TestCall) error {
	if t.json {
		if err := json.NewEncoder(out).Encode(got); err != nil {
			return err
		}
	} else if err := printTestCall(out, got); err != nil {
		return err
	}
	if !got.Success {
		return errors.New("the call has failed: " + terminalText(got.Error))
	}
	return nil
}

func printTestCall(out io.Writer, got *client.TestCall) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "%s %s\n", got.Request.Method, terminalText(got.Request.URL))
	printMessage(w, &got.Request.TestMessage)
	if a := got.Response; a != nil {
		_, _ = fmt.Fprintf(w, "\n%s %d\n", terminalText(a.Protocol), a.Status)
		printMessage(w, &a.TestMessage)
	}
	_, _ = fmt.Fprintln(w)
	for _, part := range []struct {
		name string
		ms   *float64
	}{
		{"waited", got.Timings.Waited}, {"dns", got.Timings.DNS}, {"connect", got.Timings.Connect},
		{"tls", got.Timings.TLS}, {"first byte", got.Timings.FirstByte}, {"total", &got.Timings.Total},
	} {
		if part.ms != nil {
			_, _ = fmt.Fprintf(w, "%s\t%.3f ms\n", part.name, *part.ms)
		}
	}
	return w.Flush()
}

func printMessage(w io.Writer, m *client.TestMessage) {
	for _, h := range m.Headers {
		_, _ = fmt.Fprintf(w, "%s: %s\n", terminalText(h.Name), terminalText(h.Value))
	}
	switch {
	case m.Withheld:
		_, _ = fmt.Fprintf(w, "\n(a body of %d bytes that may have secrets)\n", m.BodyBytes)
	case m.BodyEncoding == "base64":
		_, _ = fmt.Fprintf(w, "\n(%d bytes that are no text: --json has them)\n", m.BodyBytes)
	case m.Body != "":
		_, _ = fmt.Fprintf(w, "\n%s\n", terminalText(strings.TrimSuffix(m.Body, "\n")))
	}
	if m.Cut {
		_, _ = fmt.Fprintf(w, "(cut after %d bytes)\n", m.BodyBytes)
	}
}
