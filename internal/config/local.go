package config

import (
	"cmp"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
)

// Local has the address at which commands reach the server on this machine, provided that
// the server was started with the same variables and the same file.
type Local struct {
	Address     string // host:port
	Socket      string // absolute path of its unix socket, if it has no port; empty: it has one
	Certificate string // its certificate file; empty: it does not speak TLS
}

// LocalServer reads the same sources as [Load], except flags. It ignores errors, because
// the server reports them: a setting with an error counts as not set.
func LocalServer(dotEnvDir string, environ []string) Local {
	l := newLoader()
	vars, err := Variables(dotEnvDir, environ)
	if err != nil { // the .env file cannot be read
		vars, _ = Variables("", environ)
	}
	l.file(vars[FileVariable])
	l.variables(Source{Kind: FromEnvironment}, vars)
	c := l.config
	if !c.ListensOnTCP() {
		if path, err := filepath.Abs(c.UnixSocket); err == nil { // there is a working directory
			return Local{Socket: path}
		}
	}
	port := cmp.Or(c.Port, defaultPort) // the port that 0 became is unknown here
	return Local{Address: net.JoinHostPort(reachable(c.Host), strconv.Itoa(port)), Certificate: c.TLSCert}
}

// reachable returns the host at which a server is reached from its own machine: loopback
// if it listens on all addresses, otherwise the address on which it listens.
func reachable(host string) string {
	if addr, err := netip.ParseAddr(host); err == nil && addr.Unmap().IsUnspecified() {
		return defaultHost
	}
	return host
}
