package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/bench"
	"github.com/spf13/cobra"
)

// benchNames are the measurements, in the order in which they are made.
var benchNames = []string{"throughput", "drift", "create", "history"}

// benchOptions is what the command line says of a bench.
type benchOptions struct {
	quick, asJSON bool
	folder        string
	seconds       int
	from, steps   int
	jobs          []int
	clients       []int
	rows          []int
	days          int
	keep          bool
}

func (s *shell) benchCommand() *cobra.Command {
	o := benchOptions{}
	cmd := &cobra.Command{
		Use:   "bench [throughput|drift|create|history]...",
		Short: "Measure Belfry on this machine",
		Long: `Measure Belfry on this machine: a receiver and servers of its own, on loopback and in
a temporary folder, each in a process of its own. What counts is what the receiver
saw. Without arguments everything is measured, which takes a quarter of an hour.

  throughput   the most every-second jobs that are sustained, beside the rate of a
               bare client that does nothing but POST, in the same run
  drift        how late N jobs leave that are due at the same instant
  create       jobs registered a second, one by one and by import
  history      a store of so many executions (10 million; 100 million take 5 GB and some
               minutes): commits while it grows, lists, bytes, export, dropping a day

Tables go to stdout, progress to stderr. Run nothing else meanwhile.`,
		Example: `  belfry bench --quick
  belfry bench drift --jobs 100,1000 --json
  belfry bench history --rows 100000000 --folder /data --keep`,
		Args: func(_ *cobra.Command, args []string) error {
			for _, a := range args {
				if !slices.Contains(benchNames, a) {
					return fmt.Errorf("there is no bench %q; there are %s", a, strings.Join(benchNames, ", "))
				}
			}
			return nil
		},
		RunE: running(func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = benchNames
			}
			return s.bench(cmd.Context(), o, args)
		}),
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.BoolVar(&o.quick, "quick", false, "seconds instead of minutes: for a look, not to be quoted")
	fs.BoolVar(&o.asJSON, "json", false, "print the report as JSON")
	fs.IntVar(&o.seconds, "seconds", 30, "how long each rate is held (5 with --quick)")
	fs.IntVar(&o.from, "from", 0, "throughput: jobs each second to begin with (default half of the bare loop's rate)")
	fs.IntVar(&o.steps, "steps", 8, "throughput: rates that are tried at most")
	fs.IntSliceVar(&o.jobs, "jobs", []int{10, 100, 1_000, 5_000, 10_000}, "drift: jobs due at the same instant")
	fs.IntSliceVar(&o.clients, "clients", []int{1, 8, 32, 128}, "create: clients at a time")
	fs.IntSliceVar(&o.rows, "rows", []int{10_000_000}, "history: executions, a store for each number (1000000 with --quick)")
	fs.IntVar(&o.days, "days", 5, "history: days that they are spread over")
	fs.BoolVar(&o.keep, "keep", false, "history: leave it in --folder, and go on with what is there")
	fs.StringVar(&o.folder, "folder", "", "where the databases are made (default a temporary folder)")
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if o.quick && !cmd.Flags().Changed("seconds") {
			o.seconds = 5
		}
		if o.quick && !cmd.Flags().Changed("rows") {
			o.rows = []int{1_000_000}
		}
		return o.validate()
	}
	return cmd
}

func (o *benchOptions) validate() error {
	switch {
	case o.seconds < 1 || o.seconds > 3600:
		return fmt.Errorf("--seconds must be from 1 to 3600, not %d", o.seconds)
	case o.from < 0 || o.from > 1_000_000:
		return fmt.Errorf("--from must be from 0 to 1000000, not %d", o.from)
	case o.steps < 1 || o.steps > 30:
		return fmt.Errorf("--steps must be from 1 to 30, not %d", o.steps)
	case slices.ContainsFunc(o.jobs, func(n int) bool { return n < 1 || n > 1_000_000 }):
		return fmt.Errorf("--jobs must be from 1 to 1000000, not %v", o.jobs)
	case slices.ContainsFunc(o.clients, func(n int) bool { return n < 1 || n > 1_000 }):
		return fmt.Errorf("--clients must be from 1 to 1000, not %v", o.clients)
	case slices.ContainsFunc(o.rows, func(n int) bool { return n < 10_000 || n > 2_000_000_000 }):
		return fmt.Errorf("--rows must be from 10000 to 2000000000, not %v", o.rows)
	case o.days < 1 || o.days > 60:
		return fmt.Errorf("--days must be from 1 to 60, not %d", o.days)
	case o.keep && o.folder == "":
		return errors.New("--keep needs a --folder")
	}
	return nil
}

func (s *shell) bench(ctx context.Context, o benchOptions, names []string) (err error) {
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	b, err := bench.New(ctx, bench.Config{Binary: binary, Folder: o.folder, Clock: s.clock, Log: s.err})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	report := bench.NewReport(s.clock, currentBuild().Version)
	for _, name := range benchNames {
		if !slices.Contains(names, name) {
			continue
		}
		_, _ = fmt.Fprintf(s.err, "%s ...\n", name)
		if err := o.measure(ctx, b, name, report); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if o.asJSON {
		out := json.NewEncoder(s.out)
		out.SetIndent("", "  ")
		return out.Encode(report)
	}
	return report.Text(s.out)
}

func (o *benchOptions) measure(ctx context.Context, b *bench.Bench, name string, report *bench.Report) (err error) {
	create, imported := 10*time.Second, 200_000
	if o.quick {
		create, imported = time.Second, 10_000
	}
	switch name {
	case "throughput":
		var got bench.Throughput
		got, err = b.Throughput(ctx, bench.Search{Seconds: o.seconds, From: o.from, Steps: o.steps})
		report.Throughput = &got
	case "drift":
		report.Drift, err = b.Drift(ctx, o.jobs, o.seconds)
	case "create":
		report.Create, err = b.Create(ctx, o.clients, create, imported)
	case "history":
		return o.history(ctx, b, report)
	}
	return err
}

func (o *benchOptions) history(ctx context.Context, b *bench.Bench, report *bench.Report) error {
	queries := 2_000
	if o.quick {
		queries = 200
	}
	for _, rows := range o.rows {
		got, err := b.History(ctx, bench.HistorySize{Rows: int64(rows), Days: o.days, Queries: queries, Keep: o.keep})
		if err != nil {
			return err
		}
		report.History = append(report.History, got)
	}
	return nil
}
