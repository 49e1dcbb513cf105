package cli

import (
	"context"
	"fmt"

	"github.com/belfry-scheduler/belfry/internal/receiver"
	"github.com/spf13/cobra"
)

func (s *shell) receiverCommand() *cobra.Command {
	cfg := receiver.Config{Clock: s.clock}
	quiet := false
	cmd := &cobra.Command{
		Use:   "receiver",
		Short: "Run a target for trying out jobs",
		Long: `Run a target for trying out jobs: an HTTP server that answers according to the path,
at once, late, with an error or not at all. GET / lists the paths, GET /stats the
counters. The receiver prints one line per request, and the totals at the end. It is
meant for trials and tests: anyone who can reach its address can call it.`,
		Example: `  belfry receiver
  belfry receiver --addr 0.0.0.0:4444 --quiet --log requests.log`,
		Args: noArgs,
		RunE: running(func(cmd *cobra.Command, _ []string) error {
			if cfg.Ports < 1 || cfg.Ports > 10_000 {
				return fmt.Errorf("--ports must be from 1 to 10000, not %d", cfg.Ports)
			}
			if !quiet {
				cfg.Out = s.out
			}
			return s.receive(cmd.Context(), cfg)
		}),
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&cfg.Addr, "addr", receiver.DefaultAddr, "address to listen on; port 0 picks a free one")
	fs.IntVar(&cfg.Ports, "ports", 1, "number of ports, the further ones free: each is a host of its own")
	fs.StringVar(&cfg.LogPath, "log", "", "file to append one line per request to, for programs")
	fs.BoolVar(&cfg.Dead, "dead", false, "accept connections and never answer")
	fs.BoolVar(&quiet, "quiet", false, "print no line per request")
	return cmd
}

func (s *shell) receive(ctx context.Context, cfg receiver.Config) error {
	r, err := receiver.New(cfg)
	if err != nil {
		return err
	}
	for _, addr := range r.Addrs() {
		_, _ = fmt.Fprintf(s.err, "receiver listens on http://%s\n", addr)
	}
	if err := r.Run(ctx); err != nil {
		return err
	}
	got := r.Stats()
	_, _ = fmt.Fprintf(s.err, "%d requests, %d executions, %d retries, %d duplicates, %d early\n",
		got.Requests, got.Executions, got.Retries, got.Duplicates, got.Early)
	return nil
}
