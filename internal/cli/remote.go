package cli

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"syscall"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/spf13/pflag"
)

const serverFlag = "server"

const serverHelp = `The server is the one of --server or BELFRY_SERVER, otherwise the one on this
machine at PORT, by TLS if BELFRY_TLS_CERT is set. BELFRY_API_KEY is the key that is sent. The variables may be
in a .env file in the working directory.`

func addServerFlag(fs *pflag.FlagSet) {
	fs.String(serverFlag, "", "URL of the server [BELFRY_SERVER] (default http://127.0.0.1:PORT)")
}

// connect returns a client of the server that the flag or the variables name.
func (s *shell) connect(fs *pflag.FlagSet) (*client.Client, error) {
	vars, err := config.Variables(".", s.environ)
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
	address := "127.0.0.1:" + localPort(vars["PORT"])
	if vars[config.CertificateVariable] == "" {
		return client.New("http://"+address, vars[config.KeyVariable])
	}
	return local(address, vars)
}

// local returns a client of the server on this machine that speaks TLS by the
// same variables. Its certificate names a host, which 127.0.0.1 is not; the
// file says better than any name whether it is the right one.
func local(address string, vars map[string]string) (*client.Client, error) {
	file := vars[config.CertificateVariable]
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", config.CertificateVariable, err)
	}
	c, err := client.New("https://"+address, vars[config.KeyVariable])
	if err != nil {
		return nil, err
	}
	if err := c.Pin(text); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", config.CertificateVariable, file, err)
	}
	return c, nil
}

// localPort is where a server on this machine listens by the same variables.
func localPort(text string) string {
	if n, err := strconv.Atoi(text); err == nil && n > 0 && n < 1<<16 {
		return text
	}
	return "3000"
}

// reach puts the error of a call to the server in words: whom it did not
// reach, and what to do.
func reach(c *client.Client, err error) error {
	if p, ok := errors.AsType[*client.Problem](err); ok {
		if p.Status == http.StatusUnauthorized {
			return fmt.Errorf("%s asks for an API key: set %s to one of the server's", c.Base(), config.KeyVariable)
		}
		return err
	}
	if ue, ok := errors.AsType[*url.Error](err); ok {
		if errors.Is(err, syscall.ECONNREFUSED) {
			return fmt.Errorf("nothing answers at %s: start `belfry serve`, or name the server with --%s", c.Base(), serverFlag)
		}
		return fmt.Errorf("cannot reach %s: %w", c.Base(), ue.Err)
	}
	return err
}
