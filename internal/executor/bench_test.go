package executor

import (
	"io"
	"net"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/target"
	"github.com/belfry-scheduler/belfry/internal/webhook"
	"github.com/valyala/fasthttp"
)

// serveFast answers every request that ends in its first read, without looking
// at it: the least that a target can cost on the same cores.
func serveFast(b testing.TB) *rawServer {
	answer := []byte(rawResponse(200, "ok"))
	return serveRaw(b, func(_ int, c net.Conn) {
		buf := make([]byte, 4096)
		for {
			if n, err := c.Read(buf); err != nil || n == 0 {
				return
			}
			if _, err := c.Write(answer); err != nil {
				return
			}
		}
	})
}

const benchCallers = 64

func parallel(b *testing.B, each func(pb *testing.PB)) {
	b.ReportAllocs()
	b.SetParallelism(max(1, benchCallers/runtime.GOMAXPROCS(0)))
	b.ResetTimer()
	b.RunParallel(each)
}

// BenchmarkDo is a call on an open connection, with the default body.
func BenchmarkDo(b *testing.B) {
	s := serveFast(b)
	x := newTestExecutor(b, Config{})
	parallel(b, func(pb *testing.PB) {
		call, out := newCall(s.url()), new(domain.Outcome)
		for pb.Next() {
			if x.Do(call, out); out.Verdict != success {
				b.Error(out.Error)
				return
			}
		}
	})
}

// BenchmarkDoOnce is the same for a call that is at most once.
func BenchmarkDoOnce(b *testing.B) {
	s := serveFast(b)
	x := newTestExecutor(b, Config{})
	parallel(b, func(pb *testing.PB) {
		call, out := newCall(s.url()), new(domain.Outcome)
		call.Once = true
		for pb.Next() {
			if x.Do(call, out); out.Verdict != success {
				b.Error(out.Error)
				return
			}
		}
	})
}

// BenchmarkDoSigned is the same with a signature.
func BenchmarkDoSigned(b *testing.B) {
	s := serveFast(b)
	x := newTestExecutor(b, Config{Signing: Signing{Of: forAll(newSigner(b, secretA))}})
	parallel(b, func(pb *testing.PB) {
		call, out := newCall(s.url()), new(domain.Outcome)
		for pb.Next() {
			if x.Do(call, out); out.Verdict != success {
				b.Error(out.Error)
				return
			}
		}
	})
}

// BenchmarkHostClient is the bare client of fasthttp, with a request of the
// same size that is made once: the measure for BenchmarkDo.
func BenchmarkHostClient(b *testing.B) {
	s := serveFast(b)
	client := &fasthttp.HostClient{
		Addr: s.addr, MaxConns: DefaultMaxConnsPerHost, MaxIdemponentCallAttempts: 1,
		MaxIdleConnDuration: 100 * time.Millisecond, // its cleaner ends with the test
		DialTimeout: func(addr string, timeout time.Duration) (net.Conn, error) {
			return net.DialTimeout("tcp", addr, timeout)
		},
	}
	b.Cleanup(func() { closeHostClient(client) })
	parallel(b, func(pb *testing.PB) {
		req, resp := benchRequest(s), new(fasthttp.Response)
		for pb.Next() {
			if err := client.DoTimeout(req, resp, 10*time.Second); err != nil || resp.StatusCode() != 200 {
				b.Error(err)
				return
			}
		}
	})
}

// closeHostClient waits for the cleaner of the client's connections to end.
func closeHostClient(client *fasthttp.HostClient) {
	client.CloseIdleConnections()
	for client.ConnsCount() > 0 {
		runtime.Gosched()
	}
}

func benchRequest(s *rawServer) *fasthttp.Request {
	call, req := newCall(s.url()), new(fasthttp.Request)
	req.Header.SetMethod("POST")
	req.SetRequestURI(call.URL)
	req.Header.SetContentType("application/json")
	req.Header.SetUserAgent("belfry")
	for name, value := range map[string]string{
		"Idempotency-Key": call.ExecutionID.String(), "Belfry-Job-Id": call.Key.JobID.String(),
		"Belfry-Execution-Id": call.ExecutionID.String(), "Belfry-Scheduled-At": "1732000000000", "Belfry-Attempt": "1",
	} {
		req.Header.Set(name, value)
	}
	req.SetBody(appendDefaultBody(nil, call))
	return req
}

// BenchmarkRequest is the making of the bytes that are sent.
func BenchmarkRequest(b *testing.B) {
	for _, secrets := range [][]webhook.Secret{nil, {secretA}, {secretA, secretB}} {
		b.Run(strconv.Itoa(len(secrets))+" secrets", func(b *testing.B) {
			r, call := new(request), newCall("https://hooks.example.com/v1/ring?tower=north")
			x := newTestExecutor(b, Config{Signing: Signing{Of: forAll(newSigner(b, secrets...))}})
			b.ReportAllocs()
			for b.Loop() {
				p, _ := target.Cut(call.URL)
				_ = r.build(&x.cfg, call, p.Path, p.Authority)
			}
		})
	}
	for _, headers := range []int{0, 4} {
		b.Run(strconv.Itoa(headers)+" headers", func(b *testing.B) {
			r, call := new(request), newCall("https://hooks.example.com/v1/ring?tower=north")
			x := newTestExecutor(b, Config{})
			call.Headers = make(map[string]string)
			for i := range headers {
				call.Headers["X-Header-"+strconv.Itoa(i)] = "some value"
			}
			b.ReportAllocs()
			for b.Loop() {
				p, _ := target.Cut(call.URL)
				_ = r.build(&x.cfg, call, p.Path, p.Authority)
			}
		})
	}
}

// BenchmarkInFlight reports the memory of this process for each call that
// waits for its answer, the goroutine of the caller included. The targets keep
// one byte of memory of their own for each call: they run in goroutines of
// this process only until they have read the request.
func BenchmarkInFlight(b *testing.B) {
	const calls = 5000
	for b.Loop() {
		heap, stacks := waitingMemory(b, calls)
		b.ReportMetric(float64(heap)/calls, "heapB/call")
		b.ReportMetric(float64(stacks)/calls, "stackB/call")
		b.ReportMetric(float64(heap+stacks)/calls, "totalB/call")
	}
}

func waitingMemory(b *testing.B, calls int) (heap, stacks int64) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	targets := make([]net.Conn, 0, calls)
	read := make([]byte, 4096)
	x := newTestExecutor(b, Config{})

	before := memory()
	var wg sync.WaitGroup
	var failed atomic.Int64
	for range calls {
		wg.Go(func() {
			call := newCall("http://" + ln.Addr().String() + "/hook")
			call.Timeout = time.Minute
			if out := do(x, call); out.Verdict != success {
				failed.Add(1)
			}
		})
	}
	for range calls {
		c, err := ln.Accept()
		if err != nil {
			b.Fatal(err)
		}
		targets = append(targets, c)
		if _, err := c.Read(read); err != nil {
			b.Fatal(err)
		}
	}
	after := memory()
	for _, c := range targets {
		_, _ = io.WriteString(c, rawResponse(200, "ok", "Connection: close"))
		_ = c.Close()
	}
	wg.Wait()
	if n := failed.Load(); n > 0 {
		b.Fatalf("%d calls failed", n)
	}
	return int64(after.HeapInuse - before.HeapInuse), int64(after.StackInuse - before.StackInuse)
}

func memory() (m runtime.MemStats) {
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m
}

// The steady path of a success allocates nothing.
func TestDoAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool drop what it is given")
	}
	s := serveFast(t)
	x := newTestExecutor(t, Config{})
	call, out := newCall(s.url()), new(domain.Outcome)
	call.Headers = map[string]string{"X-A": "1", "X-B": "2"}
	for _, once := range []bool{false, true} {
		call.Once = once
		allocs := testing.AllocsPerRun(500, func() {
			if x.Do(call, out); out.Verdict != success {
				t.Fatal(out.Error)
			}
		})
		if allocs > 0.1 { // a collection may empty the pool once
			t.Errorf("once=%v: %.2f allocations a call, want none", once, allocs)
		}
	}
}
