package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/google/uuid"
	"github.com/valyala/fasthttp"
)

// bareCallers is the number of simultaneous calls of the bare loop: enough to keep every
// core of a small machine busy.
const bareCallers = 64

// Bare is the rate of a client that only sends POST requests like those of Belfry: no
// schedule, no history, no retries. It is the limit for any scheduler on this machine
// with this receiver.
type Bare struct {
	PerSecond      float64 `json:"perSecond"`
	Slowest        float64 `json:"slowestSecond"`     // requests in the slowest second of it
	CPUMicros      float64 `json:"cpuMicros"`         // of the client, for each request
	ReceiverMicros float64 `json:"receiverCpuMicros"` // of the receiver
}

// bareClient posts to a receiver, and does nothing else. The client is fasthttp's, or
// net/http's for HTTP/2, as it comes.
type bareClient struct {
	clock    clock.Clock
	receiver *receiverProcess
	callers  int
	targets  []string // hosts that the callers post to alternately
	http2    bool
}

// bare returns the client that posts to the receiver of all measurements.
func (e *environment) bare() bareClient {
	return bareClient{clock: e.cfg.Clock, receiver: e.receiver, callers: bareCallers, targets: []string{e.receiver.url}}
}

// run sends requests for a while. If after is not nil, it is called with the number of
// each request that was answered. Each caller first posts once to each of its hosts, which
// is not counted, so that the connections are open.
func (b bareClient) run(ctx context.Context, d time.Duration, after func(n int64)) (Bare, error) {
	limited, end := context.WithTimeout(ctx, d+bareTimeout)
	defer end()
	callers, disconnect := b.posts(limited)
	defer disconnect()
	if err := together(len(callers), func(i int) error { return each(callers[i]) }); err != nil {
		return Bare{}, fmt.Errorf("the bare loop: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var count atomic.Int64
	mark, before, received := b.clock.Mark(), ownCPU(), b.receiver.usage().cpu
	done := make(chan error, 1)
	go func() {
		done <- together(len(callers), func(i int) error {
			err := bareLoop(ctx, callers[i], func() {
				if n := count.Add(1); after != nil {
					after(n)
				}
			})
			if err != nil {
				cancel()
			}
			return err
		})
	}()
	slowest := b.slowestSecond(ctx, &count)
	if err := <-done; err != nil {
		return Bare{}, fmt.Errorf("the bare loop: %w", err)
	}
	took, n := b.clock.Elapsed(mark), count.Load()
	return Bare{
		PerSecond:      float64(n) / took.Seconds(),
		Slowest:        slowest,
		CPUMicros:      microsEach(ownCPU()-before, n),
		ReceiverMicros: microsEach(b.receiver.usage().cpu-received, n),
	}, nil
}

// together calls a function n times at the same time and returns the errors.
func together(n int, call func(i int) error) error {
	var all sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		all.Go(func() { errs[i] = call(i) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// each calls every function.
func each(posts []func() error) error {
	for _, post := range posts {
		if err := post(); err != nil {
			return err
		}
	}
	return nil
}

// slowestSecond watches a counter until the context ends and returns by how much
// it grew in the slowest of the seconds that were complete.
func (b bareClient) slowestSecond(ctx context.Context, count *atomic.Int64) (slowest float64) {
	slowest = math.Inf(1)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for last, begun := int64(0), b.clock.Mark(); ; {
		select {
		case <-ctx.Done():
			if math.IsInf(slowest, 1) {
				return 0
			}
			return slowest
		case <-tick.C:
			n := count.Load()
			slowest = min(slowest, float64(n-last)/b.clock.Elapsed(begun).Seconds())
			last, begun = n, b.clock.Mark()
		}
	}
}

func microsEach(d time.Duration, n int64) float64 {
	return float64(d.Microseconds()) / float64(max(1, n))
}

// bareLoop posts until the context ends, and calls answered after each answer.
func bareLoop(ctx context.Context, posts []func() error, answered func()) error {
	for n := 0; ctx.Err() == nil; n++ {
		if err := posts[n%len(posts)](); err != nil {
			return err
		}
		answered()
	}
	return nil
}

// posts returns for each caller a function for each of its hosts, which posts to it. With
// more hosts than callers each host is one caller's, so that the loop needs as few
// connections as possible.
func (b bareClient) posts(ctx context.Context) (callers [][]func() error, disconnect func()) {
	to := make([]func() func() error, len(b.targets)) // makes the function of a caller
	if b.http2 {
		transport := &http.Transport{TLSClientConfig: b.receiver.trust(), ForceAttemptHTTP2: true}
		for i, url := range b.targets {
			to[i] = func() func() error { return postHTTP2(ctx, transport, url+"/ok") }
		}
		disconnect = transport.CloseIdleConnections
	} else {
		clients := make([]*fasthttp.HostClient, len(b.targets))
		for i, url := range b.targets {
			clients[i] = b.hostClient(url)
			to[i] = func() func() error { return postHTTP1(clients[i], url+"/ok") }
		}
		disconnect = func() {
			for _, hc := range clients {
				hc.CloseIdleConnections()
			}
		}
	}
	callers = make([][]func() error, b.callers)
	for i := range max(len(b.targets), b.callers) {
		callers[i%b.callers] = append(callers[i%b.callers], to[i%len(b.targets)]())
	}
	return callers, disconnect
}

const bareTimeout = 10 * time.Second

func (b bareClient) hostClient(url string) *fasthttp.HostClient {
	scheme, addr, _ := strings.Cut(url, "://")
	return &fasthttp.HostClient{
		Addr: addr, IsTLS: scheme == "https", TLSConfig: b.receiver.trust(),
		MaxConns: bareCallers, MaxIdemponentCallAttempts: 1,
		Dial: func(addr string) (net.Conn, error) { return fasthttp.DialTimeout(addr, bareTimeout) },
	}
}

// postHTTP1 returns a function that posts once.
func postHTTP1(hc *fasthttp.HostClient, url string) func() error {
	req, res := new(fasthttp.Request), new(fasthttp.Response)
	next := bareRequest(req, url)
	return func() error {
		next()
		if err := hc.DoTimeout(req, res, bareTimeout); err != nil {
			return err
		}
		if res.StatusCode() != fasthttp.StatusOK {
			return fmt.Errorf("the receiver answered %d", res.StatusCode())
		}
		return nil
	}
}

// postHTTP2 returns a function that posts once.
func postHTTP2(ctx context.Context, transport *http.Transport, url string) func() error {
	x, header := newBareExecution(), http.Header{}
	for name, value := range x.headers() {
		header.Set(name, value)
	}
	return func() error {
		x.next()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(x.body))
		if err != nil {
			return err
		}
		header["Idempotency-Key"][0] = string(x.text)
		header["Belfry-Execution-Id"][0] = string(x.text)
		req.Header = header // the call before has ended
		res, err := transport.RoundTrip(req)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, res.Body)
		err = errors.Join(err, res.Body.Close())
		if res.StatusCode != http.StatusOK || res.ProtoMajor != 2 {
			err = errors.Join(err, fmt.Errorf("the receiver answered %d by %s", res.StatusCode, res.Proto))
		}
		return err
	}
}

// bareExecution is an execution that a request like Belfry's is about. The receiver
// remembers executions, and a request for a known one costs it less; hence each request
// has the next one.
type bareExecution struct {
	job  string
	id   uuid.UUID
	n    uint64
	text []byte // the id
	body []byte
}

func newBareExecution() *bareExecution {
	x := &bareExecution{job: uuid.NewString(), id: uuid.New(), n: rand.Uint64()}
	x.text = []byte(x.id.String())
	return x
}

// headers are those of the first request.
func (x *bareExecution) headers() map[string]string {
	return map[string]string{
		"Belfry-Job-Id": x.job, "Belfry-Scheduled-At": strconv.FormatInt(1_767_225_600_000, 10), "Belfry-Attempt": "1",
		"Content-Type": "application/json", "User-Agent": "belfry/bench",
		"Idempotency-Key": x.id.String(), "Belfry-Execution-Id": x.id.String(),
	}
}

func (x *bareExecution) next() {
	x.n += 0x9e3779b97f4a7c15 // the golden ratio: every value comes once, and spread over all
	binary.BigEndian.PutUint64(x.id[8:], x.n)
	hex.Encode(x.text[19:23], x.id[8:10])
	hex.Encode(x.text[24:36], x.id[10:])
	x.body = append(append(x.body[:0], `{"jobId":"`...), x.job...)
	x.body = append(append(x.body, `","executionId":"`...), x.text...)
	x.body = append(x.body, `","scheduledAt":1767225600000,"attempt":1}`...)
}

// bareRequest makes a request like Belfry's. next changes it to the request of another
// execution.
func bareRequest(req *fasthttp.Request, url string) (next func()) {
	x := newBareExecution()
	req.Header.SetMethod(fasthttp.MethodPost)
	req.SetRequestURI(url)
	for name, value := range x.headers() {
		req.Header.Set(name, value)
	}
	return func() {
		x.next()
		req.Header.SetBytesV("Idempotency-Key", x.text)
		req.Header.SetBytesV("Belfry-Execution-Id", x.text)
		req.SetBody(x.body)
	}
}

// ownCPU is the CPU time of this process.
func ownCPU() time.Duration { return used(os.Getpid()).cpu }
