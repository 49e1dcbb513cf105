package cli

import (
	"errors"
	"fmt"

	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/spf13/cobra"
)

func (s *shell) signingSecretCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "signing-secret NAMESPACE",
		Short: "Print the secret that signs the calls of a namespace",
		Long: `Print the secret with which the targets of a namespace verify their calls. It is
derived from the server's secret, which the command reads from BELFRY_SIGNING_SECRET,
.env or the file of --config, as serve does; it asks no server. With two secrets, during
a rotation, it prints two lines, the new one first.`,
		Example: `  belfry signing-secret billing
  belfry signing-secret billing --config belfry.yaml`,
		Args: oneArg("the name of a namespace"),
		RunE: running(func(cmd *cobra.Command, args []string) error {
			c, err := s.loadConfig(cmd.Flags())
			switch {
			case err != nil:
				return err
			case !domain.ValidNamespace(args[0]):
				return fmt.Errorf("%q is no namespace: it must be 1 to 63 of a-z, 0-9 and -", args[0])
			case len(c.SigningSecrets) == 0:
				return errors.New("there is no signing secret: set BELFRY_SIGNING_SECRET to that of the server")
			}
			for _, secret := range c.SigningSecrets {
				derived, err := secret.Derive(args[0])
				if err != nil {
					return err
				}
				if _, err := fmt.Fprintln(s.out, derived.Reveal()); err != nil {
					return err
				}
			}
			return nil
		}),
	}
	cmd.Flags().String(configFlag, "", "YAML file with settings ["+config.FileVariable+"]")
	return cmd
}
