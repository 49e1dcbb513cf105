package executor

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// maxAttackBytes is what one call to a hostile target may allocate, whatever
// the target sends: the longer header buffer, the parsed header, an error.
const maxAttackBytes = 512 << 10

// forever writes the start and then the rest again and again, until the caller
// has closed the connection.
func forever(start, rest string) func(net.Conn) {
	again := []byte(rest)
	return func(c net.Conn) {
		_, err := io.WriteString(c, start)
		for err == nil {
			_, err = c.Write(again)
		}
	}
}

// drip is forever with a pause between the writes.
func drip(pause time.Duration, start, rest string) func(net.Conn) {
	again := []byte(rest)
	return func(c net.Conn) {
		tick := time.NewTicker(pause)
		defer tick.Stop()
		_, err := io.WriteString(c, start)
		for ; err == nil; <-tick.C {
			_, err = c.Write(again)
		}
	}
}

// say writes and then leaves the connection open.
func say(text string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.WriteString(c, text)
		_, _ = io.Copy(io.Discard, c)
	}
}

var (
	megabyte = strings.Repeat("x", 1<<20)
	block    = strings.Repeat("y", 60_000)
	line     = "X: " + strings.Repeat("y", 1000) + "\r\n"
	okHead   = "HTTP/1.1 200 OK\r\n"
	chunked  = okHead + "Transfer-Encoding: chunked\r\n\r\n"
)

// many is a short piece again and again: in writes of a few bytes each a slow
// machine would spend seconds.
func many(piece string) string { return strings.Repeat(piece, 1+4000/len(piece)) }

// attack is what a hostile target does after it has read the request.
type attack struct {
	serve  func(net.Conn)
	want   domain.Verdict
	status int
	says   string // part of the error
}

// attacks are those that end before the timeout.
var attacks = map[string]attack{
	// The head.
	"100 header lines of 1 MB":       {forever(okHead, "X: "+megabyte+"\r\n"), final, 200, "its header is larger than"},
	"header lines without end":       {forever(okHead, line), final, 200, "its header is larger than"},
	"short header lines without end": {forever(okHead, many("X: y\r\n")), final, 200, "its header is larger than"},
	"300 short header lines": {say(okHead + strings.Repeat("X:\n", 300) +
		"Connection: close\r\nContent-Length: 0\r\n\r\n"), success, 200, ""},
	"200 short header lines": {say(okHead + strings.Repeat("X:\n", 200) +
		"Connection: close\r\nContent-Length: 0\r\n\r\n"), success, 200, ""},
	"one header line without end": {forever(okHead+"X: ", block), final, 200, "its header is larger than"},
	"folded lines without end": {forever(okHead+"X: y\r\n", many(" z\r\n")), final, 200,
		"its header is larger than"},
	"a reason without end":    {forever("HTTP/1.1 200 ", block), final, 0, "its header is larger than"},
	"a status without end":    {forever("HTTP/1.1 ", many("2")), final, 0, "its header is larger than"},
	"no line at all":          {forever("", block), final, 0, "it is not HTTP, but begins with"},
	"empty lines without end": {forever("", many("\r\n")), final, 0, "its header is larger than"},
	"NULs without end": {forever("", strings.Repeat("\x00", 4096)), final, 0,
		"it is not HTTP, but binary"},
	"1xx without end": {forever("", many("HTTP/1.1 102 Processing\r\n\r\n")), final, 0,
		"interim (1xx) responses"},
	"large 1xx without end": {forever("", "HTTP/1.1 103 Early Hints\r\nLink: "+block[:30_000]+"\r\n\r\n"),
		final, 0, "the interim (1xx) responses are too large"},
	"1xx that drip": {drip(time.Millisecond, "", "HTTP/1.1 102 Processing\r\n\r\n"), final, 0,
		"interim (1xx) responses"},
	"a switch of protocols": {
		forever("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", block), final,
		101, "HTTP 101"},
	"many headers, then a body": {forever(okHead+strings.Repeat("X: y\r\n", 4_000)+"\r\n", block),
		success, 200, ""},
	"a long header, then a body": {forever(okHead+strings.Repeat(line, 30)+"\r\n", block), success, 200, ""},
	"a status of four digits": {say("HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"), final, 0,
		"no number of three digits"},
	"a length that overflows": {forever(okHead+"Content-Length: 99999999999999999999\r\n\r\n", block),
		success, 200, ""},
	"a negative length": {say(okHead + "Content-Length: -1\r\n\r\n"), final, 200, "is no number"},
	"lengths that differ": {say(okHead + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), final, 200,
		"lengths that differ"},
	"a length and chunks": {forever(okHead+"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
		many("5\r\nhello\r\n")), final, 200, bothLengths},
	"an encoding of another name": {forever(okHead+"Transfer-Encoding: gzip, chunked\r\n\r\n", block), final, 200,
		"a chunk has no size"},

	// The body. What the limit cuts is a success where the status is one; what
	// the target cuts, or does not end in time, is none.
	"gigabytes":                      {forever(okHead+"Content-Length: 8000000000\r\n\r\n", block), success, 200, ""},
	"a body without end":             {forever(okHead+"\r\n", block), success, 200, ""},
	"a failure without end":          {forever("HTTP/1.1 500 X\r\n\r\n", block), retry, 500, "HTTP 500"},
	"chunks without end":             {forever(chunked, "ea60\r\n"+block+"\r\n"), success, 200, ""},
	"chunks of one byte without end": {forever(chunked, strings.Repeat("1\r\nx\r\n", 1000)), success, 200, ""},
	"a huge chunk":                   {forever(chunked+"7ffffffffffffff\r\n", block), success, 200, ""},
	"a chunk size that overflows":    {forever(chunked+"ffffffffffffffffff\r\n", block), success, 200, ""},
	"a negative chunk size":          {say(chunked + "-5\r\nhello\r\n"), final, 200, "a chunk has no size"},
	"a chunk size without end":       {forever(chunked, many("0")), final, 200, "a chunk has no size"},
	"a chunk extension without end":  {forever(chunked+"1;", block), success, 200, ""},
	"a trailer that drips":           {drip(10*time.Millisecond, chunked+"0\r\nX: ", "y"), success, 200, ""},
	"a chunk without its line break": {say(chunked + "2\r\nabcd\r\n0\r\n\r\n"), final, 200,
		"a chunk is longer than it said"},
	"trailers without end":  {forever(chunked+"0\r\n", many("X: y\r\n")), success, 200, ""},
	"a trailer without end": {forever(chunked+"0\r\nX: ", block), success, 200, ""},
	"a bomb of gzip": {
		forever(okHead+"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff",
			many("\xec\xc1\x01\x0d\x00\x00\x00\xc2")), success, 200, "",
	},
}

// waits are attacks that the timeout ends. None comes to a limit of sizes before
// even a long one.
var waits = map[string]attack{
	"a header that drips":    {drip(time.Millisecond, okHead+"X: ", "y"), retry, 0, "timeout after"},
	"header lines that drip": {drip(100*time.Millisecond, okHead, "X: y\r\n"), retry, 0, "timeout after"},
	"a body that drips": {drip(time.Millisecond, okHead+"Content-Length: 100000\r\n\r\n", "x"), retry,
		200, "timeout after"},
	"chunks that drip":                {drip(time.Millisecond, chunked, "1\r\nx\r\n"), retry, 200, "timeout after"},
	"a body that never ends":          {say(okHead + "Content-Length: 9\r\n\r\nab"), retry, 200, "timeout after"},
	"a connection that is never shut": {say(okHead + "\r\nab"), retry, 200, "timeout after"},
	"a failure that drips": {drip(time.Millisecond, "HTTP/1.1 503 X\r\nContent-Length: 100000\r\n\r\n", "x"),
		retry, 503, "HTTP 503"},
	"silence":    {say(""), retry, 0, "timeout after"},
	"only a bit": {say("H"), retry, 0, "timeout after"},
}

// stopwatch measures time in which this process had the processor: on a machine
// that is busy with something else a test can be held up for minutes. The
// function stops it.
func stopwatch() (stop func() time.Duration) {
	const beat = 20 * time.Millisecond
	start, done, stalls := time.Now(), make(chan struct{}), make(chan time.Duration)
	go func() {
		tick := time.NewTicker(beat)
		defer tick.Stop()
		var stalled time.Duration
		for last := start; ; {
			select {
			case <-done:
				stalls <- stalled + max(0, time.Since(last)-2*beat)
				return
			case <-tick.C:
				now := time.Now()
				stalled += max(0, now.Sub(last)-2*beat)
				last = now
			}
		}
	}()
	return func() time.Duration {
		took := time.Since(start)
		close(done)
		return took - <-stalls
	}
}

// try makes a call to the target and returns what is wrong with its outcome. A
// call to it must be over within the limit.
func (a attack) try(t *testing.T, timeout, limit time.Duration) (fault string) {
	s := serveRaw(t, func(_ int, c net.Conn) {
		readRaw(c)
		a.serve(c)
	})
	x := newTestExecutor(t, Config{})
	call := newCall(s.url())
	call.Timeout = timeout
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	stop := stopwatch()
	out := do(x, call)
	took := stop()
	runtime.ReadMemStats(&after)

	if (out.Error == "") != (out.Verdict == success) || len(out.Error) > 2*maxSnippetBytes {
		t.Errorf("an error of %d bytes: %q", len(out.Error), out.Error)
	}
	if took > limit {
		t.Errorf("took %v", took)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > maxAttackBytes {
		t.Errorf("allocated %d bytes", n)
	} else if testing.Verbose() {
		fmt.Printf("%-32s %7d bytes  %v %q\n", t.Name(), n, took.Round(time.Millisecond), out.Error)
	}
	if n := x.pools.open.Load(); n != 0 {
		t.Errorf("%d connections are kept for the next call", n)
	}
	if out.Verdict != a.want || out.HTTPStatus != a.status || !strings.Contains(out.Error, a.says) {
		fault = fmt.Sprintf("outcome %+v, want verdict %v, status %d, %q", out, a.want, a.status, a.says)
	}
	return fault
}

// Whatever a target sends, a call to it is over at its timeout, takes a bounded
// amount of memory, and ends as an outcome that a person can read.
func TestAttacks(t *testing.T) {
	for name, a := range attacks {
		t.Run(name, func(t *testing.T) {
			if fault := a.try(t, ample, prompt); fault != "" {
				t.Error(fault)
			}
		})
	}
	for name, a := range waits {
		t.Run(name, func(t *testing.T) {
			atTimeout(t, func(timeout time.Duration) string { return a.try(t, timeout, timeout+prompt) })
		})
	}
}

// Targets of https that attack before there is a response.
func TestAttacksInTheHandshake(t *testing.T) {
	serverHello := "\x16\x03\x03\x00\x04\x02\xff\xff\xff" // a handshake message of 16 MB
	for name, tc := range map[string]struct {
		serve func(net.Conn)
		says  string
	}{
		"an endless record":        {forever("\x16\x03\x03\xff\xff", block), "tls: "},
		"a huge message":           {forever(serverHello, "\x16\x03\x03\x40\x00"+block[:16384]), "tls: "},
		"empty records":            {forever("", many("\x16\x03\x03\x00\x00")), "tls: "},
		"warnings without end":     {forever("", many("\x15\x03\x03\x00\x02\x01\x00")), "tls: "},
		"records that drip":        {drip(2*time.Millisecond, "\x16\x03\x03\x40\x00", "x"), "tls: timeout after"},
		"plain HTTP without end":   {forever(okHead+"\r\n", block), "tls: "},
		"a hello that never comes": {say(""), "tls: timeout after"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveRaw(t, func(_ int, c net.Conn) { tc.serve(c) })
			try := func(timeout, limit time.Duration) (fault string) {
				x := newTestExecutor(t, Config{DialTimeout: timeout})
				call := newCall("https://" + s.addr + "/")
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				stop := stopwatch()
				out := do(x, call)
				took := stop()
				runtime.ReadMemStats(&after)
				if took > limit {
					t.Errorf("took %v", took)
				}
				if n := after.TotalAlloc - before.TotalAlloc; n > 2*maxAttackBytes { // keys and buffers of crypto/tls
					t.Errorf("allocated %d bytes", n)
				}
				if out.Verdict != retry || out.MaybeSent || !strings.HasPrefix(out.Error, tc.says) ||
					len(out.Error) > 300 {
					fault = fmt.Sprintf("outcome %+v, want %q", out, tc.says)
				}
				return fault
			}
			if strings.Contains(tc.says, "timeout") {
				atTimeout(t, func(timeout time.Duration) string { return try(timeout, timeout+prompt) })
			} else if fault := try(ample, prompt); fault != "" {
				t.Error(fault)
			}
		})
	}
}

// dripping is a connection that gives one byte at a time.
type dripping struct{ script }

func (d *dripping) Read(p []byte) (int, error) { return d.Reader.Read(p[:1]) }

// BenchmarkDrippedHead is a head of the largest size, byte by byte: it must
// not cost the square of its length.
func BenchmarkDrippedHead(b *testing.B) {
	head := okHead + strings.Repeat(line, (DefaultMaxHeaderBytes-500)/len(line)) + "Content-Length: 0\r\n\r\n"
	x, call := newTestExecutor(b, Config{}), newCall("http://example.com/")
	b.ReportAllocs()
	for b.Loop() {
		var r response
		peer := new(dripping)
		peer.Reset([]byte(head))
		r.begin(&x.cfg, call.Method, peer, make([]byte, 0, headBufferBytes))
		if err := r.read(0, bufio.NewReaderSize(nil, readBufferBytes)); err != nil || r.head.status != 200 {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(head)))
}
