package resolve

import (
	"net/netip"
	"strings"
)

// loopback is where localhost names lead, in the order in which it is tried.
var loopback = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}

// isLocalhost reports whether a name is localhost or below it. Such names are this
// machine whatever a resolver knows of them (RFC 6761, section 6.3), so that none
// is asked: many know nothing of them, and one that leads elsewhere must not.
func isLocalhost(name string) bool {
	const local = "localhost"
	name = strings.TrimSuffix(name, ".")
	above := len(name) - len(local)
	return above >= 0 && strings.EqualFold(name[above:], local) && (above == 0 || above > 1 && name[above-1] == '.')
}
