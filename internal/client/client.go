package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	dialTimeout = 10 * time.Second
	idleTimeout = 60 * time.Second
	idleConns   = 256 // to the one server: as many as there are calls at a time
)

// Client speaks to one server. It is safe for concurrent use.
type Client struct {
	Jobs       *Jobs
	Executions *Executions
	Keys       *Keys
	Operations *Operations
	Versions   *Versions
	Alerting   *Alerting
	Failures   *Failures
	TestCalls  *TestCalls
	Channels   *Channels

	server *connection
	events eventTimes
}

// withoutUser hides what is before the host in a URL that is refused.
func withoutUser(raw string) string {
	at := strings.LastIndexByte(raw, '@')
	if at < 0 {
		return raw
	}
	return Mask + raw[at:]
}

// New returns a client of the server at baseURL, such as http://127.0.0.1:3000, or
// unix:///run/belfry/belfry.sock for a unix socket. If apiKey is empty, no key is sent.
func New(baseURL, apiKey string) (*Client, error) {
	u, err := url.Parse(baseURL)
	switch {
	case err != nil:
		return nil, fmt.Errorf("server URL %q cannot be read: it must be of the form http://HOST:PORT",
			withoutUser(baseURL))
	case u.Scheme == "unix" && (u.Host != "" || len(u.Path) < 2):
		return nil, fmt.Errorf("server URL %q must be of the form unix:///PATH, with the absolute path of the socket",
			withoutUser(baseURL))
	case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "unix" || u.Host == "" && u.Scheme != "unix":
		return nil, fmt.Errorf("server URL %q must be of the form http://HOST:PORT", withoutUser(baseURL))
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("server URL must not hold a user, a query or a fragment")
	case strings.ContainsAny(apiKey, "\r\n \x00"):
		return nil, errors.New("the API key holds a space or a line break")
	}
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout: dialTimeout,
		IdleConnTimeout:     idleTimeout,
		MaxIdleConnsPerHost: idleConns,
		ForceAttemptHTTP2:   true,
	}
	name := u.String()
	if u.Scheme == "unix" {
		u = overSocket(transport, u.Path)
	}
	server := &connection{base: u, name: name, key: apiKey, http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	return &Client{
		Jobs: &Jobs{server}, Executions: &Executions{server}, Keys: &Keys{server}, Operations: &Operations{server},
		Versions: &Versions{server}, Channels: &Channels{server}, Alerting: &Alerting{server},
		TestCalls: &TestCalls{server},
		Failures:  &Failures{server},
		server:    server,
		events:    eventTimes{eventSilence, eventRetry},
	}, nil
}

// overSocket makes a transport connect to a unix socket, and returns the URL under which
// the server is asked there.
func overSocket(transport *http.Transport, path string) *url.URL {
	dialer := net.Dialer{Timeout: dialTimeout}
	transport.Proxy = nil
	transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, "unix", path)
	}
	return &url.URL{Scheme: "http", Host: "localhost"}
}

// Close drops connections that are kept for later calls.
func (c *Client) Close() { c.server.http.CloseIdleConnections() }

// Base returns the URL of the server.
func (c *Client) Base() string { return c.server.name }
