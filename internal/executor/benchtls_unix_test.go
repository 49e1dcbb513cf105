//go:build unix

package executor

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// The benchmarks of TLS measure the processor time of this process alone: the server of
// net/http, which speaks both protocols, runs in a process of its own.

const serverVariable = "BELFRY_TEST_TLS_SERVER"

func init() {
	if os.Getenv(serverVariable) != "" {
		serveBench(os.Getenv(serverVariable))
	}
}

// serveBench answers each request after the time of its path, until its input ends.
func serveBench(text string) {
	cert, err := tls.X509KeyPair([]byte(text), []byte(text))
	if err != nil {
		log.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	s := &http.Server{
		ReadHeaderTimeout: time.Minute, TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert},
			MinVersion: tls.VersionTLS12},
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 250},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if wait, err := time.ParseDuration(r.URL.Path[1:]); err == nil && wait > 0 {
				time.Sleep(wait)
			}
			_, _ = io.WriteString(w, "ok")
		}),
	}
	go func() { _ = s.ServeTLS(ln, "", "") }()
	fmt.Println(ln.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// startBenchServer returns the URL of a server in a process of its own.
func startBenchServer(b *testing.B, ca *authority) string {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serverVariable+"="+pemOf(b, ca.sign(b, nil)))
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(strings.TrimSpace(addr))
	return "https://hook.test:" + port + "/"
}

// used returns the processor time of this process.
func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// inParallel runs calls, so many at a time, and reports the processor time of each.
func inParallel(b *testing.B, callers int, each func(pb *testing.PB)) {
	b.ReportAllocs()
	b.SetParallelism(max(1, callers/runtime.GOMAXPROCS(0)))
	before := used()
	b.ResetTimer()
	b.RunParallel(each)
	b.StopTimer()
	b.ReportMetric(float64((used()-before).Nanoseconds())/float64(b.N)/1000, "us-cpu/op")
}

// BenchmarkTLS compares HTTP/1.1 and HTTP/2 at equal work, and with the client of net/http.
func BenchmarkTLS(b *testing.B) {
	ca := newAuthority(b)
	url := startBenchServer(b, ca)
	for _, wait := range []string{"0s", "20ms"} {
		for _, callers := range []int{1, 2, 4, 8, 16, 64} {
			if wait != "0s" && callers < 16 {
				continue
			}
			for _, http1 := range []bool{true, false} {
				name := map[bool]string{true: "HTTP1", false: "HTTP2"}[http1]
				b.Run(fmt.Sprintf("%s/%s/%d", name, wait, callers), func(b *testing.B) {
					x := newTLSExecutor(b, Config{RootCAs: ca.pool, DialTimeout: ample, NoHTTP2: http1})
					inParallel(b, callers, func(pb *testing.PB) {
						call, out := newCall(url+wait), new(domain.Outcome)
						for pb.Next() {
							if x.Do(call, out); out.Verdict != success {
								b.Error(out.Error)
								return
							}
						}
					})
				})
			}
			b.Run(fmt.Sprintf("nethttp2/%s/%d", wait, callers), func(b *testing.B) {
				client := netHTTP(ca, url)
				defer client.CloseIdleConnections()
				inParallel(b, callers, func(pb *testing.PB) {
					for pb.Next() {
						if err := postNetHTTP(client, url+wait); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		}
	}
}

// netHTTP returns the client of net/http, with HTTP/2.
func netHTTP(ca *authority, url string) *http.Client {
	addr := "127.0.0.1:" + url[strings.LastIndexByte(url, ':')+1:len(url)-1]
	return &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: ca.pool, MinVersion: tls.VersionTLS12,
			ServerName: "hook.test"},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
	}}
}

func postNetHTTP(client *http.Client, url string) error {
	call := newCall(url)
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(appendDefaultBody(nil, call)))
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"Idempotency-Key": call.ExecutionID.String(), "Belfry-Job-Id": call.Key.JobID.String(),
		"Belfry-Execution-Id": call.ExecutionID.String(), "Belfry-Scheduled-At": "1732000000000", "Belfry-Attempt": "1",
		"Content-Type": "application/json",
	} {
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// pemOf returns a certificate and its key as one text.
func pemOf(t testing.TB, cert tls.Certificate) string {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
}
