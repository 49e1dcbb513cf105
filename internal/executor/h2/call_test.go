package h2

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"crypto/tls"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

func TestRequestAndAnswer(t *testing.T) {
	c := pair(t, Config{}, func(p *testPeer) {
		_ = p.WriteSettings()
		r, _ := p.request()
		want := ":method: POST\n:scheme: https\n:authority: hook.test:8443\n:path: /hook?x=1\n" +
			"user-agent: belfry/1\nx-own: a: b\ncontent-length: 4\nidempotency-key: 0192\n\nbody"
		if got := r.text(); got != want {
			t.Errorf("request\n got %q\nwant %q", got, want)
		}
		for _, f := range r.fields {
			if shared := indexed(f.Name); f.Sensitive == shared {
				t.Errorf("%s: never indexed: %v", f.Name, f.Sensitive)
			}
		}
		p.header(r.id, false, ":status", "103", "link", "x")
		p.header(r.id, false, ":status", "100")
		p.header(r.id, false, ":status", "503", "retry-after", "7", "content-length", "4")
		_ = p.WriteDataPadded(r.id, false, []byte("ab"), make([]byte, 9))
		_ = p.WriteData(r.id, false, []byte("cd"))
		p.header(r.id, true, "x-trailer", "y")
		p.wait()
	})
	s, r, err := call(t, c, newRequest(), 0)
	if err != nil || r.status != 503 || r.body != "abcd" || r.fields["retry-after"] != "7" || !s.Sent() || !s.Whole() {
		t.Errorf("answer %+v, stream sent %v, error %v", r, s.Sent(), err)
	}
}

// A body waits for the windows of the peer, and goes out in frames that it takes. A long
// head has CONTINUATION frames.
func TestLongRequest(t *testing.T) {
	body := strings.Repeat("x", 200_000)
	c := pair(t, Config{}, func(p *testPeer) {
		_ = p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 100})
		f, _ := next[*http2.MetaHeadersFrame](p)
		got, need := 0, 100
		for ended := false; !ended; {
			d, ok := next[*http2.DataFrame](p)
			if !ok {
				return
			}
			if got += len(d.Data()); got > need {
				t.Errorf("%d bytes came, the window allows %d", got, need)
			}
			if ended = d.StreamEnded(); got == need && !ended {
				need += 50_000
				_ = p.WriteWindowUpdate(0, 50_000)
				_ = p.WriteWindowUpdate(f.StreamID, 50_000)
			}
		}
		if got != len(body) || f.Fields[5].Value != strings.Repeat("y", 100_000) {
			t.Errorf("%d bytes came, fields %d", got, len(f.Fields))
		}
		p.answer(f.StreamID, "200", "")
		p.wait()
	})
	eventually(t, "SETTINGS", func() bool { return c.State().Limit == maxStreams })
	head := "POST / HTTP/1.1\r\nHost: a\r\nUser-Agent: b\r\nX-Long: " + strings.Repeat("y", 100_000) + "\r\n\r\n"
	s, r, err := call(t, c, &Request{Head: []byte(head), Body: []byte(body)}, 0)
	if err != nil || r.status != 200 || !s.Whole() {
		t.Errorf("answer %+v, %v", r, err)
	}
}

// What the peer has certainly not processed is told as such.
func TestUnprocessed(t *testing.T) {
	for name, tc := range map[string]struct {
		then func(p *testPeer, id uint32)
		want string
	}{
		"refused": {func(p *testPeer, id uint32) { _ = p.WriteRSTStream(id, http2.ErrCodeRefusedStream) },
			"the stream was refused (REFUSED_STREAM)"},
		"GOAWAY": {func(p *testPeer, _ uint32) { _ = p.WriteGoAway(0, http2.ErrCodeNo, nil) }, "GOAWAY, NO_ERROR"},
		"GOAWAY with an error": {
			func(p *testPeer, _ uint32) {
				_ = p.WriteGoAway(0, http2.ErrCodeEnhanceYourCalm, []byte("too \"many\""))
			},
			`GOAWAY, ENHANCE_YOUR_CALM: "too \"many\""`},
		"a second GOAWAY": {func(p *testPeer, id uint32) {
			_ = p.WriteGoAway(id, http2.ErrCodeNo, nil)
			_ = p.WriteGoAway(0, http2.ErrCodeInternal, nil)
		}, "GOAWAY, INTERNAL_ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			c := pair(t, Config{}, func(p *testPeer) {
				_ = p.WriteSettings()
				r, _ := p.request()
				tc.then(p, r.id)
				p.wait()
			})
			s, _, err := call(t, c, newRequest(), 0)
			var not *Unprocessed
			if !errors.As(err, &not) || err.Error() != tc.want || !s.Sent() {
				t.Errorf("error %v, want %s", err, tc.want)
			}
		})
	}
}

// A call on a connection that has ended is told that nothing was written.
func TestCallAfterTheEnd(t *testing.T) {
	c := pair(t, Config{}, func(p *testPeer) { _ = p.WriteSettings() })
	if !c.Reserve() {
		t.Fatal("there is no stream")
	}
	eventually(t, "the end", func() bool { return c.Err() != nil })
	s := NewStream()
	err := c.Do(s, newRequest(), new(record), time.Now().Add(ample))
	var not *Unprocessed
	if !errors.As(err, &not) || s.Sent() {
		t.Errorf("error %v, sent %v", err, s.Sent())
	}
	if c.Reserve() || c.State().Usable {
		t.Error("a connection that has ended gives streams")
	}
}

// A GOAWAY drains: the streams that the peer has taken go on, and then it is closed.
func TestGoAwayDrains(t *testing.T) {
	goAway := make(chan struct{})
	c := pair(t, Config{}, func(p *testPeer) {
		_ = p.WriteSettings()
		r, _ := p.request()
		_ = p.WriteGoAway(r.id, http2.ErrCodeNo, nil)
		<-goAway
		p.answer(r.id, "200", "ok")
		if _, ok := next[*http2.GoAwayFrame](p); !ok {
			t.Error("no GOAWAY came at the close")
		}
		p.wait()
	})
	go func() {
		for c.State().Usable {
			time.Sleep(time.Millisecond)
		}
		if c.Reserve() {
			t.Error("a draining connection gives a stream")
		}
		close(goAway)
	}()
	if _, r, err := call(t, c, newRequest(), 0); err != nil || r.body != "ok" {
		t.Errorf("answer %+v, %v", r, err)
	}
	eventually(t, "the end", func() bool { return c.Err() != nil })
}

func TestDrain(t *testing.T) {
	c := pair(t, Config{}, func(p *testPeer) {
		_ = p.WriteSettings()
		r, _ := p.request()
		p.answer(r.id, "204", "")
		if f, ok := next[*http2.GoAwayFrame](p); !ok || f.ErrCode != http2.ErrCodeNo {
			t.Error("no GOAWAY came at the close")
		}
		p.wait()
	})
	if !c.Reserve() {
		t.Fatal("there is no stream")
	}
	c.Drain()
	if c.Reserve() {
		t.Error("a draining connection gives a stream")
	}
	r := new(record)
	if err := c.Do(NewStream(), newRequest(), r, time.Now().Add(ample)); err != nil || r.status != 204 {
		t.Errorf("answer %+v, %v", r, err)
	}
	eventually(t, "the end", func() bool { return c.Err() != nil })
}

// The deadline of one call ends its stream alone.
func TestDeadline(t *testing.T) {
	first := make(chan uint32, 1)
	c := pair(t, Config{}, func(p *testPeer) {
		_ = p.WriteSettings()
		r, _ := p.request()
		first <- r.id
		other, _ := p.request()
		p.waitReset(r.id, http2.ErrCodeCancel)
		p.answer(r.id, "200", "late") // is passed over
		p.answer(other.id, "200", "ok")
		p.wait()
	})
	var wg sync.WaitGroup
	wg.Go(func() {
		s, _, err := callWithin(t, c, newRequest(), 0, 100*time.Millisecond)
		if !errors.Is(err, os.ErrDeadlineExceeded) || !s.Sent() || s.Headed() {
			t.Errorf("error %v, sent %v", err, s.Sent())
		}
	})
	<-first
	if _, r, err := call(t, c, newRequest(), 0); err != nil || r.body != "ok" {
		t.Errorf("answer %+v, %v", r, err)
	}
	wg.Wait()
	if s := c.State(); s.Busy != 0 || !s.Usable {
		t.Errorf("state %+v", s)
	}
}

// There are never more streams than the peer allows.
func TestStreams(t *testing.T) {
	var changed sync.WaitGroup
	changed.Add(1)
	answer := make(chan struct{})
	c := pair(t, Config{Changed: sync.OnceFunc(changed.Done)}, func(p *testPeer) {
		_ = p.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 1})
		r, _ := p.request()
		<-answer
		p.answer(r.id, "200", "")
		_ = p.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 0})
		<-answer
		_ = p.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 1 << 31})
		p.wait()
	})
	if s := c.State(); s.Available > initialStreams {
		t.Errorf("%d streams before the peer has said how many", s.Available)
	}
	changed.Wait()
	if s := c.State(); s.Available != 1 {
		t.Errorf("%d streams, want 1", s.Available)
	}
	if !c.Reserve() || c.Reserve() {
		t.Error("want one stream, and no second one")
	}
	c.Release()
	go func() { answer <- struct{}{} }()
	if _, _, err := call(t, c, newRequest(), 0); err != nil {
		t.Error(err)
	}
	eventually(t, "no streams", func() bool { return c.State().Limit == 0 })
	if s := c.State(); c.Reserve() || !s.Usable {
		t.Error("a peer that allows no stream gives one, or is unusable")
	}
	answer <- struct{}{}
	eventually(t, "many streams", func() bool { return c.State().Available == maxStreams })
}

// A stream that was reserved before the peer allowed fewer is told so at once.
func TestFewerStreams(t *testing.T) {
	ours, theirs := net.Pipe()
	c := New(ours, Config{MaxHeaderBytes: 32 << 10, MaxBodyBytes: 1 << 16})
	c.Start()
	defer c.Close()
	defer theirs.Close()
	eventually(t, "the preface", func() bool { // it is being written
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.pending.Len() == 0
	})
	if !c.Reserve() {
		t.Fatal("there is no stream")
	}
	done := make(chan error, 1)
	s := NewStream()
	go func() { done <- c.Do(s, newRequest(), new(record), time.Now().Add(ample)) }()
	eventually(t, "the call", func() bool { // its request waits for the preface to be read
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.queue) == 1
	})
	p := newTestPeer(t, theirs)
	_ = p.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 0})
	err := <-done
	var not *Unprocessed
	if !errors.As(err, &not) || s.Sent() {
		t.Errorf("error %v, sent %v", err, s.Sent())
	}
}

// A peer that is silent while a call waits is sent a PING, and the connection ends if it
// does not answer.
func TestPing(t *testing.T) {
	for name, answers := range map[string]bool{"answered": true, "silent": false} {
		t.Run(name, func(t *testing.T) {
			asked, pinged := make(chan struct{}), make(chan struct{})
			c := pair(t, Config{}, func(p *testPeer) {
				_ = p.WriteSettings()
				r, _ := p.request()
				close(asked)
				f, ok := next[*http2.PingFrame](p)
				if !ok {
					t.Error("no PING came")
				}
				close(pinged)
				if answers {
					_ = p.WritePing(true, f.Data)
					p.answer(r.id, "200", "")
				}
				p.wait()
			})
			eventually(t, "SETTINGS", func() bool { return c.State().Limit == maxStreams })
			go func() {
				<-asked
				now := time.Now()
				c.Check(now)
				if isPinged(c) {
					t.Error("a PING although the peer is not silent")
				}
				c.Check(now.Add(PingAfter))
				<-pinged
				if !answers {
					c.Check(now.Add(PingAfter + PingTimeout))
				}
			}()
			_, _, err := call(t, c, newRequest(), 0)
			if answers && err != nil {
				t.Error(err)
			}
			if want := "it did not answer a PING within 10s"; !answers && (err == nil || err.Error() != want) {
				t.Errorf("error %v, want %s", err, want)
			}
		})
	}
}

// A connection without calls is not sent PINGs.
func TestNoPingWithoutCalls(t *testing.T) {
	c := pair(t, Config{}, func(p *testPeer) {
		_ = p.WriteSettings()
		p.wait()
	})
	c.Check(time.Now().Add(time.Hour))
	if isPinged(c) {
		t.Error("a PING went out")
	}
}

// isPinged reports whether a PING is on its way.
func isPinged(c *Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.life.pinged.IsZero()
}

// A request that is at most once goes out only to a peer that was alive a moment ago.
func TestOnce(t *testing.T) {
	for _, name := range []string{"alive", "closed", "silent"} {
		t.Run(name, func(t *testing.T) {
			alive := name == "alive"
			c := pair(t, Config{}, func(p *testPeer) {
				_ = p.WriteSettings()
				f, ok := next[*http2.PingFrame](p)
				if !ok || name == "closed" {
					return
				}
				if name == "silent" {
					p.wait()
					return
				}
				_ = p.WritePing(true, f.Data)
				r, _ := p.request()
				p.answer(r.id, "200", "")
				p.wait()
			})
			eventually(t, "SETTINGS", func() bool { return c.State().Limit == maxStreams })
			c.mu.Lock()
			c.life.read = time.Now().Add(-AliveFor)
			c.mu.Unlock()
			req := newRequest()
			req.Once = true
			s, r, err := callWithin(t, c, req, 0, map[bool]time.Duration{true: ample, false: time.Second}[alive])
			var not *Unprocessed
			switch {
			case alive && (err != nil || r.status != 200):
				t.Errorf("answer %+v, %v", r, err)
			case !alive && (!errors.As(err, &not) || s.Sent()):
				t.Errorf("error %v, sent %v", err, s.Sent())
			case !alive && c.Reserve():
				t.Error("a connection that is not alive gives streams")
			}
		})
	}
}

// broken is an answer whose reader has a fault.
type broken struct{}

func (broken) Header(int, []hpack.HeaderField) { panic("a fault") }
func (broken) Data([]byte) bool                { return true }

// A fault of the program ends the connection, and not the process.
func TestPanic(t *testing.T) {
	c := pair(t, Config{}, func(p *testPeer) {
		_ = p.WriteSettings()
		r, _ := p.request()
		p.answer(r.id, "200", "")
		p.wait()
	})
	if !c.Reserve() {
		t.Fatal("there is no stream")
	}
	err := c.Do(NewStream(), newRequest(), broken{}, time.Now().Add(ample))
	if want := "internal fault: a fault"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// An answer before the request is whole counts, and the rest is not sent.
func TestEarlyAnswer(t *testing.T) {
	done := make(chan struct{})
	c := pair(t, Config{}, func(p *testPeer) {
		defer close(done)
		_ = p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1})
		f, _ := next[*http2.MetaHeadersFrame](p)
		p.answer(f.StreamID, "413", "too large")
		p.waitReset(f.StreamID, http2.ErrCodeNo)
	})
	s, r, err := call(t, c, &Request{Head: []byte(testHead), Body: make([]byte, 100_000)}, 0)
	if err != nil || r.status != 413 || r.body != "too large" || s.Whole() {
		t.Errorf("answer %+v, whole %v, %v", r, s.Whole(), err)
	}
	<-done
}

// Of a body only so much is read as is wanted.
func TestBodyLimit(t *testing.T) {
	c := pair(t, Config{MaxBodyBytes: 100}, func(p *testPeer) {
		_ = p.WriteSettings()
		f, _ := next[*http2.MetaHeadersFrame](p)
		p.header(f.StreamID, false, ":status", "200")
		_ = p.WriteData(f.StreamID, false, make([]byte, 100))
		p.waitReset(f.StreamID, http2.ErrCodeCancel)
		_ = p.WriteData(f.StreamID, true, make([]byte, 100)) // on its way
		f, _ = next[*http2.MetaHeadersFrame](p)
		p.answer(f.StreamID, "200", "ok")
		p.wait()
	})
	if _, r, err := call(t, c, newRequest(), 100); err != nil || len(r.body) != 100 {
		t.Errorf("%d bytes, %v", len(r.body), err)
	}
	if _, r, err := call(t, c, newRequest(), 100); err != nil || r.body != "ok" {
		t.Errorf("answer %+v, %v", r, err)
	}
}

// Calls of all kinds go on beside each other against the server of net/http.
func TestAgainstNetHTTP(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(200 + len(body)%2)
		_, _ = w.Write(body)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	cfg := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}
	nc, err := tls.Dial("tcp", s.Listener.Addr().String(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	c := New(nc, Config{MaxHeaderBytes: 32 << 10, MaxBodyBytes: 1 << 20})
	c.Start()
	defer c.Close()
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			stream := NewStream()
			for j := range 20 {
				body := strings.Repeat(strconv.Itoa(j%10), (i*j*997)%100_000)
				for !c.Reserve() {
					time.Sleep(time.Millisecond)
				}
				head := "POST / HTTP/1.1\r\nHost: a\r\nX-Call: " + strconv.Itoa(i) + "\r\n\r\n"
				r := new(record)
				err := c.Do(stream, &Request{Head: []byte(head), Body: []byte(body)}, r, time.Now().Add(ample))
				if err != nil || r.status != 200+len(body)%2 || r.body != body {
					t.Errorf("call %d/%d: status %d, %d bytes of %d, %v", i, j, r.status, len(r.body), len(body), err)
					return
				}
			}
		})
	}
	wg.Wait()
	if s := c.State(); s.Busy != 0 || !s.Usable {
		t.Errorf("state %+v", s)
	}
}
