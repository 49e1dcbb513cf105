package cli

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/belfry-scheduler/belfry/internal/app"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/cron"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const configFlag = "config"

// addConfigFlags adds the flags of all settings, and the flag for the file.
func addConfigFlags(fs *pflag.FlagSet) {
	fs.SortFlags = false
	fs.String(configFlag, "", "YAML file with settings ["+config.FileVariable+"]")
	config.RegisterFlags(fs)
}

func (s *shell) loadConfig(fs *pflag.FlagSet) (*config.Config, error) {
	file, err := fs.GetString(configFlag)
	if err != nil {
		return nil, err
	}
	return config.Load(config.Options{File: file, DotEnvDir: ".", Environ: s.environ, Flags: fs})
}

func (s *shell) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check the settings of the server",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	check := &cobra.Command{
		Use:   "check",
		Short: "Print the settings in effect, or all errors in them",
		Long: `Print every setting with its value and its source, or all errors.
The command takes the flags of serve and reads the same file, .env and environment, and
the files that they name. What it refuses serve refuses, with the same words, and the
other way round. Only a start finds out whether the port is free, the folders can be
written, and the database answers and has API keys. API keys are not shown.`,
		Example: `  belfry config check
  belfry config check --config belfry.yaml --port 8080`,
		Args: noArgs,
		RunE: running(func(cmd *cobra.Command, _ []string) error {
			c, err := s.loadConfig(cmd.Flags())
			if err != nil {
				return err
			}
			if err := judge(c); err != nil {
				return err
			}
			return printSettings(s.out, c)
		}),
	}
	addConfigFlags(check.Flags())
	cmd.AddCommand(check)
	return cmd
}

func printSettings(w io.Writer, c *config.Config) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if _, err := fmt.Fprintln(table, "SETTING\tVALUE\tFROM"); err != nil {
		return err
	}
	for _, e := range c.Describe() {
		value := e.Value
		if value == "" {
			value = "-"
		}
		if _, err := fmt.Fprintf(table, "%s\t%s\t%s\n", e.Key, value, e.Source); err != nil {
			return err
		}
	}
	return table.Flush()
}

// judge returns why no server can start with settings, every reason at once. It activates the zone data that they name.
func judge(c *config.Config) error { return errors.Join(useZones(c.Zoneinfo), app.Judge(c)) }

// useZones activates the zone data that the operator has named.
func useZones(path string) error {
	if path == "" {
		return nil
	}
	data, err := cron.OpenZones(path)
	if err != nil {
		return fmt.Errorf("zoneinfo: %w", err)
	}
	cron.UseZones(data)
	return nil
}
