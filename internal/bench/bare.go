package bench

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
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

// bareClient posts to a receiver, and does nothing else. The client is fasthttp's, as
// it comes.
type bareClient struct {
	clock    clock.Clock
	receiver *receiverProcess
}

// bare returns the client that posts to the receiver of all measurements.
func (e *environment) bare() bareClient { return bareClient{e.cfg.Clock, e.receiver} }

// run sends requests for a while. If after is not nil, it is called with the number of
// each request that was answered.
func (b bareClient) run(ctx context.Context, d time.Duration, after func(n int64)) (Bare, error) {
	addr := strings.TrimPrefix(b.receiver.url, "http://")
	hc := &fasthttp.HostClient{
		Addr: addr, MaxConns: bareCallers, MaxIdemponentCallAttempts: 1,
		Dial: func(addr string) (net.Conn, error) { return fasthttp.DialTimeout(addr, 10*time.Second) },
	}
	defer hc.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var count atomic.Int64
	var fault atomic.Pointer[error]
	var callers sync.WaitGroup
	mark, before, received := b.clock.Mark(), ownCPU(), b.receiver.usage().cpu
	for range bareCallers {
		callers.Go(func() {
			err := bareLoop(ctx, hc, b.receiver.url+"/ok", func() {
				if n := count.Add(1); after != nil {
					after(n)
				}
			})
			if err != nil {
				fault.Store(&err)
				cancel()
			}
		})
	}
	slowest := b.slowestSecond(ctx, &count)
	callers.Wait()
	took, n := b.clock.Elapsed(mark), count.Load()
	if err := fault.Load(); err != nil {
		return Bare{}, fmt.Errorf("the bare loop: %w", *err)
	}
	return Bare{
		PerSecond:      float64(n) / took.Seconds(),
		Slowest:        slowest,
		CPUMicros:      microsEach(ownCPU()-before, n),
		ReceiverMicros: microsEach(b.receiver.usage().cpu-received, n),
	}, nil
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
func bareLoop(ctx context.Context, hc *fasthttp.HostClient, url string, answered func()) error {
	req, res := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(res)
	next := bareRequest(req, url)
	for ctx.Err() == nil {
		next()
		if err := hc.DoTimeout(req, res, 10*time.Second); err != nil {
			return err
		}
		if res.StatusCode() != fasthttp.StatusOK {
			return fmt.Errorf("the receiver answered %d", res.StatusCode())
		}
		answered()
	}
	return nil
}

// bareRequest makes a request like Belfry's. next changes it to the request of another
// execution, because the receiver remembers executions, and a request for a known one
// costs it less.
func bareRequest(req *fasthttp.Request, url string) (next func()) {
	job, execution := uuid.NewString(), uuid.New()
	req.Header.SetMethod(fasthttp.MethodPost)
	req.SetRequestURI(url)
	req.Header.SetContentType("application/json")
	req.Header.SetUserAgent("belfry/bench")
	for name, value := range map[string]string{
		"Belfry-Job-Id": job, "Belfry-Scheduled-At": strconv.FormatInt(1_767_225_600_000, 10), "Belfry-Attempt": "1",
	} {
		req.Header.Set(name, value)
	}
	text, n := []byte(execution.String()), rand.Uint64()
	var body []byte
	return func() {
		n += 0x9e3779b97f4a7c15 // the golden ratio: every value comes once, and spread over all
		binary.BigEndian.PutUint64(execution[8:], n)
		hex.Encode(text[19:23], execution[8:10])
		hex.Encode(text[24:36], execution[10:])
		req.Header.SetBytesV("Idempotency-Key", text)
		req.Header.SetBytesV("Belfry-Execution-Id", text)
		body = append(append(body[:0], `{"jobId":"`...), job...)
		body = append(append(body, `","executionId":"`...), text...)
		req.SetBody(append(body, `","scheduledAt":1767225600000,"attempt":1}`...))
	}
}

// ownCPU is the CPU time of this process.
func ownCPU() time.Duration { return used(os.Getpid()).cpu }
