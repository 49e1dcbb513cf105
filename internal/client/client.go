// Package client speaks the REST API of Belfry.
//
//	c, err := client.New("http://127.0.0.1:3000", os.Getenv("BELFRY_API_KEY"))
//	created, err := c.CreateJob(ctx, client.Spec{
//		Schedule: "0 */5 * * * *", API: "https://example.com/hook", Type: "ATLEAST_ONCE",
//	})
//
// # What it guarantees
//
//   - Every refusal of the server is a [*Problem] with the fields that are
//     wrong; every other error means that no complete answer came.
//   - An answer that was cut short is an error, never a short list.
//   - A list is read page by page as far as the caller ranges over it.
//   - The key goes to the server that New names and to no other: redirects are
//     not followed.
//   - An answer takes a bounded amount of memory.
//
// Instants are Unix milliseconds, as in the API. The package needs nothing but
// the standard library and shares no types with the server, so that a change
// of the contract shows in its tests.
//
// # How this is shown
//
// Each method is tested against a server that checks method, path, headers and
// body of the request, and answers as the contract says, or badly.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Limits of what is read into memory. A page of a list has at most 1,000 jobs
// of about 300 KiB; a problem has at most 100 fields.
const (
	maxAnswer  = 512 << 20
	maxProblem = 1 << 20

	dialTimeout = 10 * time.Second
	idleTimeout = 60 * time.Second
	idleConns   = 256 // to the one server: as many as there are calls at a time
)

// ErrAnswer says that an answer cannot be used: it ended before it was
// complete, is larger than any of the API, or is none of Belfry's.
var ErrAnswer = errors.New("the answer of the server cannot be used")

// Client speaks to one server. It is safe for concurrent use.
type Client struct {
	base *url.URL
	key  string
	http *http.Client
}

// withoutUser hides what is before the host in a URL that is refused.
func withoutUser(raw string) string {
	at := strings.LastIndexByte(raw, '@')
	if at < 0 {
		return raw
	}
	return Mask + raw[at:]
}

// New returns a client of the server at baseURL, as in http://127.0.0.1:3000.
// An empty key sends none.
func New(baseURL, apiKey string) (*Client, error) {
	u, err := url.Parse(baseURL)
	switch {
	case err != nil:
		return nil, fmt.Errorf("server URL %q cannot be read: it must be of the form http://HOST:PORT",
			withoutUser(baseURL))
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
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
	return &Client{base: u, key: apiKey, http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Close drops connections that are kept for later calls.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Base returns the URL of the server.
func (c *Client) Base() string { return c.base.String() }

// call is one request to the API.
type call struct {
	method      string
	path        []string // segments, escaped when sent
	query       url.Values
	contentType string
	body        io.Reader
	header      http.Header
}

// do sends a call. The caller closes the body of the response, which has a 2xx
// status or one of the others that are named.
func (c *Client) do(ctx context.Context, in call, others ...int) (*http.Response, error) {
	segments := make([]string, len(in.path))
	for i, s := range in.path {
		if s == "" || s == "." || s == ".." { // would be another path
			return nil, fmt.Errorf("%q is no id", s)
		}
		segments[i] = url.PathEscape(s)
	}
	u := c.base.JoinPath(segments...)
	u.RawQuery = in.query.Encode()
	req, err := http.NewRequestWithContext(ctx, in.method, u.String(), in.body)
	if err != nil {
		return nil, err
	}
	for name, values := range in.header {
		req.Header[name] = values
	}
	req.Header.Set("Accept", "application/json, application/x-ndjson, application/problem+json")
	req.Header.Set("User-Agent", "belfry-client")
	if in.contentType != "" {
		req.Header.Set("Content-Type", in.contentType)
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode/100 == 2 {
		return res, nil
	}
	for _, status := range others {
		if res.StatusCode == status && mediaType(res) == typeJSON {
			return res, nil
		}
	}
	defer drain(res)
	return nil, problemOf(res)
}

const (
	typeJSON    = "application/json"
	typeLines   = "application/x-ndjson"
	typeProblem = "application/problem+json"
)

func mediaType(res *http.Response) string {
	t, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

// drain reads a little of what is left, so that the connection can be used
// again, and closes the body.
func drain(res *http.Response) {
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10)
	_ = res.Body.Close()
}

// getJSON sends a call without a body and decodes the answer.
func (c *Client) getJSON(ctx context.Context, into any, query url.Values, path ...string) error {
	return c.exchange(ctx, call{method: http.MethodGet, path: path, query: query}, nil, into)
}

// exchange sends a call with in as its JSON body, unless it is nil, and decodes
// the answer into out.
func (c *Client) exchange(ctx context.Context, request call, in, out any, others ...int) error {
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		request.contentType, request.body = typeJSON, bytes.NewReader(data)
	}
	res, err := c.do(ctx, request, others...)
	if err != nil {
		return err
	}
	defer drain(res)
	return decode(res, out)
}

// decode reads one JSON document that fills the body.
func decode(res *http.Response, out any) error {
	if t := mediaType(res); t != typeJSON {
		return fmt.Errorf("%w: it is %q, not JSON", ErrAnswer, t)
	}
	dec := json.NewDecoder(io.LimitReader(res.Body, maxAnswer))
	if err := dec.Decode(out); err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return nil
}
