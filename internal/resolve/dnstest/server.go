// Package dnstest is a name server for tests, over UDP and TCP. It does what name servers
// do on bad days: it is slow, loses packets, fails, refuses, truncates, and sends
// thousands of addresses.
package dnstest

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// maxUDPBytes is the largest message that package net takes over UDP.
const maxUDPBytes = 1232

// Record is what a server does when it is asked for a name.
type Record struct {
	Addrs   []netip.Addr
	TTL     uint32  // of the addresses, in seconds
	Aliases []Alias // lead from the name to the addresses
	SOA     uint32  // for how long a negative answer may be kept; zero: it does not say
	RCode   dnsmessage.RCode
	RCode6  dnsmessage.RCode // for IPv6 only
	Delay   time.Duration
	// Lose says of the n-th question that came for the name and type, from 1, that it is
	// lost; nil: none is.
	Lose     func(n int, kind dnsmessage.Type) bool
	Truncate bool // over UDP
}

// Alias is the target of a CNAME record.
type Alias struct {
	Name string // with the dot of the root
	TTL  uint32
}

// Server is a name server. Names that it does not know do not exist.
type Server struct {
	Addr string

	mu     sync.Mutex
	zone   map[string]Record
	other  func(name string) (Record, bool)
	asked  map[asked]int
	tcp    int
	most   int // questions under way at a time
	now    int
	closed chan struct{}
	wg     sync.WaitGroup
	conns  map[net.Conn]bool
}

type asked struct {
	name string
	kind dnsmessage.Type
}

var listener net.ListenConfig

// Serve starts a server at a free port. It ends with the test.
func Serve(tb testing.TB) *Server {
	tb.Helper()
	for {
		tcp, err := listener.Listen(tb.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		udp, err := listener.ListenPacket(tb.Context(), "udp", tcp.Addr().String())
		if err == nil {
			return start(tb, tcp, udp)
		}
		_ = tcp.Close() // the port is taken for UDP
	}
}

// ServeAt is Serve at an address, which may not be permitted.
func ServeAt(tb testing.TB, addr string) (*Server, error) {
	tb.Helper()
	tcp, err := listener.Listen(tb.Context(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	udp, err := listener.ListenPacket(tb.Context(), "udp", addr)
	if err != nil {
		_ = tcp.Close()
		return nil, err
	}
	return start(tb, tcp, udp), nil
}

func start(tb testing.TB, tcp net.Listener, udp net.PacketConn) *Server {
	s := &Server{
		Addr: udp.LocalAddr().String(), zone: map[string]Record{}, asked: map[asked]int{}, closed: make(chan struct{}),
		conns: map[net.Conn]bool{},
	}
	s.wg.Go(func() { s.serveUDP(udp) })
	s.wg.Go(func() { s.serveTCP(tcp) })
	tb.Cleanup(func() {
		close(s.closed)
		_ = udp.Close()
		_ = tcp.Close()
		s.mu.Lock()
		for c := range s.conns {
			_ = c.Close()
		}
		s.mu.Unlock()
		s.wg.Wait()
	})
	return s
}

// Dial connects to the server, whichever was asked for.
func (s *Server) Dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, s.Addr)
}

// Set says what the server does for a name, given with the dot of the root.
func (s *Server) Set(name string, r Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.zone[strings.ToLower(name)] = r
}

// SetAddrs gives a name addresses.
func (s *Server) SetAddrs(name string, ttl uint32, addrs ...string) {
	r := Record{TTL: ttl}
	for _, a := range addrs {
		r.Addrs = append(r.Addrs, netip.MustParseAddr(a))
	}
	s.Set(name, r)
}

// SetOther says what the server does for names that were not set. ok is false for those
// that do not exist.
func (s *Server) SetOther(other func(name string) (r Record, ok bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.other = other
}

// Questions returns how many questions came for the IPv4 addresses of a name.
func (s *Server) Questions(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[asked{strings.ToLower(name), dnsmessage.TypeA}]
}

// Most returns how many questions were under way at a time at most.
func (s *Server) Most() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

// OverTCP returns how many questions came over TCP.
func (s *Server) OverTCP() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tcp
}

func (s *Server) serveUDP(udp net.PacketConn) {
	buf := make([]byte, maxUDPBytes)
	for {
		n, from, err := udp.ReadFrom(buf)
		if err != nil {
			return
		}
		message := append([]byte(nil), buf[:n]...)
		s.wg.Go(func() {
			if answer := s.answer(message, false); answer != nil {
				_, _ = udp.WriteTo(answer, from)
			}
		})
	}
}

func (s *Server) serveTCP(tcp net.Listener) {
	for {
		c, err := tcp.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[c] = true
		s.tcp++
		s.mu.Unlock()
		s.wg.Go(func() { s.serveConn(c) })
	}
}

func (s *Server) serveConn(c net.Conn) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.conns, c)
		_ = c.Close()
	}()
	var length [2]byte
	for {
		if _, err := io.ReadFull(c, length[:]); err != nil {
			return
		}
		message := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(c, message); err != nil {
			return
		}
		answer := s.answer(message, true)
		if answer == nil { // silence
			continue
		}
		if len(answer) > 1<<16-1 {
			return
		}
		whole := append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)
		for _, part := range [][]byte{whole[:1], whole[1:min(len(whole), 700)], whole[min(len(whole), 700):]} {
			if _, err := c.Write(part); err != nil {
				return
			}
		}
	}
}

// answer returns the answer to a message; nil: none.
func (s *Server) answer(message []byte, tcp bool) []byte {
	var p dnsmessage.Parser
	header, err := p.Start(message)
	if err != nil {
		return nil
	}
	q, err := p.Question()
	if err != nil {
		return nil
	}
	name := strings.ToLower(q.Name.String())
	r, known, n := s.begin(name, q.Type)
	defer s.end()
	if r.Lose != nil && r.Lose(n, q.Type) {
		return nil
	}
	if r.Delay > 0 {
		select {
		case <-time.After(r.Delay):
		case <-s.closed:
			return nil
		}
	}
	reply := respond(header, q, r, known)
	packed, err := reply.Pack()
	if err != nil {
		return nil
	}
	if tcp || len(packed) <= maxUDPBytes && !r.Truncate {
		return packed
	}
	reply.Truncated, reply.Answers = true, reply.Answers[:min(len(reply.Answers), 1)]
	if packed, err = reply.Pack(); err != nil {
		return nil
	}
	return packed
}

func (s *Server) begin(name string, kind dnsmessage.Type) (r Record, known bool, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now++
	s.most = max(s.most, s.now)
	s.asked[asked{name, kind}]++
	if r, known = s.zone[name]; !known && s.other != nil {
		r, known = s.other(name)
	}
	return r, known, s.asked[asked{name, kind}]
}

func (s *Server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now--
}

func respond(header dnsmessage.Header, q dnsmessage.Question, r Record, known bool) dnsmessage.Message {
	reply := dnsmessage.Message{
		Header: dnsmessage.Header{
			ID: header.ID, Response: true, RecursionDesired: true, RecursionAvailable: true, RCode: r.RCode,
		},
		Questions: []dnsmessage.Question{q},
	}
	if !known {
		reply.RCode = dnsmessage.RCodeNameError
	}
	if q.Type == dnsmessage.TypeAAAA && r.RCode6 != 0 {
		reply.RCode = r.RCode6
	}
	if reply.RCode == dnsmessage.RCodeSuccess {
		reply.Answers = answers(q, r)
	}
	if r.SOA > 0 {
		reply.Authorities = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName("test."), Class: dnsmessage.ClassINET,
				TTL: 1 << 20},
			Body: &dnsmessage.SOAResource{NS: dnsmessage.MustNewName("ns.test."),
				MBox:   dnsmessage.MustNewName("a.test."),
				MinTTL: r.SOA},
		}}
	}
	return reply
}

func answers(q dnsmessage.Question, r Record) (all []dnsmessage.Resource) {
	owner := q.Name
	for _, alias := range r.Aliases {
		to := dnsmessage.MustNewName(alias.Name)
		all = append(all, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: owner, Class: dnsmessage.ClassINET, TTL: alias.TTL},
			Body:   &dnsmessage.CNAMEResource{CNAME: to},
		})
		owner = to
	}
	for _, a := range r.Addrs {
		h := dnsmessage.ResourceHeader{Name: owner, Class: dnsmessage.ClassINET, TTL: r.TTL}
		switch {
		case a.Is4() && q.Type == dnsmessage.TypeA:
			all = append(all, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: a.As4()}})
		case a.Is6() && q.Type == dnsmessage.TypeAAAA:
			all = append(all, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
		}
	}
	return all
}
