package front

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

// binaryHeader makes a header of version 2.
func binaryHeader(command, family byte, block []byte) string {
	head := append([]byte(proxyBinary), command, family)
	head = binary.BigEndian.AppendUint16(head, uint16(len(block)))
	return string(append(head, block...))
}

var (
	block4 = []byte{192, 0, 2, 7, 10, 0, 0, 1, 0x12, 0x67, 0, 80}
	block6 = append(append(netip.MustParseAddr("2001:db9::7").AsSlice(), make([]byte, 16)...), 0x12, 0x67, 0, 80)
)

func TestParseProxyHeader(t *testing.T) {
	for _, tc := range []struct {
		name, header, from string
		state              headerState
	}{
		{"IPv4", "PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n", "192.0.2.7:4711", headerRead},
		{"IPv6", "PROXY TCP6 2001:db9::7 2001:db8::1 4711 80\r\n", "[2001:db9::7]:4711", headerRead},
		{"IPv4 in IPv6", "PROXY TCP6 ::ffff:192.0.2.7 ::1 4711 80\r\n", "192.0.2.7:4711", headerRead},
		{"unknown", "PROXY UNKNOWN\r\n", "", headerRead},
		{"unknown with addresses", "PROXY UNKNOWN ff:: ff:: 1 2\r\n", "", headerRead},
		{"the longest", "PROXY UNKNOWN " + strings.Repeat("f", maxProxyText-16) + "\r\n", "", headerRead},
		{"too long", "PROXY UNKNOWN " + strings.Repeat("f", maxProxyText-15) + "\r\n", "", headerBroken},
		{"a family that is not the address's", "PROXY TCP4 2001:db9::7 ::1 4711 80\r\n", "", headerBroken},
		{"UDP", "PROXY UDP4 192.0.2.7 10.0.0.1 4711 80\r\n", "", headerBroken},
		{"a name", "PROXY TCP4 localhost 10.0.0.1 4711 80\r\n", "", headerBroken},
		{"no ports", "PROXY TCP4 192.0.2.7 10.0.0.1\r\n", "", headerBroken},
		{"a port that is none", "PROXY TCP4 192.0.2.7 10.0.0.1 99999 80\r\n", "", headerBroken},
		{"nothing", "PROXY \r\n", "", headerBroken},
		{"2, IPv4", binaryHeader(0x21, 0x11, block4), "192.0.2.7:4711", headerRead},
		{"2, IPv6", binaryHeader(0x21, 0x21, block6), "[2001:db9::7]:4711", headerRead},
		{"2, more behind the addresses", binaryHeader(0x21, 0x11, append(bytes.Clone(block4), make([]byte, 300)...)),
			"192.0.2.7:4711", headerRead},
		{"2, the proxy itself", binaryHeader(0x20, 0x11, block4), "", headerRead},
		{"2, no family", binaryHeader(0x21, 0, nil), "", headerRead},
		{"2, a unix socket", binaryHeader(0x21, 0x31, make([]byte, 216)), "", headerRead},
		{"2, addresses cut off", binaryHeader(0x21, 0x11, block4[:11]), "", headerBroken},
		{"2, version 3", binaryHeader(0x31, 0x11, block4), "", headerBroken},
		{"2, another command", binaryHeader(0x22, 0x11, block4), "", headerBroken},
		{"2, too long", binaryHeader(0x21, 0x11, make([]byte, maxProxyBinary)), "", headerBroken},
		{"HTTP", "POST /jobs HTTP/1.1\r\n", "", headerAbsent},
		{"HTTP after empty lines", "\r\n\r\nGET / HTTP/1.1\r\n", "", headerAbsent},
		{"another word", "PROXYING\r\n", "", headerAbsent},
		{"TLS", "\x16\x03\x01\x02\x00", "", headerAbsent},
	} {
		from, size, state := parseProxyHeader([]byte(tc.header + "GET"))
		want := netip.AddrPort{}
		if tc.from != "" {
			want = netip.MustParseAddrPort(tc.from)
		}
		if state != tc.state || from != want || state == headerRead && size != len(tc.header) {
			t.Errorf("%s: %v, %d bytes, %v", tc.name, from, size, state)
		}
		for n := range len(tc.header) { // cut off anywhere: never another address, never beyond the end
			from, size, state := parseProxyHeader([]byte(tc.header[:n]))
			if from.IsValid() || size > n || state == headerRead || tc.state == headerRead && state != headerPartial {
				t.Errorf("%s, %d bytes of it: %v, %d bytes, %v", tc.name, n, from, size, state)
			}
		}
	}
}

// TestProxyConn: what the header says is the address, and what is behind it is read,
// however the bytes come.
func TestProxyConn(t *testing.T) {
	const request = "GET / HTTP/1.1\r\n\r\n"
	for _, header := range []string{
		"PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n", binaryHeader(0x21, 0x11, block4), "PROXY UNKNOWN\r\n", "",
	} {
		want := "pipe"
		if strings.Contains(header, "192.0.2.7") || strings.Contains(header, "\xc0\x00\x02\x07") {
			want = "192.0.2.7:4711"
		}
		for _, piece := range []int{1, 7, 1000} {
			client, server := net.Pipe()
			c := &proxyConn{Conn: server, clock: clock.System{}}
			go func() {
				for rest := header + request; rest != ""; rest = rest[min(piece, len(rest)):] {
					_, _ = io.WriteString(client, rest[:min(piece, len(rest))])
				}
				_ = client.Close()
			}()
			if got := c.RemoteAddr().String(); got != want {
				t.Errorf("%q in pieces of %d: from %s, want %s", header, piece, got, want)
			}
			if got, err := io.ReadAll(c); string(got) != request || err != nil {
				t.Errorf("%q in pieces of %d: %q, %v", header, piece, got, err)
			}
			_ = c.Close()
		}
	}
}

// TestProxyConnEnds: who sends half a header, a broken one or nothing holds no goroutine.
func TestProxyConnEnds(t *testing.T) {
	for _, sent := range []string{"", "PROXY TCP4 ", proxyBinary[:5], "PROXY TCP4 nobody\r\n"} {
		synctest.Test(t, func(t *testing.T) {
			client, server := net.Pipe()
			defer client.Close()
			c := &proxyConn{Conn: server, clock: clock.System{}}
			defer c.Close()
			if sent != "" {
				go func() { _, _ = io.WriteString(client, sent) }()
			}
			began := c.clock.Now()
			if got := c.RemoteAddr().String(); got != "pipe" {
				t.Errorf("%q: from %s", sent, got)
			}
			all, err := io.ReadAll(c)
			if strings.HasSuffix(sent, "\n") {
				if !errors.Is(err, errProxyHeader) || len(all) > 0 {
					t.Errorf("%q: %q, %v", sent, all, err)
				}
				return
			}
			if took := c.clock.Now().Sub(began); !errors.Is(err, os.ErrDeadlineExceeded) || took != proxyHeaderTimeout {
				t.Errorf("%q: %q, %v after %v", sent, all, err, took)
			}
		})
	}
}

// addrConn is a connection from an address.
type addrConn struct {
	net.Conn
	from net.Addr
}

func (c addrConn) RemoteAddr() net.Addr { return c.from }

// TestNamed: nothing is read of what others send.
func TestNamed(t *testing.T) {
	for from, want := range map[string]bool{"10.0.0.1:1": true, "127.0.0.1:1": true, "192.0.2.1:1": false} {
		c := addrConn{from: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(from))}
		if _, read := testProxies.named(c, clock.System{}).(*proxyConn); read != want {
			t.Errorf("from %s: the header is read: %t", from, read)
		}
		if got := Proxies(nil).named(c, clock.System{}); got != net.Conn(c) {
			t.Errorf("without proxies: %T", got)
		}
	}
	c := addrConn{from: &net.UnixAddr{}}
	if got := testProxies.named(c, clock.System{}); got != net.Conn(c) {
		t.Errorf("of a unix socket: %T", got)
	}
}
