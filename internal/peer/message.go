package peer

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

const (
	// Path is where a node takes the requests of others.
	Path = "/cluster/forward"
	// Window is how far the time of a request may be from the clock of the receiver.
	Window = 30 * time.Second

	headerHead   = "Belfry-Forward"        // of a request: head and MAC
	headerRefuse = "Belfry-Forward-Refuse" // of a refusal: the MAC of its status
	headerAnswer = "Belfry-Forward-Answer" // of an answer: its MAC

	version   = 1
	maxHead   = 4 << 10 // bytes of a head
	nonceSize = 16      // bytes
)

// Node is one start of one node, as others address it.
type Node struct {
	Name  string
	Token int64  // random, of this start
	URL   string // scheme, host and port
	Older bool   // it is of a version that does not understand all that this one says
}

// Caller is who a request is made for.
type Caller struct {
	By        domain.Author
	Role      domain.Role
	Namespace string // the only one; empty: all
	Identity
}

// Identity is under what a request makes what it makes: whoever does not know what has become of it
// can ask, or make it again, without doubling it. The zero value: it makes nothing.
type Identity struct {
	At, Nonce int64 // of the entry in the audit trail
	Due       int64 // when what it triggers is scheduled, with the nonce; zero: it triggers nothing
}

// callerText is a Caller on its way. Its names never change: nodes of different builds use
// them.
type callerText struct {
	Key       string      `json:"key"`
	Name      string      `json:"name,omitempty"`
	Address   string      `json:"address,omitempty"`
	Role      domain.Role `json:"role"`
	Namespace string      `json:"namespace,omitempty"`
	At        int64       `json:"at,omitempty"`
	Nonce     int64       `json:"nonce,omitempty"`
	Due       int64       `json:"due,omitempty"`
}

func (c *callerText) caller() Caller {
	return Caller{By: domain.Author{Key: c.Key, Name: c.Name, Address: c.Address}, Role: c.Role, Namespace: c.Namespace,
		Identity: Identity{c.At, c.Nonce, c.Due}}
}

// head says what a message is. Its text is what the MAC of a request covers, and it has the
// digest of the body.
type head struct {
	Version int        `json:"v"`
	From    string     `json:"from"` // name of the node
	To      string     `json:"to"`
	Token   int64      `json:"token"`  // of the receiver's start
	At      int64      `json:"at"`     // Unix milliseconds
	Nonce   []byte     `json:"nonce"`  // nonceSize bytes
	Length  int64      `json:"length"` // of the body, bytes
	Digest  []byte     `json:"digest"` // SHA-256 of the body
	Caller  callerText `json:"caller"`
}

// newHead returns the head of a message with a body.
func newHead(from string, to Node, at int64, caller Caller, body []byte) head {
	digest := sha256.Sum256(body)
	h := head{
		Version: version, From: from, To: to.Name, Token: to.Token, At: at, Nonce: make([]byte, nonceSize),
		Length: int64(len(body)), Digest: digest[:],
		Caller: callerText{Key: caller.By.Key, Name: caller.By.Name, Address: caller.By.Address, Role: caller.Role,
			Namespace: caller.Namespace, At: caller.At, Nonce: caller.Nonce, Due: caller.Due},
	}
	_, _ = rand.Read(h.Nonce) // never fails: crypto/rand ends the process instead
	return h
}

// pack returns the value of the header: the head and its MAC, each in base64url.
func (h *head) pack(k *Keys) (string, error) {
	text, err := json.Marshal(h)
	if err != nil {
		return "", fmt.Errorf("peer: %w", err)
	}
	if len(text) > maxHead {
		return "", fmt.Errorf("peer: a head of %d bytes, the limit is %d", len(text), maxHead)
	}
	return coding.EncodeToString(text) + "." + coding.EncodeToString(k.sign(ofRequest, text)), nil
}

var coding = base64.RawURLEncoding.Strict()

var errForged = errors.New("not from a node of this cluster")

// unpack verifies the value of the header, and reads the head only if it is right.
func unpack(k *Keys, value string) (*head, error) {
	textPart, macPart, found := strings.Cut(value, ".")
	if !found || len(textPart) > coding.EncodedLen(maxHead) || len(macPart) != coding.EncodedLen(macSize) {
		return nil, errForged
	}
	text, err := coding.DecodeString(textPart)
	if err != nil {
		return nil, errForged
	}
	mac, err := coding.DecodeString(macPart)
	if err != nil || !k.verify(mac, ofRequest, text) {
		return nil, errForged
	}
	h := new(head)
	if err := json.Unmarshal(text, h); err != nil {
		return nil, fmt.Errorf("peer: a head with a right MAC cannot be read: %w", err)
	}
	return h, nil
}

// carried are the headers of a request that go along. All others stay: they speak of the
// connection, of the key or of the client's origin, which node A has judged.
var carried = []string{
	"Accept", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "Prefer", "X-Request-Id",
}

// packRequest returns a request as HTTP/1.1 has it, with the headers that go along.
func packRequest(r *http.Request, body []byte) ([]byte, error) {
	out := &http.Request{
		Method: r.Method, URL: &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery},
		Host: r.Host, Header: http.Header{"User-Agent": nil}, Body: io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
	}
	for _, name := range carried {
		if values := r.Header.Values(name); len(values) > 0 {
			out.Header[name] = values
		}
	}
	if len(body) == 0 {
		out.Body = http.NoBody
	}
	var text bytes.Buffer
	if err := out.Write(&text); err != nil {
		return nil, fmt.Errorf("peer: writing a request: %w", err)
	}
	return text.Bytes(), nil
}

// unpackRequest reads what packRequest has written, to its last byte.
func unpackRequest(text []byte) (*http.Request, error) {
	source := bytes.NewReader(text)
	buffered := bufio.NewReader(source)
	r, err := http.ReadRequest(buffered)
	if err != nil {
		return nil, fmt.Errorf("peer: reading a request: %w", err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("peer: reading a request: %w", err)
	}
	if rest := buffered.Buffered() + source.Len(); rest > 0 {
		return nil, fmt.Errorf("peer: %d bytes follow a request", rest)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.TransferEncoding = nil
	return r, nil
}
