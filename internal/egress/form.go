package egress

import "net/netip"

// Prefixes of IPv6 whose addresses hold IPv4 ones.
var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")    // RFC 6052
	localNAT64 = netip.MustParsePrefix("64:ff9b:1::/48")  // RFC 8215
	sixToFour  = netip.MustParsePrefix("2002::/16")       // RFC 3056
	teredo     = netip.MustParsePrefix("2001::/32")       // RFC 4380
	compatible = netip.MustParsePrefix("::/96")           // RFC 4291, section 2.5.5.1
	translated = netip.MustParsePrefix("::ffff:0:0:0/96") // RFC 2765, section 2.1
)

// form is an address that a connection may end at.
type form struct {
	addr netip.Addr
	// translated: it is what a translator makes of the address, and nothing
	// else. Allowing it allows the translated one.
	translated bool
	// guessed: one of several readings. It counts only where it is no accident.
	guessed bool
}

// forms returns the address without its zone, and the IPv4 addresses that a connection
// to it reaches if it is translated or tunnelled on the way.
func forms(a netip.Addr) []form {
	a = a.WithZone("").Unmap()
	out := []form{{addr: a}}
	if a.Is4() {
		return out
	}
	b := a.As16()
	add := func(f form, x ...byte) {
		f.addr = netip.AddrFrom4([4]byte(x))
		out = append(out, f)
	}
	switch {
	case nat64.Contains(a):
		add(form{translated: true}, b[12:16]...)
	case localNAT64.Contains(a):
		// The position of the IPv4 address depends on the length of the operator's prefix
		// (RFC 6052, section 2.2), which is not known here.
		add(form{guessed: true}, b[6], b[7], b[9], b[10])
		add(form{guessed: true}, b[7], b[9], b[10], b[11])
		add(form{guessed: true}, b[9], b[10], b[11], b[12])
		add(form{guessed: true}, b[12:16]...)
	case sixToFour.Contains(a):
		add(form{}, b[2:6]...)
	case teredo.Contains(a):
		add(form{}, b[4:8]...)                      // the server
		add(form{}, ^b[12], ^b[13], ^b[14], ^b[15]) // the client
	case translated.Contains(a):
		add(form{}, b[12:16]...)
	case compatible.Contains(a) && a != netip.IPv6Unspecified() && a != netip.IPv6Loopback():
		add(form{}, b[12:16]...)
	}
	if b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe { // ISATAP, RFC 5214, section 6.1
		add(form{}, b[12:16]...)
	}
	return out
}
