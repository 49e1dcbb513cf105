package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer answers each question for an IPv4 address with that of loopback, after a while.
// It speaks UDP only.
type nameServer struct {
	conn   net.PacketConn
	delay  time.Duration
	ttl    uint32       // seconds
	asked  atomic.Int64 // questions for IPv4 addresses
	closed chan struct{}
	work   sync.WaitGroup
}

// nameServerAddresses is how many addresses of loopback are tried, of which others may have
// the port in use.
const nameServerAddresses = 16

// maxQuestion is the largest message that is read. Larger ones are no questions.
const maxQuestion = 1232

// startNameServer starts one at the port for DNS of an address of loopback: programs that read
// resolv.conf use no other port.
func startNameServer(ctx context.Context, delay, ttl time.Duration) (*nameServer, error) {
	var last error
	for i := range nameServerAddresses {
		var listen net.ListenConfig
		conn, err := listen.ListenPacket(ctx, "udp", fmt.Sprintf("127.53.0.%d:53", i+1))
		if err != nil {
			last = err
			continue
		}
		s := &nameServer{conn: conn, delay: delay, ttl: uint32(ttl / time.Second), closed: make(chan struct{})}
		s.work.Go(s.serve)
		return s, nil
	}
	return nil, fmt.Errorf("a name server needs port 53, and thus root: %w", last)
}

func (s *nameServer) serve() {
	buf := make([]byte, maxQuestion)
	for {
		n, from, err := s.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		answer, ok := s.answer(buf[:n])
		if !ok {
			continue
		}
		s.work.Go(func() {
			wait := time.NewTimer(s.delay)
			defer wait.Stop()
			select {
			case <-wait.C:
				_, _ = s.conn.WriteTo(answer, from)
			case <-s.closed:
			}
		})
	}
}

// answer returns the answer to a question. Names have no IPv6 addresses.
func (s *nameServer) answer(question []byte) (answer []byte, ok bool) {
	var p dnsmessage.Parser
	header, err := p.Start(question)
	if err != nil {
		return nil, false
	}
	q, err := p.Question()
	if err != nil {
		return nil, false
	}
	reply := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: header.ID, Response: true, RecursionDesired: true, RecursionAvailable: true},
		Questions: []dnsmessage.Question{q},
	}
	if q.Type == dnsmessage.TypeA {
		s.asked.Add(1)
		reply.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: s.ttl},
			Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
		}}
	}
	answer, err = reply.Pack()
	return answer, err == nil
}

func (s *nameServer) stop() {
	close(s.closed)
	_ = s.conn.Close()
	s.work.Wait()
}

// wrap returns the command before that of a server which asks this name server: in a mount
// namespace of its own, with another resolv.conf. The file is in the folder.
func (s *nameServer) wrap(folder string) (command []string, err error) {
	host, _, err := net.SplitHostPort(s.conn.LocalAddr().String())
	if err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "resolv.conf")
	if err := os.WriteFile(file, []byte("nameserver "+host+"\n"), 0o600); err != nil {
		return nil, err
	}
	if _, err := os.Stat("/proc/self/ns/mnt"); err != nil {
		return nil, errors.New("another resolv.conf needs a mount namespace, which Linux has")
	}
	const bind = `mount --bind "$0" /etc/resolv.conf && exec "$@"`
	return []string{"unshare", "-m", "sh", "-c", bind, file}, nil
}
