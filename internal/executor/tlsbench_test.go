package executor

import (
	"bufio"
	"crypto/tls"
	"net"
	"net/http"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/valyala/fasthttp"
)

// serveFastTLS is serveFast over TLS.
func serveFastTLS(b testing.TB, cfg *tls.Config) *rawServer {
	answer := []byte(rawResponse(http.StatusOK, "ok"))
	return serveRaw(b, func(_ int, c net.Conn) {
		secure := tls.Server(c, cfg)
		br := bufio.NewReader(secure)
		for {
			if _, _, ok := readRequest(br); !ok {
				return
			}
			if _, err := secure.Write(answer); err != nil {
				return
			}
		}
	})
}

// BenchmarkDoTLS is BenchmarkDo over TLS.
func BenchmarkDoTLS(b *testing.B) {
	ca := newAuthority(b)
	s := serveFastTLS(b, &tls.Config{Certificates: []tls.Certificate{ca.sign(b, nil)}})
	x := newTLSExecutor(b, Config{RootCAs: ca.pool})
	_, port, _ := net.SplitHostPort(s.addr)
	parallel(b, func(pb *testing.PB) {
		call, out := newCall("https://hook.test:"+port+"/"), new(domain.Outcome)
		for pb.Next() {
			if x.Do(call, out); out.Verdict != success {
				b.Error(out.Error)
				return
			}
		}
	})
}

// BenchmarkFasthttpTLS is the bare client beside BenchmarkDoTLS.
func BenchmarkFasthttpTLS(b *testing.B) {
	ca := newAuthority(b)
	s := serveFastTLS(b, &tls.Config{Certificates: []tls.Certificate{ca.sign(b, nil)}})
	client := &fasthttp.HostClient{
		Addr: s.addr, IsTLS: true, MaxConns: 1024,
		TLSConfig: &tls.Config{RootCAs: ca.pool, ServerName: "hook.test"},
	}
	parallel(b, func(pb *testing.PB) {
		req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		req.Header.SetMethod(http.MethodPost)
		req.SetRequestURI("https://hook.test/")
		req.SetBodyString(`{"jobId":"` + testJobID + `"}`)
		for pb.Next() {
			if err := client.Do(req, resp); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
