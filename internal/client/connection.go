package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// connection sends calls to one server.
type connection struct {
	base *url.URL
	name string // the URL as it was given
	key  string
	http *http.Client
}

// The server sends something every 10 s, if only a comment.
const (
	eventSilence = 30 * time.Second // after which a connection is taken for dead
	eventRetry   = 2 * time.Second  // before another connection is made
)

// eventTimes are how long a stream of events waits.
type eventTimes struct{ silence, retry time.Duration }

// call is one request to the API.
type call struct {
	method      string
	path        []string // segments, escaped when sent
	query       url.Values
	contentType string
	body        io.Reader
	header      http.Header
	once        bool // it makes something and takes an Idempotency-Key: it has one of its own
}

// codeKeysFull is of a problem: the server keeps no more keys for now.
const codeKeysFull = "idempotency-keys-full"

type idempotencyKey struct{}

// WithIdempotencyKey returns a context for one call of [Jobs.Create], [Jobs.Trigger],
// [Jobs.Import], [Keys.Create] or [Alerting.CreateSilence]. Creations of jobs and of silences, and
// triggers, have a key of their own otherwise, so that
// what the client sends again by itself is carried out once; a key of the caller's does the same
// for what he calls again. The server carries the call out at most once within 24
// hours: if the answer is lost, the same call with the same key gets it again (net/http
// repeats it by itself when a connection that was kept breaks). A new call takes a new key,
// of 1 to 255 printable ASCII characters.
func WithIdempotencyKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, idempotencyKey{}, key)
}

// quote returns a text as a string of RFC 8941.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// do sends a call and returns a response with a 2xx status or with one of the others. The
// caller closes its body.
func (c *connection) do(ctx context.Context, in call, others ...int) (*http.Response, error) {
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
	text, given := ctx.Value(idempotencyKey{}).(string)
	switch {
	case given && in.method == http.MethodPost:
		req.Header.Set(idempotencyHeader, quote(text))
	case in.once:
		req.Header.Set(idempotencyHeader, quote(rand.Text()))
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	res, err := c.answer(req, others)
	p, _ := errors.AsType[*Problem](err)
	if p == nil || p.Code != codeKeysFull || given {
		return res, err
	}
	req.Header.Del(idempotencyHeader) // the caller has asked for none
	if err := rewind(req); err != nil {
		return nil, err
	}
	return c.answer(req, others)
}

// answer sends a request and returns a response with a 2xx status or with one of the others.
func (c *connection) answer(req *http.Request, others []int) (*http.Response, error) {
	res, err := send(c.http, req, others)
	if err != nil {
		return nil, err
	}
	if res.StatusCode/100 == 2 || slices.Contains(others, res.StatusCode) && mediaType(res) == typeJSON {
		return res, nil
	}
	defer drain(res)
	return nil, problemOf(res)
}

// getJSON sends a call without a body and decodes the answer.
func (c *connection) getJSON(ctx context.Context, into any, query url.Values, path ...string) error {
	return c.exchange(ctx, call{method: http.MethodGet, path: path, query: query}, nil, into)
}

// exchange sends a call with in as its JSON body, unless it is nil, and decodes
// the answer into out.
func (c *connection) exchange(ctx context.Context, request call, in, out any, others ...int) error {
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		if request.body = bytes.NewReader(data); request.contentType == "" {
			request.contentType = typeJSON
		}
	}
	res, err := c.do(ctx, request, others...)
	if err != nil {
		return err
	}
	defer drain(res)
	return decode(res, out)
}

// exportTo copies an answer of lines.
func (c *connection) exportTo(ctx context.Context, w io.Writer, request call) (int64, error) {
	res, err := c.do(ctx, request)
	if err != nil {
		return 0, err
	}
	defer drain(res)
	if t := mediaType(res); t != typeLines {
		return 0, fmt.Errorf("%w: it is %q, not NDJSON", ErrAnswer, t)
	}
	n, err := io.Copy(w, tagged{res.Body})
	return n, err
}
