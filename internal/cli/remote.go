package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"time"

	"github.com/belfry-scheduler/belfry/internal/charset"
	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const serverFlag = "server"

const serverHelp = `--server or BELFRY_SERVER sets the URL of the server: http://HOST:PORT, https://HOST:PORT
or unix:///PATH. Without them it is the server on this machine, at HOST and PORT, with
TLS if BELFRY_TLS_CERT is set, or at BELFRY_UNIX_SOCKET, according to the variables or
the file of BELFRY_CONFIG. BELFRY_API_KEY is the key to send. The
variables may be in a .env file in the working directory.`

func addServerFlag(fs *pflag.FlagSet) {
	fs.String(serverFlag, "", "URL of the server [BELFRY_SERVER] (default http://HOST:PORT)")
}

// remote is what the commands have that speak to a server that runs.
type remote struct {
	in       io.Reader
	out, err io.Writer // of text and JSON with words from elsewhere, which command no terminal
	raw      struct{ out, err io.Writer }
	environ  []string
	clock    clock.Clock
}

func (s *shell) remote() *remote {
	r := &remote{in: s.in, out: &escaper{w: s.out}, err: &escaper{w: s.err}, environ: s.environ, clock: s.clock}
	r.raw.out, r.raw.err = s.out, s.err
	return r
}

// stream returns where an export goes: to the byte as the server sends it, unless that is a terminal.
func stream(r *remote) io.Writer {
	if isTerminal(r.raw.out) {
		return r.out
	}
	return r.raw.out
}

// connect returns a client of the server that the flag or the variables name.
func (r *remote) connect(fs *pflag.FlagSet) (*client.Client, error) {
	vars, err := config.Variables(".", r.environ)
	if err != nil {
		return nil, err
	}
	server, err := fs.GetString(serverFlag)
	if err != nil {
		return nil, err
	}
	if server == "" {
		server = vars[config.ServerVariable]
	}
	if server != "" {
		return client.New(server, vars[config.KeyVariable])
	}
	there := config.LocalServer(".", r.environ)
	if there.Socket != "" {
		return client.New((&url.URL{Scheme: "unix", Path: there.Socket}).String(), vars[config.KeyVariable])
	}
	if there.Certificate == "" {
		return client.New(urlOf("http", there.Address), vars[config.KeyVariable])
	}
	return local(there, vars[config.KeyVariable])
}

// speaking returns the work of a command that speaks to a server.
func (r *remote) speaking(work func(ctx context.Context, c *client.Client, args []string) error,
) func(*cobra.Command, []string) error {
	return running(func(cmd *cobra.Command, args []string) error {
		c, err := r.connect(cmd.Flags())
		if err != nil {
			return err
		}
		defer c.Close()
		return reach(c, work(cmd.Context(), c, args))
	})
}

// urlOf writes the URL of an address, which may have a zone.
func urlOf(scheme, address string) string { return (&url.URL{Scheme: scheme, Host: address}).String() }

// local returns a client of the server on this machine that uses TLS according to the
// same settings. The certificate is for a host name, which may differ from the address,
// so the client compares the certificate with the file instead of checking the name.
func local(there config.Local, key string) (*client.Client, error) {
	text, err := os.ReadFile(there.Certificate)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", config.CertificateVariable, err)
	}
	c, err := client.New(urlOf("https", there.Address), key)
	if err != nil {
		return nil, err
	}
	if err := c.Pin(charset.Trim(text)); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", config.CertificateVariable, there.Certificate, err)
	}
	return c, nil
}

// reach explains the error of a call to the server: which server was not reached, and
// what to do.
func reach(c *client.Client, err error) error {
	if p, ok := errors.AsType[*client.Problem](err); ok {
		if p.Status == http.StatusUnauthorized {
			return fmt.Errorf("%s requires an API key: set %s to one of its keys", c.Base(), config.KeyVariable)
		}
		return err
	}
	if ue, ok := errors.AsType[*url.Error](err); ok {
		if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT) {
			return fmt.Errorf("no server answers at %s: start `belfry serve`, or set the URL of the server with --%s",
				c.Base(), serverFlag)
		}
		return fmt.Errorf("cannot reach %s: %w", c.Base(), ue.Err)
	}
	return err
}

func auditInstant(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
}
