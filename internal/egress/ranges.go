package egress

import "net/netip"

// firmness says what can open a range.
type firmness int

const (
	byMode  firmness = iota // refused in Public mode, unless the allow list names it
	byExact                 // refused, unless the allow list names that very address
	never                   // refused
)

// span is a range with the words for it.
type span struct {
	prefix netip.Prefix
	what   string // "a private address"
	firm   firmness
}

const (
	metadata  = "an address of cloud metadata"
	linkLocal = "a link-local address"
	private   = "a private address"
	reserved  = "a reserved address"
	document  = "an address for documentation"
	tunnel    = "an address of a tunnel"
)

// spans are the ranges that are not the public internet: the special-purpose
// registries of IANA (RFC 6890 and its updates), and where clouds keep the
// credentials of a machine. The first one that holds an address names it.
var spans = []span{
	// Metadata. Most of it is link-local; the rest hides in other ranges, one
	// of them public.
	{netip.MustParsePrefix("169.254.169.254/32"), metadata, never}, // AWS, Azure, Google, OpenStack and others
	{netip.MustParsePrefix("169.254.170.2/32"), metadata, never},   // AWS, tasks
	{netip.MustParsePrefix("169.254.170.23/32"), metadata, never},  // AWS, pods
	{netip.MustParsePrefix("169.254.0.23/32"), metadata, never},    // Tencent
	{netip.MustParsePrefix("169.254.42.42/32"), metadata, never},   // Scaleway
	{netip.MustParsePrefix("100.100.100.200/32"), metadata, never}, // Alibaba
	{netip.MustParsePrefix("192.0.0.192/32"), metadata, never},     // Oracle
	{netip.MustParsePrefix("168.63.129.16/32"), metadata, never},   // Azure, the host of the machine
	{netip.MustParsePrefix("fd00:ec2::/32"), metadata, never},      // AWS
	{netip.MustParsePrefix("fd20:ce::254/128"), metadata, never},   // Google
	{netip.MustParsePrefix("fd00:42::42/128"), metadata, never},    // Scaleway
	{netip.MustParsePrefix("fe80::a9fe:a9fe/128"), metadata, never},

	{netip.MustParsePrefix("0.0.0.0/8"), "an unspecified address", never}, // connects to this machine
	{netip.MustParsePrefix("::/128"), "an unspecified address", never},
	{netip.MustParsePrefix("255.255.255.255/32"), "the broadcast address", never},
	{netip.MustParsePrefix("224.0.0.0/4"), "a multicast address", never},
	{netip.MustParsePrefix("ff00::/8"), "a multicast address", never},
	{netip.MustParsePrefix("169.254.0.0/16"), linkLocal, byExact},
	{netip.MustParsePrefix("fe80::/10"), linkLocal, byExact},

	{netip.MustParsePrefix("127.0.0.0/8"), "a loopback address", byMode},
	{netip.MustParsePrefix("::1/128"), "a loopback address", byMode},
	{netip.MustParsePrefix("10.0.0.0/8"), private, byMode},
	{netip.MustParsePrefix("172.16.0.0/12"), private, byMode},
	{netip.MustParsePrefix("192.168.0.0/16"), private, byMode},
	{netip.MustParsePrefix("fc00::/7"), "a unique local address", byMode},
	{netip.MustParsePrefix("fec0::/10"), "a site-local address", byMode},
	{netip.MustParsePrefix("100.64.0.0/10"), "an address of carrier-grade NAT", byMode},
	{netip.MustParsePrefix("192.0.2.0/24"), document, byMode},
	{netip.MustParsePrefix("198.51.100.0/24"), document, byMode},
	{netip.MustParsePrefix("203.0.113.0/24"), document, byMode},
	{netip.MustParsePrefix("2001:db8::/32"), document, byMode},
	{netip.MustParsePrefix("3fff::/20"), document, byMode},
	{netip.MustParsePrefix("198.18.0.0/15"), "an address for benchmarks", byMode},
	{netip.MustParsePrefix("2001:2::/48"), "an address for benchmarks", byMode},
	{netip.MustParsePrefix("192.0.0.0/24"), reserved, byMode},
	{netip.MustParsePrefix("192.88.99.0/24"), tunnel, byMode}, // relays of 6to4
	{netip.MustParsePrefix("240.0.0.0/4"), reserved, byMode},
	{localNAT64, "an address of a local NAT64", byMode},
	{teredo, tunnel, byMode},
	{sixToFour, tunnel, byMode},
	{netip.MustParsePrefix("2001::/23"), reserved, byMode},
}

// globalUnicast is the part of IPv6 that is given out. What lies outside of it
// is reserved, but for the translator, whose addresses stand for IPv4 ones.
var globalUnicast = netip.MustParsePrefix("2000::/3")

// spanOf returns the range of an address, or false for one of the public
// internet.
func spanOf(a netip.Addr) (span, bool) {
	for _, s := range spans {
		if s.prefix.Contains(a) {
			return s, true
		}
	}
	if a.Is6() && !globalUnicast.Contains(a) && !nat64.Contains(a) {
		return span{netip.MustParsePrefix("::/0"), reserved, byMode}, true
	}
	return span{}, false
}
