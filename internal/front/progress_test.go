package front

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// pipeListener hands out one connection.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	close(l.closed)
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// A client that takes nothing of an answer for 20 s is disconnected, and one that goes on taking
// 64 KiB in that time gets all of it, however long that takes.
func TestReaderThatStallsIsDisconnected(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	for name, row := range map[string]struct {
		pause time.Duration // before each 64 KiB
		whole bool
		least time.Duration // that the handler writes
		most  time.Duration
	}{
		"quick": {0, true, 0, time.Second},
		"slow":  {18 * time.Second, true, 250 * time.Second, 300 * time.Second},
		"stalls": {time.Hour, false, 20 * time.Second,
			writeTimeout + time.Second}, // the first piece has the server's deadline
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				took := make(chan time.Duration, 1)
				server := &http.Server{WriteTimeout: writeTimeout, Handler: http.HandlerFunc(
					func(w http.ResponseWriter, _ *http.Request) {
						began := time.Now()
						_, err := (&writer{ResponseWriter: w}).Write(make([]byte, size))
						if (err == nil) != row.whole {
							t.Errorf("the write: %v", err)
						}
						took <- time.Since(began)
					})}
				l := &pipeListener{make(chan net.Conn, 1), make(chan struct{})}
				ended := make(chan error)
				go func() { ended <- server.Serve(l) }()
				ours, theirs := net.Pipe()
				l.conns <- theirs
				go func() { _, _ = io.WriteString(ours, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") }()
				read := make(chan int64, 1)
				go func() {
					res, err := http.ReadResponse(bufio.NewReaderSize(ours, 16), nil)
					if err != nil {
						t.Error(err)
						return
					}
					var sum int64
					for {
						time.Sleep(row.pause)
						n, err := io.CopyN(io.Discard, res.Body, pieceBytes)
						if sum += n; err != nil {
							break
						}
					}
					read <- sum
				}()
				if d := <-took; d < row.least || d > row.most {
					t.Errorf("the handler wrote for %v", d)
				}
				if n := <-read; (n == size) != row.whole {
					t.Errorf("%d bytes came", n)
				}
				_ = ours.Close()
				_ = server.Close()
				<-ended
			})
		})
	}
}
