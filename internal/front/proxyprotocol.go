package front

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

const (
	// proxyHeaderTimeout is as long as the headers of a request may take: a proxy sends
	// its header at once.
	proxyHeaderTimeout = readHeaderTimeout

	// maxProxyText is the longest header of version 1, with its line break.
	maxProxyText = 107

	// maxProxyBinary is the longest header of version 2. Addresses take 52 bytes; the
	// rest is for what proxies add, of which the largest is the name in a certificate. A
	// connection needs this much only if a trusted proxy sends it.
	maxProxyBinary = 4 << 10
)

// Beginnings of the two forms of the header.
const (
	proxyText   = "PROXY "
	proxyBinary = "\r\n\r\n\x00\r\nQUIT\n"
)

var errProxyHeader = errors.New("front: the header of the PROXY protocol cannot be read")

// named returns a connection that has the address which a trusted proxy names by the
// PROXY protocol, whether or not it uses it: no request and no TLS handshake begins like its
// header. On connections from others nothing is read, so that the header is a request that
// is refused. It returns at once: the header is read by whoever first needs it.
func (p Proxies) named(c net.Conn, clk clock.Clock) net.Conn {
	if len(p) == 0 {
		return c
	}
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); !ok || !p.Trusts(tcp.AddrPort().Addr()) {
		return c
	}
	return &proxyConn{Conn: c, clock: clk}
}

// proxyConn is a connection from a proxy.
type proxyConn struct {
	net.Conn

	clock clock.Clock
	once  sync.Once
	from  net.Addr
	rest  []byte // that came behind the header
	err   error
}

// RemoteAddr implements net.Conn. The first call waits for the header. The server calls
// it in the goroutine of the connection.
func (c *proxyConn) RemoteAddr() net.Addr {
	c.once.Do(c.readHeader)
	return c.from
}

// Read implements net.Conn.
func (c *proxyConn) Read(b []byte) (int, error) {
	c.once.Do(c.readHeader)
	if len(c.rest) > 0 {
		n := copy(b, c.rest)
		if c.rest = c.rest[n:]; len(c.rest) == 0 {
			c.rest = nil
		}
		return n, nil
	}
	if c.err != nil {
		return 0, c.err
	}
	return c.Conn.Read(b)
}

// CloseWrite lets [clientConn] end an answer.
func (c *proxyConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// readHeader reads up to the end of the header, or until it is known that there is none.
func (c *proxyConn) readHeader() {
	c.from = c.Conn.RemoteAddr()
	_ = c.SetReadDeadline(c.clock.Now().Add(proxyHeaderTimeout)) // where that fails, Read does too
	defer func() { _ = c.SetReadDeadline(time.Time{}) }()        // the server sets its own
	var seen []byte
	room := make([]byte, 256)
	for {
		n, err := c.Conn.Read(room)
		seen = append(seen, room[:n]...)
		from, size, state := parseProxyHeader(seen)
		switch {
		case state == headerBroken:
			c.err = errProxyHeader
			return
		case state == headerRead:
			if from.IsValid() {
				c.from = net.TCPAddrFromAddrPort(from)
			}
			c.rest = seen[size:]
			return
		case state == headerAbsent, err != nil:
			c.rest, c.err = seen, err
			return
		}
	}
}

// headerState says what the first bytes of a connection are.
type headerState int

const (
	headerAbsent  headerState = iota // something else
	headerPartial                    // the beginning of a header
	headerRead                       // a header
	headerBroken                     // a header that cannot be used
)

// parseProxyHeader reads the header of the PROXY protocol, version 1 or 2, at the
// beginning of seen. from is not valid if the proxy names no client: its own health
// checks, and connections that are not TCP over IP.
func parseProxyHeader(seen []byte) (from netip.AddrPort, size int, state headerState) {
	switch {
	case begins(seen, proxyText):
		return parseProxyText(seen)
	case begins(seen, proxyBinary):
		return parseProxyBinary(seen)
	}
	return from, 0, headerAbsent
}

// begins reports whether text may begin with start, as far as text goes.
func begins(text []byte, start string) bool {
	n := min(len(text), len(start))
	return string(text[:n]) == start[:n]
}

func parseProxyText(seen []byte) (from netip.AddrPort, size int, state headerState) {
	end := bytes.Index(seen[:min(len(seen), maxProxyText)], []byte("\r\n"))
	if end < 0 {
		if len(seen) >= maxProxyText {
			return from, 0, headerBroken
		}
		return from, 0, headerPartial
	}
	size = end + len("\r\n")
	fields := strings.Split(string(seen[:end]), " ")
	if fields[1] == "UNKNOWN" {
		return from, size, headerRead
	}
	if len(fields) != 6 {
		return from, 0, headerBroken
	}
	from, err := netip.ParseAddrPort(net.JoinHostPort(fields[2], fields[4]))
	six := fields[1] == "TCP6"
	if err != nil || !six && fields[1] != "TCP4" || from.Addr().Is6() != six {
		return netip.AddrPort{}, 0, headerBroken
	}
	return netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), size, headerRead
}

// parseProxyBinary reads version 2: the beginning, the version and the command in one
// byte, the family and the transport in one, the length of the rest in two, then source
// and destination.
func parseProxyBinary(seen []byte) (from netip.AddrPort, size int, state headerState) {
	const head = len(proxyBinary) + 4
	if len(seen) < head {
		return from, 0, headerPartial
	}
	command, family := seen[head-4], seen[head-3]
	size = head + int(binary.BigEndian.Uint16(seen[head-2:]))
	if command>>4 != 2 || command&0xf > 1 || size > maxProxyBinary {
		return from, 0, headerBroken
	}
	if len(seen) < size {
		return from, 0, headerPartial
	}
	length := map[byte]int{0x11: net.IPv4len, 0x21: net.IPv6len}[family] // TCP over IPv4 and over IPv6
	if command&0xf == 0 || length == 0 {
		return from, size, headerRead
	}
	block := seen[head:size]
	if len(block) < 2*length+4 {
		return from, 0, headerBroken
	}
	a, _ := netip.AddrFromSlice(block[:length]) // 4 or 16 bytes are an address
	return netip.AddrPortFrom(a.Unmap(), binary.BigEndian.Uint16(block[2*length:])), size, headerRead
}
