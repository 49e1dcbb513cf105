package target

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unique"
)

// Host is where a call goes: scheme, host and port, in one form. Hosts are
// compared with ==. The zero Host is that of a URL that names none.
type Host struct{ text unique.Handle[string] }

// String returns scheme://host:port, or "".
func (h Host) String() string {
	if h == (Host{}) {
		return ""
	}
	return h.text.Value()
}

// WithoutPort returns scheme://host.
func (h Host) WithoutPort() string {
	text := h.String()
	return text[:max(0, strings.LastIndexByte(text, ':'))]
}

// Endpoint is a Host in the parts that a connection needs.
type Endpoint struct {
	Secure bool       // https
	Name   string     // of the host, or its address; no brackets, no zone
	Addr   netip.Addr // valid where the host is an address; with its zone
	Port   uint16
}

// Endpoint takes the Host apart.
func (h Host) Endpoint() Endpoint {
	scheme, authority, _ := strings.Cut(h.String(), "://")
	name, port, _ := net.SplitHostPort(authority) // the zero Host: all empty
	e := Endpoint{Secure: scheme == "https"}
	n, _ := strconv.ParseUint(port, 10, 16)
	e.Port = uint16(n)
	address, zone, _ := strings.Cut(name, "%25")
	zone, _ = url.PathUnescape(zone) // it was escaped by textOf's caller
	if addr, err := netip.ParseAddr(address); err == nil {
		e.Addr = addr.WithZone(zone)
	}
	e.Name = address
	return e
}

// Label returns host:port, as people know it.
func (e Endpoint) Label() string { return net.JoinHostPort(e.Name, strconv.Itoa(int(e.Port))) }

// textOf writes a Host. The name has no brackets; the port is not 0.
func textOf(scheme, name string, port uint16) Host {
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	return Host{unique.Make(scheme + "://" + name + ":" + strconv.Itoa(int(port)))}
}
