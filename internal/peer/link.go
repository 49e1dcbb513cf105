package peer

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

// DefaultTimeout is how long an answer of another node is waited for.
const DefaultTimeout = time.Second

// LinkConfig is what a [Link] is made of.
type LinkConfig struct {
	Self      string // name of this node
	Keys      *Keys
	Clock     clock.Clock
	Transport http.RoundTripper // follows no redirects; nil: one with few connections for each node
	Timeout   time.Duration     // from the start to the end of the answer; zero: DefaultTimeout
	MaxAnswer int64             // bytes; zero: DefaultMaxAnswer and its head
}

// Link sends requests to other nodes.
type Link struct{ LinkConfig }

// NewLink returns a link. The error is about the config.
func NewLink(c LinkConfig) (*Link, error) {
	if c.Self == "" || c.Keys == nil || c.Clock == nil {
		return nil, errors.New("peer: Self, Keys and Clock are required")
	}
	if c.Timeout < 0 || c.MaxAnswer < 0 {
		return nil, errors.New("peer: Timeout and MaxAnswer must not be negative")
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.MaxAnswer == 0 {
		c.MaxAnswer = DefaultMaxAnswer + 64<<10
	}
	if c.Transport == nil {
		c.Transport = &http.Transport{
			MaxIdleConnsPerHost: 8, MaxConnsPerHost: DefaultAtOnce, IdleConnTimeout: time.Minute,
			DisableCompression: true,
		}
	}
	return &Link{c}, nil
}

// Outcome is what is known of a request that was sent to another node.
type Outcome int

const (
	// Answered means that there is an answer of that node.
	Answered Outcome = iota
	// NotSent means that the node cannot have carried it out.
	NotSent
	// Unknown means that it may have been carried out.
	Unknown
)

// String implements fmt.Stringer.
func (o Outcome) String() string {
	switch o {
	case Answered:
		return "answered"
	case NotSent:
		return "not_sent"
	case Unknown:
		return "unknown"
	}
	return fmt.Sprintf("outcome %d", int(o))
}

// proof is what the MAC of what came back shows.
type proof int

const (
	nothing proof = iota // it may be anybody's
	answer               // it is the answer of that node
	refused              // that node has refused the request
)

// outcomeOf decides by whether sending had begun, and by what came back.
func outcomeOf(begun bool, shown proof) Outcome {
	switch {
	case shown == answer:
		return Answered
	case begun && shown == nothing:
		return Unknown
	}
	return NotSent
}

// Send sends a request with a body to a node, in the name of a caller, and returns its
// answer. Unless the outcome is [Answered], the error says what was in the way. The body of
// the answer is in memory, and need not be closed.
func (l *Link) Send(ctx context.Context, to Node, r *http.Request, body []byte, caller Caller) (
	*http.Response, Outcome, error) {
	text, err := packRequest(r, body)
	if err != nil {
		return nil, NotSent, err
	}
	h := newHead(l.Self, to, clock.NowMs(l.Clock), caller, text)
	value, err := h.pack(l.Keys)
	if err != nil {
		return nil, NotSent, err
	}
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	back, begun, err := l.post(ctx, to, value, text)
	if err != nil {
		return nil, outcomeOf(begun, nothing), fmt.Errorf("peer: node %s: %w", to.Name, err)
	}
	shown := l.check(&h, &back)
	if shown != answer {
		return nil, outcomeOf(begun, shown), fmt.Errorf("peer: node %s: status %d instead of an answer", to.Name,
			back.status)
	}
	res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(back.text)), r)
	if err != nil {
		return nil, Unknown, fmt.Errorf("peer: node %s: reading its answer: %w", to.Name, err)
	}
	return res, outcomeOf(begun, shown), nil
}

// check verifies the MAC of what came back.
func (l *Link) check(h *head, back *sealed) proof {
	right := func(mac, what string, text ...[]byte) bool {
		raw, err := coding.DecodeString(mac)
		return err == nil && l.Keys.verify(raw, what, text...)
	}
	switch {
	case right(back.answer, ofAnswer, h.Nonce, back.text):
		return answer
	case right(back.refusal, ofRefusal, refusal(h, back.status)):
		return refused
	}
	return nothing
}

// sealed is what came back: not yet known to be an answer.
type sealed struct {
	status  int
	answer  string // MACs
	refusal string
	text    []byte
}

// post sends a message. begun says that it had a connection: before that nothing of it was
// written. Once there was one, it cannot be told how much of it the other side has.
func (l *Link) post(ctx context.Context, to Node, value string, text []byte) (back sealed, begun bool, err error) {
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodPost, to.URL+Path,
		bytes.NewReader(text))
	if err != nil {
		return back, false, err
	}
	req.GetBody = nil // a message is sent once: its copy would be refused
	req.Header.Set(headerHead, value)
	req.Header.Set("Content-Type", "application/octet-stream")
	res, err := l.Transport.RoundTrip(req)
	if err != nil {
		return back, connected.Load(), err
	}
	defer func() { _ = res.Body.Close() }()
	back = sealed{status: res.StatusCode, answer: res.Header.Get(headerAnswer), refusal: res.Header.Get(headerRefuse)}
	back.text, err = io.ReadAll(io.LimitReader(res.Body, l.MaxAnswer+1))
	if err == nil && int64(len(back.text)) > l.MaxAnswer {
		err = fmt.Errorf("an answer of more than %d bytes", l.MaxAnswer)
	}
	return back, true, err
}
