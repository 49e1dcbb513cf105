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

// measurement is one part of the bench.
type measurement struct {
	name string
	run  func(ctx context.Context, b *bench.Bench, o *benchOptions, r *bench.Report) error
}

// measurements are all parts, in the order in which they are made.
var measurements = []measurement{
	{"throughput", func(ctx context.Context, b *bench.Bench, o *benchOptions, r *bench.Report) (err error) {
		var got bench.Throughput
		got, err = b.Throughput(ctx, bench.Search{Seconds: o.seconds, From: o.from, Steps: o.steps})
		r.Throughput = &got
		return err
	}},
	{"drift", func(ctx context.Context, b *bench.Bench, o *benchOptions, r *bench.Report) (err error) {
		r.Drift, err = b.Drift(ctx, o.jobs, o.seconds)
		return err
	}},
	{"lone", func(ctx context.Context, b *bench.Bench, o *benchOptions, r *bench.Report) (err error) {
		var got bench.Lone
		got, err = b.Lone(ctx, o.pick(20*o.seconds, o.seconds))
		r.Lone = &got
		return err
	}},
	{"traffic", func(ctx context.Context, b *bench.Bench, o *benchOptions, r *bench.Report) (err error) {
		var got bench.Traffic
		got, err = b.Traffic(ctx, o.rate, o.seconds, o.pick(100_000, 2_000))
		r.Traffic = &got
		return err
	}},
	{"events", func(ctx context.Context, b *bench.Bench, o *benchOptions, r *bench.Report) (err error) {
		var got bench.Pages
		got, err = b.Pages(ctx, o.rate, o.seconds, o.pages)
		r.Pages = &got
		return err
	}},
	{"bulk", func(ctx context.Context, b *bench.Bench, o *benchOptions, r *bench.Report) (err error) {
		r.Bulk, err = b.Bulk(ctx, o.pick(100_000, 2_000), o.rate, o.seconds)
		return err
	}},
	{"create", func(ctx context.Context, b *bench.Bench, o *benchOptions, r *bench.Report) (err error) {
		r.Create, err = b.Create(ctx, o.clients, time.Duration(o.pick(10, 1))*time.Second, o.pick(200_000, 10_000))
		return err
	}},
	{"inflight", func(ctx context.Context, b *bench.Bench, o *benchOptions, r *bench.Report) (err error) {
		r.InFlight, err = b.InFlight(ctx, o.delays, o.calls, o.pick(10, 1))
		if err != nil {
			return err
		}
		var dead bench.DeadHost
		dead, err = b.DeadHost(ctx, o.rate, o.pick(2_000, 20), o.seconds*3/2) // its calls time out after 30 s
		r.DeadHost = &dead
		return err
	}},
	{"recovery", func(ctx context.Context, b *bench.Bench, o *benchOptions, r *bench.Report) (err error) {
		r.Recovery, err = b.Recovery(ctx, o.jobs[len(o.jobs)-1:], time.Duration(o.pick(10, 2))*time.Second)
		return err
	}},
	{"big", func(ctx context.Context, b *bench.Bench, o *benchOptions, r *bench.Report) (err error) {
		r.Big, err = b.Big(ctx, o.many, o.pick(10_000, 100), o.pick(10, 2))
		return err
	}},
	{"tls", func(ctx context.Context, b *bench.Bench, o *benchOptions, r *bench.Report) (err error) {
		r.TLS, err = b.TLS(ctx, o.tls)
		return err
	}},
	{"cluster", func(ctx context.Context, b *bench.Bench, o *benchOptions, r *bench.Report) error {
		if o.with.Database == "" && o.all {
			return nil // the only part that needs it
		}
		cfg := o.cluster
		cfg.Rate, cfg.Seconds = o.rate, o.seconds
		got, err := b.Cluster(ctx, cfg)
		r.Cluster = &got
		return err
	}},
	{"history", func(ctx context.Context, b *bench.Bench, o *benchOptions, r *bench.Report) error {
		for _, rows := range o.rows {
			got, err := b.History(ctx, bench.HistorySize{
				Rows: int64(rows), Days: o.days, Queries: o.pick(2_000, 200), Keep: o.keep,
			})
			if err != nil {
				return err
			}
			r.History = append(r.History, got)
		}
		return nil
	}},
	{"growth", func(ctx context.Context, b *bench.Bench, o *benchOptions, r *bench.Report) (err error) {
		r.Growth, err = b.Growth(ctx, bench.GrowthConfig{
			Rate: o.pick(100, 10), Jobs: o.pick(10_000, 10), Hosts: 1, Decades: o.pick(3, 2), Seconds: o.pick(10, 1),
		})
		return err
	}},
}

func benchNames() []string {
	names := make([]string, len(measurements))
	for i, m := range measurements {
		names[i] = m.name
	}
	return names
}

// benchOptions is what the command line says of a bench.
type benchOptions struct {
	quick, asJSON bool
	svg           string
	seconds       int
	from, steps   int
	rate, pages   int
	jobs          []int
	clients       []int
	many          []int
	calls         []int
	delays        []time.Duration
	rows          []int
	days          int
	keep          bool
	tls           bench.HostsConfig
	with          bench.Config // but for what the bench itself sets
	all           bool         // parts are measured that nobody has named
	cluster       bench.ClusterConfig
}

// pick returns the first value, or with --quick the second.
func (o *benchOptions) pick(full, quick int) int {
	if o.quick {
		return quick
	}
	return full
}

func (s *shell) benchCommand() *cobra.Command {
	o := benchOptions{}
	cmd := &cobra.Command{
		Use:   "bench [" + strings.Join(benchNames(), "|") + "]...",
		Short: "Measure Belfry on this machine",
		Long: `Measure Belfry on this machine. The bench starts a receiver and servers, each in its
own process, on loopback and in a temporary folder, and counts the requests that the
receiver gets. Without arguments it measures everything, which takes about an hour.

  throughput   the largest sustained number of jobs that fire every second, compared
               with a bare client that only sends POST requests, in the same run
  drift        how late N jobs are sent that are due at the same instant
  lone         how late a single job is sent, compared with a bare timer
  traffic      drift while clients read, import and export
  events       drift while pages of the dashboard are open, which follow the events and refresh
               what they show
  bulk         pause, resume, tag, delete and trigger 100,000 jobs in one operation each, and
               drift beside
  create       jobs registered a second, one by one and by import
  inflight     calls that wait for slow targets, and calls beside a dead target
  recovery     how a server recovers after a kill
  big          memory, start and drift of a server with a million jobs and more
  tls          many hosts, over HTTPS or HTTP: throughput beside bare loops of HTTP/1.1 and
               HTTP/2, drift, a cold start, overload, memory (about ten minutes)
  cluster      servers on one PostgreSQL database (--database): what a fire costs with 1, 2
               and 3 of them; servers that are killed and stopped, and a database that is away
  history      a store with many executions (10 million; 100 million take 5 GB and a few
               minutes): commits while it grows, lists, bytes, export, deleting a day
  growth       how cost grows with fires, jobs and hosts

Tables go to stdout, progress to stderr. Run nothing else at the same time.`,
		Example: `  belfry bench --quick
  belfry bench drift --jobs 100,1000 --json
  belfry bench big --many 1000000,10000000
  belfry bench tls --parts throughput,drift --hosts 1,100 --scheme http,https
  belfry bench tls --parts overload --hosts 100 --sustained 10000
  belfry bench cluster --database postgres://postgres@127.0.0.1/postgres
  belfry bench history --rows 100000000 --folder /data --keep`,
		Args: func(_ *cobra.Command, args []string) error {
			for _, a := range args {
				if !slices.Contains(benchNames(), a) {
					return fmt.Errorf("there is no bench %q; there are %s", a, strings.Join(benchNames(), ", "))
				}
			}
			return nil
		},
		RunE: running(func(cmd *cobra.Command, args []string) error {
			if o.all = len(args) == 0; o.all {
				args = benchNames()
			}
			return s.bench(cmd.Context(), &o, args)
		}),
	}
	o.addFlags(cmd)
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		o.applyQuick(cmd)
		o.applyHosts(cmd)
		return o.validate()
	}
	return cmd
}

func (o *benchOptions) addFlags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.BoolVar(&o.quick, "quick", false, "measure for seconds instead of minutes: a first impression, not "+
		"figures to publish")
	fs.BoolVar(&o.asJSON, "json", false, "print the report as JSON")
	fs.IntVar(&o.seconds, "seconds", 30, "duration of each rate (5 with --quick)")
	fs.IntVar(&o.from, "from", 0, "throughput: initial jobs each second (default half of the bare loop's rate)")
	fs.IntVar(&o.steps, "steps", 8, "throughput: maximum number of rates to try")
	fs.IntSliceVar(&o.jobs, "jobs", []int{10, 100, 1_000, 5_000, 10_000},
		"drift: jobs due at the same instant; recovery: the last value")
	fs.IntVar(&o.rate, "rate", 5_000, "traffic, events, inflight: fires a second that are measured (100 with --quick)")
	fs.IntVar(&o.pages, "pages", 50, "events: open pages")
	fs.IntSliceVar(&o.clients, "clients", []int{1, 8, 32, 128}, "create: number of simultaneous clients")
	fs.DurationSliceVar(&o.delays, "delays", []time.Duration{100 * time.Millisecond, time.Second, 10 * time.Second},
		"inflight: how long a target takes (100ms with --quick)")
	fs.IntSliceVar(&o.calls, "calls", []int{1_000, 5_000, 20_000}, "inflight: calls in flight (100 with --quick)")
	fs.IntSliceVar(&o.many, "many", []int{1_000_000}, "big: jobs (5000 with --quick)")
	fs.IntSliceVar(&o.rows, "rows", []int{10_000_000}, "history: executions, one store for each number (1000000 "+
		"with --quick)")
	fs.IntVar(&o.days, "days", 5, "history: number of days over which they are spread")
	fs.BoolVar(&o.keep, "keep", false, "history: do not delete the store in --folder, and continue with "+
		"an existing one")
	addHostsFlags(fs, &o.tls)
	fs.StringVar(&o.with.Database, "database", "", "URL of a PostgreSQL server on which databases may be made")
	fs.IntSliceVar(&o.cluster.Nodes, "nodes", []int{1, 2, 3}, "cluster: servers that share the jobs")
	fs.IntVar(&o.cluster.Jobs, "ends-rate", 2_000,
		"cluster: jobs due each second while servers end (50 with --quick)")
	fs.IntVar(&o.cluster.Kills, "kills", 5, "cluster: servers that are killed, and stopped (1 with --quick)")
	fs.DurationVar(&o.cluster.Down, "down", 30*time.Second, "cluster: how long the database is away (5s with --quick)")
	fs.StringVar(&o.svg, "svg", "", "growth: file for a picture of the curves")
	fs.StringVar(&o.with.Folder, "folder", "", "folder for the databases (default a temporary folder)")
	fs.StringVar(&o.with.Server, "server", "", "belfry whose server is measured (default this one)")
	fs.StringArrayVar(&o.with.Settings, "setting", nil, "environment variable of the servers, as NAME=VALUE; "+
		"repeatable")
}

// applyQuick sets the flags that --quick changes, unless the user has set them.
func (o *benchOptions) applyQuick(cmd *cobra.Command) {
	if !o.quick {
		return
	}
	unset := func(name string) bool { return !cmd.Flags().Changed(name) }
	if unset("seconds") {
		o.seconds = 5
	}
	if unset("rate") {
		o.rate = 100
	}
	if unset("calls") {
		o.calls = []int{100}
	}
	if unset("delays") {
		o.delays = []time.Duration{100 * time.Millisecond}
	}
	if unset("many") {
		o.many = []int{5_000}
	}
	if unset("ends-rate") {
		o.cluster.Jobs = 50
	}
	if unset("kills") {
		o.cluster.Kills = 1
	}
	if unset("down") {
		o.cluster.Down = 5 * time.Second
	}
	if unset("rows") {
		o.rows = []int{1_000_000}
	}
}

func (o *benchOptions) validate() error {
	for _, f := range []struct {
		name   string
		values []int
		lo, hi int
	}{
		{"seconds", []int{o.seconds}, 1, 3600},
		{"from", []int{o.from}, 0, 1_000_000},
		{"steps", []int{o.steps}, 1, 30},
		{"rate", []int{o.rate}, 1, 100_000},
		{"pages", []int{o.pages}, 1, 64}, // as many streams of events as one caller may have
		{"jobs", o.jobs, 1, 1_000_000},
		{"clients", o.clients, 1, 1_000},
		{"calls", o.calls, 1, 1_000_000},
		{"many", o.many, 1, 100_000_000},
		{"rows", o.rows, 10_000, 2_000_000_000},
		{"days", []int{o.days}, 1, 60},
		{"nodes", o.cluster.Nodes, 1, 20},
		{"ends-rate", []int{o.cluster.Jobs}, 1, 100_000},
		{"kills", []int{o.cluster.Kills}, 0, 1_000},
		{"hosts", o.tls.Hosts, 1, 5_000},
		{"warm-seconds", []int{o.tls.WarmSeconds}, 0, 60},
		{"sustained", []int{o.tls.Sustained}, 0, 1_000_000},
		{"overload-seconds", []int{o.tls.OverloadSeconds}, 2, 600},
		{"busy-seconds", []int{o.tls.BusySeconds}, 2, 600},
	} {
		for _, v := range f.values {
			if v < f.lo || v > f.hi {
				return fmt.Errorf("--%s must be from %d to %d, not %d", f.name, f.lo, f.hi, v)
			}
		}
	}
	switch {
	case len(o.jobs) == 0:
		return errors.New("--jobs must name a number")
	case o.keep && o.with.Folder == "":
		return errors.New("--keep needs a --folder")
	case slices.ContainsFunc(o.delays, func(d time.Duration) bool { return d < time.Millisecond || d > time.Minute }):
		return fmt.Errorf("--delays must be from 1ms to 1m, not %v", o.delays)
	}
	return checkHosts(&o.tls)
}

func (s *shell) bench(ctx context.Context, o *benchOptions, names []string) (err error) {
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	with := o.with
	with.Binary, with.Clock, with.Log = binary, s.clock, s.err
	b, err := bench.New(ctx, with)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	report := bench.NewReport(s.clock, currentBuild().Version)
	for _, m := range measurements {
		if !slices.Contains(names, m.name) {
			continue
		}
		_, _ = fmt.Fprintf(s.err, "%s ...\n", m.name)
		if err := m.run(ctx, b, o, report); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	if o.svg != "" && report.Growth != nil {
		if err := draw(report, o.svg); err != nil {
			return err
		}
	}
	if o.asJSON {
		out := json.NewEncoder(s.out)
		out.SetIndent("", "  ")
		return out.Encode(report)
	}
	return report.Text(s.out)
}

// draw writes the curves of the report into a file.
func draw(r *bench.Report, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	caption := fmt.Sprintf("belfry %s, %s, %d cores (%s)", r.Version, r.At.Format(time.DateOnly),
		r.Machine.Cores, r.Machine.CPU)
	return errors.Join(r.Growth.SVG(f, caption), f.Close())
}
