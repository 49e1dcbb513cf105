package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/cron"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/spf13/cobra"
)

// Limits of a preview, the same as those of the API.
const (
	maxPreview = 1000
	shiftYears = 2
)

// preview has the flags of `belfry preview`.
type preview struct {
	zone, after, job string
	zoneinfo         string
	gap, fold        string
	count            int
	json             bool
}

func (s *shell) previewCommand() *cobra.Command {
	var p preview
	cmd := &cobra.Command{
		Use:   "preview 'EXPRESSION'",
		Short: "Explain a schedule and list its next fires",
		Long: `Explain a schedule in words, list the next instants in its zone and in UTC, warn
about probable mistakes, and list the clock changes of the next two years that
affect it. No server is needed. Quote the expression: the shell would expand *.`,
		Example: `  belfry preview '0 30 9 * * MON-FRI' --timezone Europe/Berlin
  belfry preview '@every 90m' --count 10
  belfry preview '0 30 2 * * *' --timezone America/New_York --after 2026-03-01T00:00:00Z --json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("%s takes one expression, not %d: put it in quotes", nameOf(cmd), len(args))
			}
			return oneArg("an expression in quotes")(cmd, args)
		},
		RunE: running(func(_ *cobra.Command, args []string) error {
			vars, err := config.Variables(".", s.environ)
			if err != nil {
				return err
			}
			if err := useZones(cmp.Or(p.zoneinfo, vars["BELFRY_ZONEINFO"])); err != nil {
				return err
			}
			return s.preview(args[0], p)
		}),
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&p.zone, "timezone", "UTC", "IANA zone in which the expression is read")
	fs.IntVar(&p.count, "count", 5, "how many instants, 1 to 1000")
	fs.StringVar(&p.after, "after", "", "list instants after this instant, RFC 3339 or Unix milliseconds (default now)")
	fs.StringVar(&p.gap, "dst-gap", "AFTER", "fixed times that the clock skips: AFTER, SKIP or BEFORE")
	fs.StringVar(&p.fold, "dst-fold", "FIRST", "fixed times that come twice: FIRST, SECOND or BOTH")
	fs.StringVar(&p.zoneinfo, "zoneinfo", "", "time zone data to use instead of the embedded data, as for serve "+
		"[BELFRY_ZONEINFO]")
	fs.StringVar(&p.job, "job", "", "id of the job from which H is derived")
	fs.BoolVar(&p.json, "json", false, "print the JSON of POST /schedules/preview")
	return cmd
}

func (s *shell) preview(text string, p preview) error {
	after, seed, err := p.parse(s.clock.Now())
	if err != nil {
		return err
	}
	sched, err := cron.Parse(text, p.zone, cron.DST{Gap: cron.Gap(p.gap), Fold: cron.Fold(p.fold)})
	if err != nil {
		return pointAt(text, err)
	}
	e := explain(sched, cron.Binding{Seed: seed, Anchor: after.Unix()}, after, p.count)
	if p.job == "" {
		e.Warnings = append([]string{}, sched.WarningsWithoutJob()...)
	}
	if p.json {
		enc := json.NewEncoder(s.out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(e)
	}
	return e.print(s.out, sched.Location())
}

// parse checks the flags other than the expression. It returns all errors.
func (p *preview) parse(now time.Time) (after time.Time, seed uint64, err error) {
	var faults []error
	if p.count < 1 || p.count > maxPreview {
		faults = append(faults, fmt.Errorf("--count=%d: must be from 1 to %d", p.count, maxPreview))
	}
	after = now
	if p.after != "" {
		ms, fault := wire.ParseInstant(p.after)
		if after = time.UnixMilli(ms); fault == "" && after.Unix() > cron.MaxInstant {
			fault = "must be an instant up to the year 2199"
		}
		if fault != "" {
			faults = append(faults, fmt.Errorf("--after=%s: %s", p.after, fault))
		}
	}
	var job domain.JobID
	if p.job != "" {
		if job, err = domain.ParseJobID(p.job); err != nil {
			faults = append(faults, fmt.Errorf("--job=%s: must be a UUID of 36 characters", p.job))
		}
	}
	return after, cron.SeedOf(job), errors.Join(faults...)
}

// explanation is a schedule in words and instants, in the form of the API.
type explanation struct {
	Description string    `json:"description"`
	Next        []instant `json:"next"`
	Warnings    []string  `json:"warnings"`
	DSTShifts   []shift   `json:"dstShifts"`
}

type instant struct {
	At    int64  `json:"at"`
	UTC   string `json:"utc"`
	Local string `json:"local"`

	ClockChange string `json:"clockChange,omitempty"`
}

type shift struct {
	At     int64  `json:"at"`
	Date   string `json:"date"`
	Kind   string `json:"kind"`
	Effect string `json:"effect"`
}

func explain(sched *cron.Schedule, b cron.Binding, after time.Time, count int) explanation {
	e := explanation{
		Description: sched.Describe(b), Next: []instant{}, Warnings: append([]string{}, sched.Warnings()...),
		DSTShifts: []shift{},
	}
	for at := after.Unix(); len(e.Next) < count; {
		next, ok := sched.Next(at, b)
		if !ok {
			break
		}
		t := time.Unix(next, 0)
		e.Next = append(e.Next, instant{next * 1000, t.UTC().Format(time.RFC3339),
			t.In(sched.Location()).Format(time.RFC3339), cron.ClockChange(time.Unix(at, 0), t, sched.Location())})
		at = next
	}
	until := after.AddDate(shiftYears, 0, 0).Unix()
	for _, sh := range sched.Shifts(after.Unix(), until, b) {
		e.DSTShifts = append(e.DSTShifts, shift{sh.At * 1000, sh.Date, sh.Kind, sh.Effect})
	}
	return e
}

// print writes the explanation for a reader.
func (e *explanation) print(w io.Writer, zone *time.Location) error {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	_, _ = fmt.Fprintf(table, "%s\n\n", e.Description)
	e.printInstants(table, zone)
	if len(e.Warnings) > 0 {
		_, _ = fmt.Fprintln(table, "\nWarnings")
	}
	for _, text := range e.Warnings {
		_, _ = fmt.Fprintf(table, "  %s\n", text)
	}
	if len(e.DSTShifts) > 0 {
		_, _ = fmt.Fprintln(table, "\nClock changes of the next two years")
	}
	for _, sh := range e.DSTShifts {
		_, _ = fmt.Fprintf(table, "  %s\t%s\n", sh.Date, sh.Effect)
	}
	return table.Flush()
}

func (e *explanation) printInstants(w io.Writer, zone *time.Location) {
	const utc, local = "Mon 2006-01-02 15:04:05", "Mon 2006-01-02 15:04:05 -07:00"
	switch {
	case len(e.Next) == 0:
		_, _ = fmt.Fprintln(w, "It does not fire any more.")
	case zone == time.UTC:
		_, _ = fmt.Fprintln(w, "  UTC")
	default:
		_, _ = fmt.Fprintf(w, "  %s\tUTC\n", zone)
	}
	for _, i := range e.Next {
		t := time.UnixMilli(i.At)
		if zone == time.UTC {
			_, _ = fmt.Fprintf(w, "  %s\n", t.UTC().Format(utc))
		} else {
			_, _ = fmt.Fprintf(w, "  %s\t%s\n", t.In(zone).Format(local), t.UTC().Format(utc))
		}
	}
}
