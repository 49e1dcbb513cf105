package client

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// A server that has too much to do (429), or cannot commit now (503), says in Retry-After when
// to send a request again. The client waits for that itself, as far as these limits go; then the
// caller gets the problem. A program that is stopped meanwhile cancels the context.
const (
	maxWaits  = 3
	longest   = 10 * time.Second // all waits of a call
	leastWait = 100 * time.Millisecond
)

const idempotencyHeader = "Idempotency-Key"

// send sends a request, and sends it again after the waits that the server asks for.
func send(client *http.Client, req *http.Request, others []int) (*http.Response, error) {
	for waits, waited := 0, time.Duration(0); ; waits++ {
		res, err := client.Do(req)
		if err != nil {
			return nil, err
		}
		wait, ok := waitOf(req, res)
		if !ok || slices.Contains(others, res.StatusCode) || waits == maxWaits || waited+wait > longest ||
			endsWithin(req.Context(), wait) {
			return res, nil
		}
		drain(res)
		if waited += wait; !sleep(req.Context(), wait) {
			return nil, req.Context().Err()
		}
		if err := rewind(req); err != nil {
			return nil, err
		}
	}
}

// rewind makes a request ready to be sent again.
func rewind(req *http.Request) (err error) {
	if req.GetBody != nil {
		req.Body, err = req.GetBody()
	}
	return err
}

// waitOf returns after which time a request may be sent again, and whether it may at all. What
// was refused with 429 was not carried out. With 503 that is not known of a change, unless it has
// an Idempotency-Key; with 409 and a time, such a request is still under way, since net/http has
// sent it twice. A body that is a stream is gone.
func waitOf(req *http.Request, res *http.Response) (time.Duration, bool) {
	keyed := req.Header.Get(idempotencyHeader) != ""
	var again bool
	switch res.StatusCode {
	case http.StatusTooManyRequests:
		again = true
	case http.StatusServiceUnavailable:
		again = keyed || req.Method == http.MethodGet
	case http.StatusConflict:
		again = keyed
	}
	if !again || req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return 0, false
	}
	seconds, err := strconv.ParseUint(res.Header.Get("Retry-After"), 10, 31)
	return max(leastWait, time.Duration(seconds)*time.Second), err == nil
}

// endsWithin reports whether a context ends within a wait.
func endsWithin(ctx context.Context, wait time.Duration) bool {
	end, limited := ctx.Deadline()
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	first, _ := ctx.Deadline()
	return limited && first.Equal(end)
}

// sleep waits, and reports whether the context has not ended.
func sleep(ctx context.Context, d time.Duration) bool {
	waiting, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-waiting.Done()
	return ctx.Err() == nil
}
