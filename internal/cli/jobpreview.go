package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/spf13/cobra"
)

func (r *remote) jobPreviewCommand() *cobra.Command {
	var text string
	var number int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "preview ID",
		Short: "Tell what a change of a job would do",
		Long: `Tell what a change of a job, or going back to a version, would do: which fields change, and which
fires of the next 30 days are gained and lost. Nothing is changed.

` + serverHelp,
		Example: "  belfry jobs preview 0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b --change '{\"schedule\":\"@hourly\"}'\n" +
			"  belfry jobs preview 0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b --version 3",
		Args: oneArg("the id of a job"),
		RunE: running(func(cmd *cobra.Command, args []string) error {
			change := client.Change{}
			if cmd.Flags().Changed("change") == cmd.Flags().Changed("version") {
				return errors.New("say --change or --version")
			}
			if cmd.Flags().Changed("version") {
				change["version"] = number
			} else if err := json.Unmarshal([]byte(text), &change); err != nil {
				return fmt.Errorf("--change must be a JSON object: %w", err)
			}
			c, err := r.connect(cmd.Flags())
			if err != nil {
				return err
			}
			defer c.Close()
			p, err := c.Versions.Preview(cmd.Context(), args[0], change)
			if err != nil {
				return reach(c, err)
			}
			if asJSON {
				return json.NewEncoder(r.out).Encode(p)
			}
			return printChange(r.out, &p)
		}),
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&text, "change", "", "the change as JSON, as PATCH takes it")
	cmd.Flags().IntVar(&number, "version", 0, "going back to this version")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the answer as JSON")
	addServerFlag(cmd.Flags())
	return cmd
}

func printChange(out io.Writer, p *client.ChangePreview) error {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	changes := "nothing"
	if len(p.Changes) > 0 {
		changes = strings.Join(p.Changes, ", ")
	}
	_, _ = fmt.Fprintf(w, "Changes: %s\n%s\n", changes, p.Description)
	_, _ = fmt.Fprintf(w, "Until %s: %d fires gained, %d lost\n", auditInstant(p.Fires.To), p.Fires.GainedCount,
		p.Fires.LostCount)
	for _, part := range []struct {
		mark  string
		fires []client.Instant
		count int64
	}{{"+", p.Fires.Gained, p.Fires.GainedCount}, {"-", p.Fires.Lost, p.Fires.LostCount}} {
		for _, i := range part.fires {
			_, _ = fmt.Fprintf(w, "  %s %s\t%s\n", part.mark, i.Local, i.UTC)
		}
		if rest := part.count - int64(len(part.fires)); rest > 0 {
			_, _ = fmt.Fprintf(w, "  %s and %d more\n", part.mark, rest)
		}
	}
	for _, text := range p.Warnings {
		_, _ = fmt.Fprintf(w, "warning: %s\n", text)
	}
	for _, s := range p.DSTShifts {
		_, _ = fmt.Fprintf(w, "clock change %s:\t%s\n", s.Date, s.Effect)
	}
	return w.Flush()
}
