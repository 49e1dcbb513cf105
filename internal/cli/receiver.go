package cli

import (
	"context"
	"errors"
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
meant for trials and tests: anyone who can reach its address can call it.

With --tls it makes a certificate at each start and prints the file that a server must
trust (belfry serve --egress-ca-file FILE), unless --cert and --key name another one.`,
		Example: `  belfry receiver
  belfry receiver --addr 0.0.0.0:4444 --quiet --log requests.log
  belfry receiver --tls --http2 --ca-file receiver.pem`,
		Args: noArgs,
		RunE: running(func(cmd *cobra.Command, _ []string) error {
			if err := checkReceiver(cfg); err != nil {
				return err
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
	fs.BoolVar(&cfg.TLS, "tls", false, "speak TLS")
	fs.BoolVar(&cfg.HTTP2, "http2", false, "offer HTTP/2 beside HTTP/1.1; needs --tls")
	fs.StringVar(&cfg.CertFile, "cert", "", "certificate chain in PEM instead of one that is made; needs --key")
	fs.StringVar(&cfg.KeyFile, "key", "", "its private key in PEM")
	fs.StringVar(&cfg.CAFile, "ca-file", "", "file for the certificate that is made (default a temporary file)")
	fs.BoolVar(&quiet, "quiet", false, "print no line per request")
	return cmd
}

// checkReceiver checks what the command line says.
func checkReceiver(cfg receiver.Config) error {
	switch {
	case cfg.Ports < 1 || cfg.Ports > 10_000:
		return fmt.Errorf("--ports must be from 1 to 10000, not %d", cfg.Ports)
	case !cfg.TLS && (cfg.HTTP2 || cfg.CertFile != "" || cfg.KeyFile != "" || cfg.CAFile != ""):
		return errors.New("--http2, --cert, --key and --ca-file need --tls")
	case (cfg.CertFile == "") != (cfg.KeyFile == ""):
		return errors.New("--cert and --key need each other")
	case cfg.CertFile != "" && cfg.CAFile != "":
		return errors.New("--ca-file is for the certificate that is made, which --cert replaces")
	}
	return nil
}

func (s *shell) receive(ctx context.Context, cfg receiver.Config) error {
	r, err := receiver.New(cfg)
	if err != nil {
		return err
	}
	if file := r.CAFile(); file != "" {
		_, _ = fmt.Fprintf(s.err, "certificate to trust: %s\n", file)
	}
	for _, url := range r.URLs() {
		_, _ = fmt.Fprintf(s.err, "receiver listens on %s\n", url)
	}
	if err := r.Run(ctx); err != nil {
		return err
	}
	got := r.Stats()
	_, _ = fmt.Fprintf(s.err, "%d requests, %d executions, %d retries, %d duplicates, %d early\n",
		got.Requests, got.Executions, got.Retries, got.Duplicates, got.Early)
	return nil
}
