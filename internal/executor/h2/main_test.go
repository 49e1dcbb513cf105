package h2

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ample is more time than anything takes here, stalls included.
const ample = time.Minute

// peer is the other side of a connection: it writes the frames that a test wants.
type testPeer struct {
	*http2.Framer
	t     testing.TB
	nc    net.Conn
	henc  *hpack.Encoder
	block strings.Builder
}

// pair returns both sides of a connection. serve is the peer's side; the connection is
// closed when it returns, unless it has hung up before.
func pair(t testing.TB, cfg Config, serve func(p *testPeer)) *Conn {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		nc, err := ln.Accept()
		_ = ln.Close()
		if err != nil {
			t.Error(err)
			return
		}
		defer nc.Close()
		p := newTestPeer(t, nc)
		if p.readPreface() {
			serve(p)
		}
		_ = nc.(*net.TCPConn).CloseWrite() // a close with bytes that were not read would be a reset
		_, _ = io.Copy(io.Discard, nc)
	})
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if cfg.MaxHeaderBytes == 0 {
		cfg.MaxHeaderBytes = 32 << 10
	}
	if cfg.MaxBodyBytes == 0 {
		cfg.MaxBodyBytes = 64 << 10
	}
	c := New(nc, cfg)
	c.Start()
	t.Cleanup(func() {
		c.Close()
		served.Wait()
	})
	return c
}

func newTestPeer(t testing.TB, nc net.Conn) *testPeer {
	p := &testPeer{Framer: http2.NewFramer(nc, nc), t: t, nc: nc}
	p.henc = hpack.NewEncoder(&p.block)
	p.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	p.AllowIllegalWrites = true
	return p
}

func (p *testPeer) readPreface() bool {
	preface := make([]byte, len(http2.ClientPreface))
	_, err := io.ReadFull(p.nc, preface)
	if err == nil && string(preface) != http2.ClientPreface {
		p.t.Errorf("preface %q", preface)
	}
	return err == nil // the test may have ended
}

// request is what a peer has received on a stream.
type received struct {
	id     uint32
	fields []hpack.HeaderField
	body   string
}

func (r *received) text() string {
	var b strings.Builder
	for _, f := range r.fields {
		fmt.Fprintf(&b, "%s: %s\n", f.Name, f.Value)
	}
	return b.String() + "\n" + r.body
}

// next returns the next frame of a kind, and passes over others.
func next[T http2.Frame](p *testPeer) (f T, ok bool) {
	for {
		frame, err := p.ReadFrame()
		if err != nil {
			return f, false
		}
		if f, ok = frame.(T); ok {
			return f, true
		}
	}
}

// request reads a whole request, with the window as it is.
func (p *testPeer) request() (r received, ok bool) {
	f, ok := next[*http2.MetaHeadersFrame](p)
	if !ok {
		return r, false
	}
	r.id, r.fields = f.StreamID, append([]hpack.HeaderField(nil), f.Fields...)
	for ended := f.StreamEnded(); !ended; {
		d, ok := next[*http2.DataFrame](p)
		if !ok {
			return r, false
		}
		r.body += string(d.Data())
		ended = d.StreamEnded()
	}
	return r, true
}

// header writes a header, of names and values.
func (p *testPeer) header(id uint32, end bool, fields ...string) {
	p.block.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = p.henc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	_ = p.WriteHeaders(http2.HeadersFrameParam{
		StreamID: id, BlockFragment: []byte(p.block.String()), EndStream: end, EndHeaders: true,
	})
}

func (p *testPeer) answer(id uint32, status, body string) {
	p.header(id, body == "", ":status", status, "content-type", "text/plain")
	if body != "" {
		_ = p.WriteData(id, true, []byte(body))
	}
}

// wait reads until the other side ends the connection.
func (p *testPeer) wait() { _, _ = next[*http2.UnknownFrame](p) }

// waitReset reads until the other side resets a stream or ends the connection.
func (p *testPeer) waitReset(id uint32, code http2.ErrCode) {
	for {
		f, ok := next[*http2.RSTStreamFrame](p)
		if !ok {
			p.t.Errorf("no RST_STREAM of stream %d came", id)
			return
		}
		if f.StreamID == id {
			if f.ErrCode != code {
				p.t.Errorf("stream %d was reset with %s, want %s", id, f.ErrCode, code)
			}
			return
		}
	}
}

// record is an answer as it came.
type record struct {
	status int
	fields map[string]string
	body   string
	limit  int // of the body; 0: none
}

func (r *record) Header(status int, fields []hpack.HeaderField) {
	r.status, r.fields = status, make(map[string]string)
	for _, f := range fields {
		r.fields[f.Name] += f.Value
	}
}

func (r *record) Data(p []byte) bool {
	r.body += string(p)
	return r.limit == 0 || len(r.body) < r.limit
}

const testHead = "POST /hook?x=1 HTTP/1.1\r\nHost: hook.test:8443\r\nUser-Agent: belfry/1\r\n" +
	"X-Own: a: b\r\nConnection: x\r\nKeep-Alive: x\r\nProxy-Connection: x\r\nTransfer-Encoding: x\r\nUpgrade: x\r\n" +
	"TE: gzip\r\nContent-Length: 4\r\nIdempotency-Key: 0192\r\n\r\n"

func newRequest() *Request { return &Request{Head: []byte(testHead), Body: []byte("body")} }

// call makes a call on a connection that has a stream.
func call(t testing.TB, c *Conn, req *Request, limit int) (*Stream, *record, error) {
	t.Helper()
	return callWithin(t, c, req, limit, ample)
}

func callWithin(t testing.TB, c *Conn, req *Request, limit int, timeout time.Duration) (*Stream, *record, error) {
	t.Helper()
	if !c.Reserve() {
		t.Error("there is no stream")
		return nil, nil, errors.New("no stream")
	}
	s, r := NewStream(), &record{limit: limit}
	err := c.Do(s, req, r, time.Now().Add(timeout))
	return s, r, err
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(ample); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in vain waited for: %s", what)
		}
	}
}
