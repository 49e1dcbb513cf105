package executor

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// framer is the target's side of a connection of HTTP/2.
type framer struct {
	*http2.Framer
	c     net.Conn
	block bytes.Buffer
	henc  *hpack.Encoder
}

// serveFrames hands each connection of HTTP/2, with its number from 1, to a function.
func serveFrames(t testing.TB, ca *authority, serve func(n int, f *framer)) *rawServer {
	cfg := &tls.Config{Certificates: []tls.Certificate{ca.sign(t, nil)}, NextProtos: []string{"h2"}}
	return serveRaw(t, func(n int, raw net.Conn) {
		c := tls.Server(raw, cfg)
		if c.Handshake() != nil {
			return
		}
		defer c.Close()
		serve(n, newFramer(c))
	})
}

// newFramer reads the preface of a connection.
func newFramer(c net.Conn) *framer {
	_, _ = io.ReadFull(c, make([]byte, len(http2.ClientPreface)))
	f := &framer{Framer: http2.NewFramer(c, c), c: c}
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	f.AllowIllegalWrites = true
	f.henc = hpack.NewEncoder(&f.block)
	return f
}

func (s *rawServer) secure() string {
	_, port, _ := net.SplitHostPort(s.addr)
	return "https://hook.test:" + port + "/hook"
}

// next returns the next frame of a kind; nil when the connection has ended.
func nextFrame[T http2.Frame](f *framer) (frame T, ok bool) {
	for {
		got, err := f.ReadFrame()
		if err != nil {
			return frame, false
		}
		if frame, ok = got.(T); ok {
			return frame, true
		}
	}
}

// request reads a request to its end.
func (f *framer) request() (id uint32, ok bool) {
	h, ok := nextFrame[*http2.MetaHeadersFrame](f)
	if !ok {
		return 0, false
	}
	for ended := h.StreamEnded(); !ended; {
		d, ok := nextFrame[*http2.DataFrame](f)
		if !ok {
			return 0, false
		}
		ended = d.StreamEnded()
	}
	return h.StreamID, true
}

func (f *framer) header(id uint32, end bool, fields ...string) {
	f.block.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = f.henc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	part := f.block.Next(16 << 10)
	_ = f.WriteHeaders(http2.HeadersFrameParam{
		StreamID: id, BlockFragment: part, EndStream: end, EndHeaders: f.block.Len() == 0,
	})
	for f.block.Len() > 0 {
		part = f.block.Next(16 << 10)
		_ = f.WriteContinuation(id, f.block.Len() == 0, part)
	}
}

// answerAll answers requests until the connection ends.
func (f *framer) answerAll() {
	for {
		id, ok := f.request()
		if !ok {
			return
		}
		f.header(id, true, ":status", "200")
	}
}

func (f *framer) wait() { _, _ = nextFrame[*http2.UnknownFrame](f) }

// What the target has certainly not processed is sent again within the attempt, also for
// a call that is at most once.
func TestNotProcessedIsSentAgain(t *testing.T) {
	ca := newAuthority(t)
	for name, refuse := range map[string]func(f *framer, id uint32){
		"refused": func(f *framer, id uint32) {
			_ = f.WriteRSTStream(id, http2.ErrCodeRefusedStream)
			f.answerAll()
		},
		"GOAWAY":            func(f *framer, _ uint32) { _ = f.WriteGoAway(0, http2.ErrCodeNo, nil); f.wait() },
		"GOAWAY and closed": func(f *framer, _ uint32) { _ = f.WriteGoAway(0, http2.ErrCodeNo, nil) },
	} {
		for _, once := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/once=%v", name, once), func(t *testing.T) {
				s := serveFrames(t, ca, func(n int, f *framer) {
					_ = f.WriteSettings()
					if n > 1 {
						f.answerAll()
						return
					}
					if id, ok := f.request(); ok {
						refuse(f, id)
					}
				})
				call := newCall(s.secure())
				call.Once = once
				mustSucceed(t, newTLSExecutor(t, Config{RootCAs: ca.pool}), call)
			})
		}
	}
}

// A target that refuses always is asked a few times, and nothing was processed.
func TestRefusedAlways(t *testing.T) {
	ca := newAuthority(t)
	var asked atomic.Int64
	s := serveFrames(t, ca, func(_ int, f *framer) {
		_ = f.WriteSettings()
		for {
			id, ok := f.request()
			if !ok {
				return
			}
			asked.Add(1)
			_ = f.WriteRSTStream(id, http2.ErrCodeRefusedStream)
		}
	})
	x := newTLSExecutor(t, Config{RootCAs: ca.pool})
	out := do(x, newCall(s.secure()))
	out.Took, out.Held = 0, 0
	wantOutcome(t, out, domain.Outcome{Verdict: retry, Error: "hook.test:" + s.port() +
		" did not process the request, which was sent 4 times: the stream was refused (REFUSED_STREAM)"})
	if c := x.Counts(); c.SentAgain != maxSentAgain {
		t.Errorf("counted %+v", c)
	}
	if n := asked.Load(); n != 1+maxSentAgain {
		t.Errorf("%d requests, want %d", n, 1+maxSentAgain)
	}
}

func (s *rawServer) port() string {
	_, port, _ := net.SplitHostPort(s.addr)
	return port
}

// Each fault of a target has its message, verdict and truth about what was sent.
func TestHTTP2Faults(t *testing.T) {
	ca := newAuthority(t)
	for name, tc := range map[string]struct {
		serve func(f *framer, id uint32)
		want  domain.Outcome
	}{
		"reset": {func(f *framer, id uint32) { _ = f.WriteRSTStream(id, http2.ErrCodeInternal); f.wait() },
			domain.Outcome{Verdict: retry, Error: "LABEL reset the stream (INTERNAL_ERROR) before a response"}},
		"reset in the body": {func(f *framer, id uint32) {
			f.header(id, false, ":status", "200")
			_ = f.WriteData(id, false, []byte("half"))
			_ = f.WriteRSTStream(id, http2.ErrCodeInternal)
			f.wait()
		}, domain.Outcome{Verdict: retry, HTTPStatus: 200,
			Error: "LABEL reset the stream (INTERNAL_ERROR) in the response body (HTTP 200, 4 bytes read)"}},
		"reset after an error": {func(f *framer, id uint32) {
			f.header(id, false, ":status", "500")
			_ = f.WriteData(id, false, []byte("half"))
			_ = f.WriteRSTStream(id, http2.ErrCodeInternal)
			f.wait()
		}, domain.Outcome{Verdict: retry, HTTPStatus: 500, Error: "HTTP 500 Internal Server Error: half"}},
		"HTTP/1.1 required": {func(f *framer, id uint32) {
			_ = f.WriteRSTStream(id, http2.ErrCodeHTTP11Required)
			f.wait()
		},
			domain.Outcome{Verdict: retry, Error: "LABEL requires HTTP/1.1, which the next attempt uses"}},
		"closed": {func(*framer, uint32) {},
			domain.Outcome{Verdict: retry, Error: "connection closed by LABEL before a response"}},
		"GOAWAY and closed": {func(f *framer, id uint32) {
			_ = f.WriteGoAway(id, http2.ErrCodeEnhanceYourCalm, []byte("too_many_pings"))
		}, domain.Outcome{Verdict: retry,
			Error: `connection closed by LABEL before a response (GOAWAY, ENHANCE_YOUR_CALM: "too_many_pings")`}},
		"violation": {func(f *framer, _ uint32) { _ = f.WriteWindowUpdate(0, 0); f.wait() },
			domain.Outcome{Verdict: retry, Error: "connection to LABEL ended before a response: it violates HTTP/2: " +
				"PROTOCOL_ERROR"}},
		"short body": {func(f *framer, id uint32) {
			f.header(id, false, ":status", "200", "content-length", "10")
			_ = f.WriteData(id, true, []byte("short"))
			f.wait()
		}, domain.Outcome{Verdict: retry, HTTPStatus: 200,
			Error: "LABEL ended the response body early (HTTP 200, 5 bytes read)"}},
		"no status": {func(f *framer, id uint32) { f.header(id, true, "x", "y"); f.wait() },
			domain.Outcome{Verdict: final, Error: "unreadable answer: its header has no status"}},
		"101": {func(f *framer, id uint32) { f.header(id, true, ":status", "101"); f.wait() },
			domain.Outcome{Verdict: final, Error: "unreadable answer: its status is 101, which HTTP/2 does not have"}},
		"large header": {func(f *framer, id uint32) {
			f.header(id, true, ":status", "200", "x", strings.Repeat("x", 40<<10))
			f.wait()
		}, domain.Outcome{Verdict: final, HTTPStatus: 200,
			Error: "unreadable answer (HTTP 200): its header is larger than 32768 bytes"}},
		"HTTP/1.1": {func(f *framer, _ uint32) { _, _ = io.WriteString(f.c, rawResponse(400, "what?")); f.wait() },
			domain.Outcome{Verdict: final, Error: "unreadable answer: LABEL has agreed on HTTP/2 and answers " +
				"with HTTP/1.1"}},
		"nonsense": {func(f *framer, _ uint32) { _, _ = io.WriteString(f.c, "SSH-2.0-OpenSSH_9"); f.wait() },
			domain.Outcome{Verdict: final, Error: "unreadable answer: LABEL has agreed on HTTP/2, but: an SSH server " +
				"answers there"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveFrames(t, ca, func(_ int, f *framer) {
				if name != "HTTP/1.1" && name != "nonsense" {
					_ = f.WriteSettings()
				}
				if id, ok := f.request(); ok {
					tc.serve(f, id)
				}
			})
			out := do(newTLSExecutor(t, Config{RootCAs: ca.pool}), newCall(s.secure()))
			out.Took, out.Held = 0, 0
			tc.want.MaybeSent = true
			tc.want.Error = strings.ReplaceAll(tc.want.Error, "LABEL", "hook.test:"+s.port())
			wantOutcome(t, out, tc.want)
		})
	}
}

// A timeout names the phase, ends its stream, and leaves other calls alone.
func TestHTTP2Timeout(t *testing.T) {
	ca := newAuthority(t)
	reset := make(chan struct{})
	s := serveFrames(t, ca, func(_ int, f *framer) {
		_ = f.WriteSettings()
		id, _ := f.request()
		f.header(id, true, ":status", "200")
		first, _ := f.request()
		second, _ := f.request()
		if r, ok := nextFrame[*http2.RSTStreamFrame](f); !ok || r.ErrCode != http2.ErrCodeCancel {
			t.Error("no stream was reset")
		}
		<-reset
		f.header(first, true, ":status", "200")
		f.header(second, true, ":status", "200")
		f.answerAll()
	})
	x := newTLSExecutor(t, Config{RootCAs: ca.pool})
	mustSucceed(t, x, newCall(s.secure())) // the host is known for HTTP/2 then
	var wg sync.WaitGroup
	outs := make(chan domain.Outcome, 2)
	for _, timeout := range []time.Duration{time.Second, ample} {
		wg.Go(func() {
			call := newCall(s.secure())
			call.Timeout = timeout
			outs <- do(x, call)
		})
	}
	first := <-outs
	close(reset)
	first.Took, first.Held = 0, 0
	wantOutcome(t, first, domain.Outcome{Verdict: retry, MaybeSent: true,
		Error: "timeout after 1s waiting for the response"})
	if out := <-outs; out.Verdict != success {
		t.Errorf("the other call: %+v", out)
	}
	wg.Wait()
}

// There are never more calls on a connection than its target allows.
func TestStreamsOfTarget(t *testing.T) {
	ca := newAuthority(t)
	const limit = 2
	var most atomic.Int64
	s := serveFrames(t, ca, func(_ int, f *framer) {
		_ = f.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: limit})
		var open []uint32
		for {
			id, ok := f.request()
			if !ok {
				return
			}
			if len(open) >= limit { // sent before the limit was known
				_ = f.WriteRSTStream(id, http2.ErrCodeRefusedStream)
				continue
			}
			open = append(open, id)
			most.Store(max(most.Load(), int64(len(open))))
			if len(open) == limit {
				for _, id := range open {
					f.header(id, true, ":status", "200")
				}
				open = open[:0]
			}
		}
	})
	x := newTLSExecutor(t, Config{RootCAs: ca.pool})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			call := newCall(s.secure())
			call.Timeout = 2 * time.Second // an odd one out waits for a partner
			do(x, call)
		})
	}
	wg.Wait()
	if n := most.Load(); n > limit {
		t.Errorf("%d streams, the limit is %d", n, limit)
	}
}

// After HTTP_1_1_REQUIRED the host is called by HTTP/1.1.
func TestHTTP11Required(t *testing.T) {
	ca := newAuthority(t)
	cfg := &tls.Config{Certificates: []tls.Certificate{ca.sign(t, nil)}, NextProtos: []string{"h2", "http/1.1"}}
	s := serveRaw(t, func(_ int, raw net.Conn) {
		c := tls.Server(raw, cfg)
		if c.Handshake() != nil {
			return
		}
		defer c.Close()
		if c.ConnectionState().NegotiatedProtocol != "h2" {
			if readRaw(c) != "" {
				_, _ = io.WriteString(c, rawResponse(200, "ok"))
			}
			return
		}
		_, _ = io.ReadFull(c, make([]byte, len(http2.ClientPreface)))
		f := &framer{Framer: http2.NewFramer(c, c), c: c}
		f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
		_ = f.WriteSettings()
		if id, ok := f.request(); ok {
			_ = f.WriteRSTStream(id, http2.ErrCodeHTTP11Required)
			f.wait()
		}
	})
	x := newTLSExecutor(t, Config{RootCAs: ca.pool})
	if out := do(x, newCall(s.secure())); out.Verdict != retry {
		t.Errorf("outcome %+v", out)
	}
	mustSucceed(t, x, newCall(s.secure()))
}

// A connection that is too old, or idle for too long, is closed.
func TestHTTP2ConnectionsEnd(t *testing.T) {
	ca := newAuthority(t)
	for name, cfg := range map[string]Config{
		"idle": {IdleTimeout: 50 * time.Millisecond},
		"old":  {MaxConnAge: 50 * time.Millisecond, IdleTimeout: 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan struct{}, 10)
			s := serveFrames(t, ca, func(_ int, f *framer) {
				_ = f.WriteSettings()
				f.answerAll()
				ended <- struct{}{}
			})
			cfg.RootCAs = ca.pool
			x := newTLSExecutor(t, cfg)
			mustSucceed(t, x, newCall(s.secure()))
			select {
			case <-ended:
			case <-time.After(ample):
				t.Error("the connection was not closed")
			}
		})
	}
}

// A target whose settings allow no call is waited for, and said so.
func TestNoStreams(t *testing.T) {
	ca := newAuthority(t)
	var conns atomic.Int64
	s := serveFrames(t, ca, func(_ int, f *framer) {
		conns.Add(1)
		_ = f.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 0})
		for {
			id, ok := f.request()
			if !ok {
				return
			}
			_ = f.WriteRSTStream(id, http2.ErrCodeRefusedStream)
		}
	})
	x := newTLSExecutor(t, Config{RootCAs: ca.pool})
	call := newCall(s.secure())
	call.Timeout = time.Second
	out := do(x, call)
	want := "hook.test:" + s.port() + " allows no calls now (SETTINGS_MAX_CONCURRENT_STREAMS is 0)"
	// A call that was given to the connection just before its settings arrived waits there until it times out.
	const given = "timeout after 1s sending the request"
	if out.Verdict != retry || out.MaybeSent || out.Error != want && out.Error != given {
		t.Errorf("outcome %+v, want %s", out, want)
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}
