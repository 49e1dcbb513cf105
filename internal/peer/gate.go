package peer

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// Defaults of [GateConfig].
const (
	DefaultMaxRequest = 2 << 20
	DefaultMaxAnswer  = 16 << 20
	DefaultAtOnce     = 64
)

// GateConfig is what a [Gate] is made of.
type GateConfig struct {
	Self  Node // this start of this node
	Keys  *Keys
	Clock clock.Clock
	Log   *slog.Logger
	// Next answers a request in the name of a caller, and does not send it on.
	Next func(w http.ResponseWriter, r *http.Request, caller Caller)

	MaxRequest int64 // bytes; zero: DefaultMaxRequest
	MaxAnswer  int   // bytes; zero: DefaultMaxAnswer
	AtOnce     int   // requests that are answered at a time; zero: DefaultAtOnce
}

// Gate takes the requests of other nodes, at [Path].
type Gate struct {
	GateConfig
	nonces nonces
	places chan struct{}
}

// NewGate returns a gate. The error is about the config.
func NewGate(c GateConfig) (*Gate, error) {
	if c.Self.Name == "" || c.Keys == nil || c.Clock == nil || c.Log == nil || c.Next == nil {
		return nil, errors.New("peer: Self, Keys, Clock, Log and Next are required")
	}
	if c.MaxRequest < 0 || c.MaxAnswer < 0 || c.AtOnce < 0 {
		return nil, errors.New("peer: MaxRequest, MaxAnswer and AtOnce must not be negative")
	}
	if c.MaxRequest == 0 {
		c.MaxRequest = DefaultMaxRequest
	}
	if c.MaxAnswer == 0 {
		c.MaxAnswer = DefaultMaxAnswer
	}
	if c.AtOnce == 0 {
		c.AtOnce = DefaultAtOnce
	}
	return &Gate{GateConfig: c, nonces: nonces{most: maxNonces}, places: make(chan struct{}, c.AtOnce)}, nil
}

// verdict is what a gate decides about a head that a node of the cluster has made.
type verdict int

const (
	taken     verdict = iota
	otherNode         // it is for another node, or for another start of this one
	untimely          // its time is too far from this node's clock
	copied            // it was taken before
	tooLarge          // the request is larger than a gate takes
	tooMany           // so many come that copies could not be recognized
	unknownTo         // it is of a version that this build does not know
)

// statusOf is the status of a refusal.
var statusOf = map[verdict]int{
	otherNode: http.StatusMisdirectedRequest, untimely: http.StatusForbidden, copied: http.StatusConflict,
	tooLarge: http.StatusRequestEntityTooLarge, tooMany: http.StatusServiceUnavailable,
	unknownTo: http.StatusNotImplemented,
}

// judge decides about a head whose MAC is right. The nonce is remembered only if all else
// is right.
func (g *Gate) judge(h *head, now int64) verdict {
	apart := now - h.At
	switch {
	case h.Version != version || len(h.Nonce) != nonceSize:
		return unknownTo
	case h.To != g.Self.Name || h.Token != g.Self.Token:
		return otherNode
	case apart > Window.Milliseconds() || -apart > Window.Milliseconds():
		return untimely
	case h.Length < 0 || h.Length > g.MaxRequest:
		return tooLarge
	}
	switch g.nonces.add([nonceSize]byte(h.Nonce), now) {
	case repeated:
		return copied
	case crowded:
		return tooMany
	case fresh:
	}
	return taken
}

// ServeHTTP answers a request of another node. Nothing of the body is read before the head
// is known to be right.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed)
		return
	}
	h, err := unpack(g.Keys, r.Header.Get(headerHead))
	if err != nil {
		refuse(w, http.StatusForbidden)
		return
	}
	select {
	case g.places <- struct{}{}:
		defer func() { <-g.places }()
	default:
		refuse(w, http.StatusServiceUnavailable)
		return
	}
	if v := g.judge(h, clock.NowMs(g.Clock)); v != taken {
		g.Log.LogAttrs(r.Context(), slog.LevelWarn, "a request of another node was refused",
			slog.String(telemetry.KeyNode, h.From), slog.Int(telemetry.KeyStatus, statusOf[v]))
		if v != copied { // its first copy may have been carried out
			w.Header().Set(headerRefuse, coding.EncodeToString(g.Keys.sign(ofRefusal, refusal(h, statusOf[v]))))
		}
		refuse(w, statusOf[v])
		return
	}
	inner, ok := readInner(r.Body, h)
	if !ok {
		refuse(w, http.StatusBadRequest)
		return
	}
	inner = inner.WithContext(r.Context())
	inner.RemoteAddr = r.RemoteAddr
	answer := newCapture(g.MaxAnswer)
	g.Next(answer, inner, h.Caller.caller())
	text, err := answer.pack()
	if err != nil || answer.over {
		refuse(w, http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set(headerAnswer, coding.EncodeToString(g.Keys.sign(ofAnswer, h.Nonce, text)))
	_, _ = w.Write(text) // a sender that is gone has no use for it
}

// readInner reads the request that a head is of.
func readInner(body io.Reader, h *head) (*http.Request, bool) {
	text := bytes.NewBuffer(make([]byte, 0, h.Length+1))
	if _, err := io.Copy(text, io.LimitReader(body, h.Length+1)); err != nil {
		return nil, false
	}
	digest := sha256.Sum256(text.Bytes())
	if int64(text.Len()) != h.Length || subtle.ConstantTimeCompare(digest[:], h.Digest) != 1 {
		return nil, false
	}
	r, err := unpackRequest(text.Bytes())
	return r, err == nil
}

// refusal is the text whose MAC says that a request was not carried out and will not be.
func refusal(h *head, status int) []byte { return fmt.Appendf(nil, "%x %d", h.Nonce, status) }

// refuse answers with a status alone.
func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Connection", "close") // the rest of the body is not read
	w.WriteHeader(status)
}
