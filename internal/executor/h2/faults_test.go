package h2

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// How a call ends whose stream or connection is ended by the peer.
func TestEndings(t *testing.T) {
	for name, tc := range map[string]struct {
		then func(p *testPeer, id uint32)
		want string
	}{
		"reset": {func(p *testPeer, id uint32) { _ = p.WriteRSTStream(id, http2.ErrCodeInternal); p.wait() },
			"the stream was reset (INTERNAL_ERROR)"},
		"HTTP/1.1": {func(p *testPeer, id uint32) {
			_ = p.WriteRSTStream(id, http2.ErrCodeHTTP11Required)
			p.wait()
		}, "the stream was reset (HTTP_1_1_REQUIRED)"},
		"reset, no fault": {func(p *testPeer, id uint32) { _ = p.WriteRSTStream(id, http2.ErrCodeNo); p.wait() },
			"the stream was reset (NO_ERROR)"},
		"refused after its header": {func(p *testPeer, id uint32) {
			p.header(id, false, ":status", "200")
			_ = p.WriteRSTStream(id, http2.ErrCodeRefusedStream)
			p.wait()
		}, "the stream was reset (REFUSED_STREAM)"},
		"closed": {func(*testPeer, uint32) {}, "unexpected EOF"},
		"half closed": {func(p *testPeer, _ uint32) { _ = p.nc.(*net.TCPConn).CloseWrite(); p.wait() },
			"unexpected EOF"},
		"GOAWAY, then closed": {func(p *testPeer, id uint32) {
			_ = p.WriteGoAway(id, http2.ErrCodeEnhanceYourCalm, []byte("too_many_pings"))
		}, `GOAWAY, ENHANCE_YOUR_CALM: "too_many_pings"`},
		"a part of a frame": {func(p *testPeer, _ uint32) { _, _ = p.nc.Write([]byte{0, 0}) }, "unexpected EOF"},
		"short body": {func(p *testPeer, id uint32) {
			p.header(id, false, ":status", "200", "content-length", "10")
			_ = p.WriteData(id, true, []byte("short"))
			p.wait()
		}, ErrShort.Error()},
		"short body without DATA": {func(p *testPeer, id uint32) {
			p.header(id, true, ":status", "200", "content-length", "10")
			p.wait()
		}, ErrShort.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			c := pair(t, Config{}, func(p *testPeer) {
				_ = p.WriteSettings()
				r, _ := p.request()
				tc.then(p, r.id)
			})
			s, _, err := call(t, c, newRequest(), 0)
			var not *Unprocessed
			if err == nil || err.Error() != tc.want || errors.As(err, &not) || !s.Sent() {
				t.Errorf("error %v, want %s", err, tc.want)
			}
		})
	}
}

// An answer that violates HTTP/2 ends its stream, and the next call goes on.
func TestMalformed(t *testing.T) {
	status := func(fields ...string) func(p *testPeer, id uint32) {
		return func(p *testPeer, id uint32) { p.header(id, true, fields...) }
	}
	for name, tc := range map[string]struct {
		then func(p *testPeer, id uint32)
		want string
		code http2.ErrCode
	}{
		"no status": {status("x", "y"), "its header has no status", http2.ErrCodeProtocol},
		"no number": {status(":status", "OK"), `its status is no number of three digits, but: "OK"`,
			http2.ErrCodeProtocol},
		"a long number": {status(":status", "2000"), `its status is no number of three digits, but: "2000"`,
			http2.ErrCodeProtocol},
		"101": {status(":status", "101"), "its status is 101, which HTTP/2 does not have",
			http2.ErrCodeProtocol},
		"interim at the end": {status(":status", "100"), "it ends with an interim (1xx) header",
			http2.ErrCodeProtocol},
		"upper case": {status(":status", "200", "X-Upper", "y"), `invalid header field name "X-Upper"`,
			http2.ErrCodeProtocol},
		"a line break": {status(":status", "200", "x", "a\r\nb"), `invalid header field value for "x"`,
			http2.ErrCodeProtocol},
		"a transfer coding": {status(":status", "200", "transfer-encoding", "chunked"),
			"it has Transfer-Encoding, which HTTP/2 does not have", http2.ErrCodeProtocol},
		"a coding and a length": {status(":status", "200", "content-length", "0", "transfer-encoding", "gzip"),
			"it has Transfer-Encoding, which HTTP/2 does not have", http2.ErrCodeProtocol},
		"a length that is none": {status(":status", "200", "content-length", "+0"), "its Content-Length is no number",
			http2.ErrCodeProtocol},
		"lengths that differ": {status(":status", "200", "content-length", "0", "content-length", "1"),
			"it has two lengths that differ", http2.ErrCodeProtocol},
		"more than the length": {func(p *testPeer, id uint32) {
			p.header(id, false, ":status", "200", "content-length", "2")
			_ = p.WriteData(id, false, []byte("more"))
		}, "its body is longer than its Content-Length", http2.ErrCodeProtocol},
		"a space in a name": {status(":status", "200", "content-length ", "0"),
			`invalid header field name "content-length "`, http2.ErrCodeProtocol},
		"a pseudo field last": {status("x", "y", ":status", "200"), "pseudo header field after regular",
			http2.ErrCodeProtocol},
		"two statuses": {status(":status", "200", ":status", "201"), `duplicate pseudo-header ":status"`,
			http2.ErrCodeProtocol},
		"of a request": {status(":path", "/", ":status", "200"), "mix of request and response pseudo headers",
			http2.ErrCodeProtocol},
		"DATA first": {func(p *testPeer, id uint32) { _ = p.WriteData(id, true, []byte("x")) },
			"DATA before its header", http2.ErrCodeProtocol},
		"two headers": {func(p *testPeer, id uint32) {
			p.header(id, false, ":status", "200")
			p.header(id, false, ":status", "200")
		}, "a second header, which does not end the answer", http2.ErrCodeProtocol},
		"too much DATA": {func(p *testPeer, id uint32) {
			p.header(id, false, ":status", "200")
			_ = p.WriteData(id, false, make([]byte, 16<<10))
			_ = p.WriteData(id, false, make([]byte, 16<<10))
		}, "more DATA than the window of the stream allows", http2.ErrCodeFlowControl},
		"a window of zero": {func(p *testPeer, id uint32) { _ = p.WriteWindowUpdate(id, 0) }, "PROTOCOL_ERROR",
			http2.ErrCodeProtocol},
		"a window too large": {func(p *testPeer, id uint32) { _ = p.WriteWindowUpdate(id, 1<<31-1) },
			"the window of the stream exceeds 2^31-1", http2.ErrCodeFlowControl},
		"a long header": {func(p *testPeer, id uint32) {
			p.header(id, true, ":status", "200", "x", strings.Repeat("y", 9000))
		}, ErrHeaderTooLong.Error(), http2.ErrCodeCancel},
		"long interim headers": {func(p *testPeer, id uint32) {
			for range 3 {
				p.header(id, false, ":status", "103", "x", strings.Repeat("y", 4000))
			}
		}, ErrHeaderTooLong.Error(), http2.ErrCodeCancel},
		"many interim headers": {func(p *testPeer, id uint32) {
			for range MaxInterim + 1 {
				p.header(id, false, ":status", "103")
			}
		}, ErrHeaderTooLong.Error(), http2.ErrCodeCancel},
	} {
		t.Run(name, func(t *testing.T) {
			c := pair(t, Config{MaxHeaderBytes: 8 << 10, MaxBodyBytes: 20 << 10}, func(p *testPeer) {
				_ = p.WriteSettings()
				r, _ := p.request()
				tc.then(p, r.id)
				p.waitReset(r.id, tc.code)
				r, _ = p.request()
				p.answer(r.id, "200", "")
				p.wait()
			})
			_, _, err := call(t, c, newRequest(), 0)
			if err == nil || err.Error() != tc.want {
				t.Errorf("error %v, want %s", err, tc.want)
			}
			if _, r, err := call(t, c, newRequest(), 0); err != nil || r.status != 200 {
				t.Errorf("the next call: %+v, %v", r, err)
			}
		})
	}
}

// What violates HTTP/2 for the whole connection ends it, with the code that section 7
// has for it.
func TestViolations(t *testing.T) {
	for name, tc := range map[string]struct {
		then func(p *testPeer, id uint32)
		want string
		code http2.ErrCode
	}{
		"a stream that was not opened": {func(p *testPeer, _ uint32) { p.answer(99, "200", "") },
			"a HEADERS frame of a stream that was not opened", http2.ErrCodeProtocol},
		"a stream of the peer": {func(p *testPeer, _ uint32) { _ = p.WriteData(2, true, nil) },
			"a DATA frame of a stream that was not opened", http2.ErrCodeProtocol},
		"a push": {func(p *testPeer, id uint32) {
			_ = p.WritePushPromise(http2.PushPromiseParam{StreamID: id, PromiseID: 2, EndHeaders: true})
		}, "a PUSH_PROMISE, which was not agreed on", http2.ErrCodeProtocol},
		"a large frame": {func(p *testPeer, id uint32) { _ = p.WriteData(id, false, make([]byte, 16<<10+1)) },
			"a frame is larger than was agreed", http2.ErrCodeFrameSize},
		"CONTINUATION alone": {func(p *testPeer, id uint32) { _ = p.WriteContinuation(id, true, nil) },
			"unexpected CONTINUATION for stream 1", http2.ErrCodeProtocol},
		"broken compression": {func(p *testPeer, id uint32) {
			_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: []byte{0xff, 0xff, 0xff},
				EndHeaders: true})
		}, "a header is much larger than was agreed, or cannot be decompressed", http2.ErrCodeCompression},
		"a window of zero": {func(p *testPeer, _ uint32) { _ = p.WriteWindowUpdate(0, 0) }, "PROTOCOL_ERROR",
			http2.ErrCodeProtocol},
		"a window too large": {func(p *testPeer, _ uint32) { _ = p.WriteWindowUpdate(0, 1<<31-1) },
			"the window of the connection exceeds 2^31-1", http2.ErrCodeFlowControl},
		"SETTINGS": {func(p *testPeer, _ uint32) {
			_ = p.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1})
		}, "a SETTINGS value that is not allowed", http2.ErrCodeProtocol},
		"SETTINGS of a large window": {func(p *testPeer, id uint32) {
			_ = p.WriteWindowUpdate(id, 1<<31-1-65535)
			_ = p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1})
		}, "a SETTINGS value that is not allowed", http2.ErrCodeFlowControl},
		"a PING of a stream": {func(p *testPeer, _ uint32) {
			_ = p.WriteRawFrame(http2.FramePing, 0, 1, make([]byte, 8))
		},
			"PROTOCOL_ERROR", http2.ErrCodeProtocol},
		"a short PING": {func(p *testPeer, _ uint32) { _ = p.WriteRawFrame(http2.FramePing, 0, 0, make([]byte, 7)) },
			"FRAME_SIZE_ERROR", http2.ErrCodeFrameSize},
		"an endless header": {func(p *testPeer, id uint32) {
			_ = p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: []byte{0x88}})
			for range 100 {
				_ = p.WriteContinuation(id, false, bytes.Repeat([]byte{0x40, 1, 'x', 1, 'y'}, 3000))
			}
		}, "", http2.ErrCodeProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			done := make(chan struct{})
			c := pair(t, Config{}, func(p *testPeer) {
				defer close(done)
				_ = p.WriteSettings()
				r, _ := p.request()
				tc.then(p, r.id)
				if f, ok := next[*http2.GoAwayFrame](p); !ok || f.ErrCode != tc.code {
					t.Errorf("GOAWAY came: %v, %v, want %s", ok, f, tc.code)
				}
			})
			s, _, err := call(t, c, newRequest(), 0)
			var ended *Ended
			if tc.want == "" { // it is the stream's own
				if !errors.Is(err, ErrHeaderTooLong) {
					t.Errorf("error %v, want %v", err, ErrHeaderTooLong)
				}
			} else if want := "it violates HTTP/2: " + tc.want; !errors.As(err, &ended) ||
				err.Error() != want || !s.Sent() {
				t.Errorf("error %v, want %s", err, want)
			}
			<-done
			if c.Reserve() {
				t.Error("the connection gives streams")
			}
		})
	}
}

// A peer that does not speak HTTP/2 is known by what it sends first.
func TestNoHTTP2(t *testing.T) {
	for name, text := range map[string]string{
		"HTTP/1.1": "HTTP/1.1 400 Bad Request\r\n\r\n", "nothing": "",
		"another frame first": "\x00\x00\x08\x06\x00\x00\x00\x00\x00abcdefgh",
	} {
		t.Run(name, func(t *testing.T) {
			c := pair(t, Config{}, func(p *testPeer) {
				_, _ = p.request()
				_, _ = p.nc.Write([]byte(text))
			})
			_, _, err := call(t, c, newRequest(), 0)
			var ended *Ended
			if !errors.As(err, &ended) || !strings.HasPrefix(text, string(ended.Begins)) ||
				len(ended.Begins) < min(9, len(text)) {
				t.Errorf("error %v, %+v", err, ended)
			}
		})
	}
}

// floods are frames that a peer may repeat endlessly.
var floods = map[string]func(p *testPeer, id uint32) error{
	"PING":             func(p *testPeer, _ uint32) error { return p.WritePing(false, [8]byte{}) },
	"PING answers":     func(p *testPeer, _ uint32) error { return p.WritePing(true, [8]byte{}) },
	"SETTINGS":         func(p *testPeer, _ uint32) error { return p.WriteSettings() },
	"SETTINGS answers": func(p *testPeer, _ uint32) error { return p.WriteSettingsAck() },
	"WINDOW_UPDATE":    func(p *testPeer, id uint32) error { return p.WriteWindowUpdate(id, 1) },
	"PRIORITY": func(p *testPeer, id uint32) error {
		return p.WritePriority(id, http2.PriorityParam{StreamDep: 3})
	},
	"unknown": func(p *testPeer, id uint32) error {
		return p.WriteRawFrame(0xf0, 0, id, nil)
	},
	"GOAWAY": func(p *testPeer, id uint32) error {
		return p.WriteGoAway(id, http2.ErrCodeNo, nil)
	},
	"empty DATA": func(p *testPeer, id uint32) error { return p.WriteData(id, false, nil) },
	"padded DATA": func(p *testPeer, id uint32) error {
		return p.WriteDataPadded(id, false, nil, make([]byte, 100))
	},
	"RST_STREAM of a stream that has ended": func(p *testPeer, id uint32) error {
		return p.WriteRSTStream(id-2, http2.ErrCodeCancel)
	},
	"DATA of a stream that has ended": func(p *testPeer, id uint32) error {
		return p.WriteData(id-2, false, []byte("x"))
	},
	"faults of a stream that has ended": func(p *testPeer, id uint32) error { return p.WriteWindowUpdate(id-2, 0) },
	"fragments without bytes": func(p *testPeer, id uint32) error {
		var b bytes.Buffer
		f := http2.NewFramer(&b, nil)
		_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: []byte{0x88}})
		for range 100_000 {
			_ = f.WriteContinuation(id, false, nil)
		}
		_, err := p.nc.Write(b.Bytes())
		return err
	},
}

// Frames that bring a call no further end the connection when there are too many.
func TestFloods(t *testing.T) {
	for name, flood := range floods {
		t.Run(name, func(t *testing.T) {
			c := pair(t, Config{}, func(p *testPeer) {
				_ = p.WriteSettings()
				r, _ := p.request()
				p.answer(r.id, "200", "")
				r, _ = p.request()
				p.header(r.id, false, ":status", "200")
				go func() { _, _ = io.Copy(io.Discard, p.nc) }()
				for n := 0; flood(p, r.id) == nil; n++ {
					if n > 1_000_000 {
						t.Error("a million frames were taken")
						return
					}
				}
			})
			if _, _, err := call(t, c, newRequest(), 0); err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, err := call(t, c, newRequest(), 0)
			runtime.ReadMemStats(&after)
			var ended *Ended
			if !errors.As(err, &ended) || !strings.HasPrefix(err.Error(), "it violates HTTP/2: ") {
				t.Errorf("error %v", err)
			}
			if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 64 {
				t.Errorf("%d MB were allocated", mb)
			}
		})
	}
}

// A peer that sends control frames and does not read the answers is not waited for.
func TestFloodUnread(t *testing.T) {
	ours, theirs := net.Pipe()
	c := New(ours, Config{MaxHeaderBytes: 32 << 10, MaxBodyBytes: 1 << 16})
	c.Start()
	defer c.Close()
	defer theirs.Close()
	p := newTestPeer(t, theirs)
	if !p.readPreface() {
		return
	}
	go func() {
		_ = p.WriteSettings()
		for p.WritePing(false, [8]byte{}) == nil { //nolint:revive // until the connection ends
		}
	}()
	eventually(t, "the end", func() bool { return c.Err() != nil })
	if want := "it violates HTTP/2: it sends control frames and does not read the answers"; c.Err().Error() != want {
		t.Errorf("error %v, want %s", c.Err(), want)
	}
}

func TestBudget(t *testing.T) {
	now := time.Now()
	b := newBudget(now)
	count := func() (n int) {
		for b.spend(now) {
			n++
		}
		return n
	}
	if n := count(); n != burst {
		t.Errorf("%d frames at first, want %d", n, burst)
	}
	b.earn(perStream)
	if n := count(); n != perStream-1 { // one was spent in vain
		t.Errorf("%d frames for a call, want %d", n, perStream-1)
	}
	now = now.Add(time.Second)
	if n := count(); n < rate-5 || n > rate {
		t.Errorf("%d frames after a second, want %d", n, rate)
	}
	now = now.Add(time.Hour)
	if n := count(); n < burst-5 || n > burst {
		t.Errorf("%d frames after an hour, want %d", n, burst)
	}
}

// No bytes of a peer make a connection panic or hang.
func FuzzPeer(f *testing.F) {
	var b bytes.Buffer
	fr := http2.NewFramer(&b, nil)
	_ = fr.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 1})
	_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x88}, EndHeaders: true})
	_ = fr.WriteData(1, false, []byte("body"))
	_ = fr.WriteWindowUpdate(1, 10)
	_ = fr.WriteGoAway(1, http2.ErrCodeNo, []byte("x"))
	_ = fr.WriteRSTStream(1, http2.ErrCodeRefusedStream)
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, frames []byte) {
		c := pair(t, Config{MaxHeaderBytes: 1 << 10, MaxBodyBytes: 1 << 10}, func(p *testPeer) {
			go func() { _, _ = io.Copy(io.Discard, p.nc) }()
			_, _ = p.nc.Write(frames)
		})
		if c.Reserve() {
			_ = c.Do(NewStream(), newRequest(), new(record), time.Now().Add(ample))
		}
		c.Close()
	})
}
