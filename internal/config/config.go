package config

import (
	"cmp"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/egress"
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// Config has all settings of `belfry serve`. A value that [Load] has returned is complete
// and valid; it is not changed afterwards.
type Config struct {
	Host       string // address to listen on: an IP address or a host name
	Port       int    // 0 to 65535; 0 takes a free one
	UnixSocket string // path of a socket to listen on, for this user alone; empty: none
	DBPath     string // file of jobs.db; history and the lock lie beside it
	// of a PostgreSQL server, in the place of DBPath, or of a file that has it; empty: there is none
	DatabaseURL     Secret
	DatabaseURLFile string
	Cluster         Cluster    // of the servers that share that database
	LogLevel        slog.Level // least level that is logged
	LogDir          string     // folder of combined.log and error.log; empty: no files
	DBVerbose       bool       // log every SQL statement
	Env             Env        // decides how the console log looks
	APIKeys         []Secret   // who may come in; empty: everyone who reaches the port
	// seal the secrets of jobs, the first; empty: the key file beside the database
	EncryptionKeys     []Secret
	ShortAPIKeys       bool                // accept API keys that could be guessed
	InsecureNoAuth     bool                // listen beyond loopback without a key
	TrustedProxies     []netip.Prefix      // whose word about their clients counts
	TLSCert            string              // file of the server's certificate chain, PEM; empty: no TLS
	TLSKey             string              // file of its key, PEM
	RateLimit          int                 // requests a second that one key may make; zero: any number
	Sessions           Sessions            // of browsers
	MaxConnections     int                 // clients connected at a time
	MaxConnectionRate  int                 // new connections a second; those beyond wait
	Retention          time.Duration       // how long history is kept
	MaxInFlight        int                 // calls in flight in all
	MaxInFlightPerHost int                 // calls in flight to one host
	ShutdownGrace      time.Duration       // how long SIGTERM waits for calls in flight
	MaxBody            int64               // bytes of a request body
	MaxImport          int64               // bytes of an import body
	Egress             egress.Mode         // how far calls may reach
	EgressAllow        egress.Rules        // what may be called although Egress says no
	EgressDeny         egress.Rules        // what may not be called; goes over EgressAllow
	EgressCAFile       string              // authorities to trust beside the system's; empty: none
	ClientCertificates []ClientCertificate // by name
	HTTP2              bool                // call targets by HTTP/2 where they offer it
	Prepare            bool                // open connections before fires are due
	Zoneinfo           string              // zip or folder of time zone data; empty: the embedded ones
	SigningSecrets     []webhook.Secret    // sign the calls of jobs that have none of their own
	SigningUndivided   []string            // namespaces whose calls the secrets themselves sign, too
	AlertURLs          []Secret            // webhooks that are told of failures
	PublicURL          string              // of the page, for messages and sign-ins; empty: messages have no link
	Deadman            Deadman             // whom to call while jobs are fired
	OIDC               OIDC                // by whom people sign in
	ResetWatermark     bool                // give up the fires up to now that are not on record

	sources map[string]Source // by key; absent: the default
}

// Sessions says how long those who have signed in with a browser may come in.
type Sessions struct {
	TTL  time.Duration // in all
	Idle time.Duration // without a request
}

// Deadman says whom to call for as long as jobs are fired.
type Deadman struct {
	URLs     []Secret // one at most
	Interval time.Duration
}

// OIDC says by which provider of OpenID Connect people sign in.
type OIDC struct {
	Issuer           string // URL of the provider; empty: there is none
	ClientID         string
	ClientSecret     Secret // or in ClientSecretFile
	ClientSecretFile string
	Scopes           []string
	Grants           []string // what people may do, as access.ParseGrants reads it
	Name             string   // of the provider, for people
}

// Cluster is what a server is among those that share a database.
type Cluster struct {
	NodeName  string // as it is set; see Config.NodeName
	Advertise string // as it is set; see Config.AdvertisedURL
	Role      Role
}

// Role says what a server does of the work of a cluster.
type Role string

// The roles of a server.
const (
	RoleAll       Role = "all"
	RoleAPI       Role = "api"       // answers requests and fires no jobs
	RoleScheduler Role = "scheduler" // fires jobs and answers only other servers, probes and metrics
)

// Env says what kind of deployment this is.
type Env string

// The environments differ only in the format of the console log. Scheduling is the same
// in both, so that a test on a development server is valid for production.
const (
	Development Env = "development" // coloured text
	Production  Env = "production"  // JSON lines
)

// Address returns host:port in the form that net.Listen takes.
func (c *Config) Address() string {
	return net.JoinHostPort(c.Host, strconv.Itoa(c.Port))
}

// ListensOnTCP reports whether there is a TCP port. With a unix socket there is one only
// if a host or a port was asked for too.
func (c *Config) ListensOnTCP() bool {
	return c.UnixSocket == "" || c.sources["host"].Kind != FromDefault || c.sources["port"].Kind != FromDefault
}

// Exposed returns an error if the server would accept connections from other machines
// without an API key and without InsecureNoAuth. The caller must have checked that the
// database has no API keys; [Load] does not know that.
func (c *Config) Exposed() error {
	if c.InsecureNoAuth || loopback(c.Host) {
		return nil
	}
	src := c.sources["host"]
	src.Name = cmp.Or(src.Name, "host")
	return Fault{Source: src, Value: c.Host, Message: "without an API key only this machine may reach the server: " +
		"listen on " + defaultHost + " and make a key with `belfry keys create NAME --role admin`, " +
		"or set BELFRY_API_KEYS (`openssl rand -hex 24` makes one), " +
		"or pass --insecure-no-auth if everyone who reaches the port may run jobs"}
}

// shortKey returns the place of the first API key that could be guessed, from 1; zero:
// there is none.
func (c *Config) shortKey() int {
	return 1 + slices.IndexFunc(c.APIKeys, func(k Secret) bool { return len(k) < safeKeyLength })
}

// ShortKeysWarning returns what to tell of API keys that could be guessed; empty: there
// is none.
func (c *Config) ShortKeysWarning() string {
	n := c.shortKey()
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("key %d of BELFRY_API_KEYS has %d characters, which BELFRY_SHORT_API_KEYS accepts for now: "+
		"replace it by one of %d or more (`openssl rand -hex 24` makes one)", n, len(c.APIKeys[n-1]), safeKeyLength)
}

// loopback reports whether only this machine can reach an address. The name
// localhost is always loopback (RFC 6761, section 6.3).
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
