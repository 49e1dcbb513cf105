package config

import (
	"cmp"
	"net"
	"net/netip"
	"strconv"
)

// Local says how commands reach the server on this machine that is started by
// the same variables and the same file.
type Local struct {
	Address     string // host:port
	Certificate string // its certificate file; empty: it does not speak TLS
}

// LocalServer reads what [Load] would, without flags. A fault is the server's to
// tell, not that of a command that only asks it something: the setting counts
// as not set.
func LocalServer(dotEnvDir string, environ []string) Local {
	l := newLoader()
	vars, err := Variables(dotEnvDir, environ)
	if err != nil { // the .env file cannot be read
		vars, _ = Variables("", environ)
	}
	l.file(vars[FileVariable])
	l.variables(Source{Kind: FromEnvironment}, vars)
	c := l.config
	port := cmp.Or(c.Port, defaultPort) // of port 0 nobody knows what it became
	return Local{net.JoinHostPort(reachable(c.Host), strconv.Itoa(port)), c.TLSCert}
}

// reachable returns the host at which a server that listens on another one is
// reached from its own machine: one that listens on all addresses, on loopback.
func reachable(host string) string {
	if addr, err := netip.ParseAddr(host); err == nil && addr.Unmap().IsUnspecified() {
		return defaultHost
	}
	return host
}
