package receiver

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"testing"
)

// BenchmarkServe is a request over an open connection, client included.
func BenchmarkServe(b *testing.B) {
	for name, cfg := range map[string]Config{
		"plain": {},
		"log":   {LogPath: filepath.Join(b.TempDir(), "log")},
		"out":   {Out: io.Discard},
	} {
		b.Run(name, func(b *testing.B) {
			s := start(b, cfg)
			request := fmt.Appendf(nil, "POST /ok HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nBelfry-Job-Id: %s\r\n"+
				"Belfry-Execution-Id: %s\r\nBelfry-Scheduled-At: %d\r\nBelfry-Attempt: 1\r\n\r\n",
				testFire.JobID, testFire.ID(), testFire.ScheduledAt)
			b.ReportAllocs()
			b.SetParallelism(64 / runtime.GOMAXPROCS(0))
			b.RunParallel(func(pb *testing.PB) {
				c, err := net.Dial("tcp", s.Addr())
				if err != nil {
					b.Error(err)
					return
				}
				defer c.Close()
				br := bufio.NewReader(c)
				for pb.Next() {
					_, _ = c.Write(request)
					if _, err := br.Peek(1); err != nil {
						b.Error(err)
						return
					}
					_, _ = br.Discard(br.Buffered())
				}
			})
		})
	}
}
