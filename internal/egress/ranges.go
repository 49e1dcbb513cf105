package egress

import "net/netip"

// firmness says what can open a range.
type firmness int

const (
	byMode  firmness = iota // refused in Public mode, unless the allow list names it
	byExact                 // refused, unless the allow list names that very address
	never                   // refused
)

// kind is what the addresses of a range have in common.
type kind struct {
	words string // "a private address"
	firm  firmness
	// whenGuessed: the range is refused even if the address is only one of several
	// possible readings of another one. Zeros, for example, are often there by chance.
	whenGuessed bool
}

var (
	metadata    = kind{"an address of cloud metadata", never, true}
	linkLocal   = kind{"a link-local address", byExact, true}
	unspecified = kind{words: "an unspecified address", firm: never}
	broadcast   = kind{words: "the broadcast address", firm: never}
	multicast   = kind{words: "a multicast address", firm: never}
	loopback    = kind{words: "a loopback address"}
	private     = kind{words: "a private address"}
	uniqueLocal = kind{words: "a unique local address"}
	siteLocal   = kind{words: "a site-local address"}
	carrierNAT  = kind{words: "an address of carrier-grade NAT"}
	document    = kind{words: "an address for documentation"}
	benchmark   = kind{words: "an address for benchmarks"}
	reserved    = kind{words: "a reserved address"}
	ownNAT64    = kind{words: "an address of a local NAT64"}
	tunnel      = kind{words: "an address of a tunnel"}
)

// span is a range of addresses and its kind.
type span struct {
	prefix netip.Prefix
	kind
}

// spans are the ranges that are not the public internet: the special-purpose
// registries of IANA (RFC 6890 and its updates), and the addresses at which clouds serve
// the credentials of a machine. The first one that contains an address names it.
var spans = []span{
	// Metadata. Most of these addresses are link-local. The others are in other ranges,
	// one of them in the public internet.
	{netip.MustParsePrefix("169.254.169.254/32"), metadata}, // AWS, Azure, Google, OpenStack and others
	{netip.MustParsePrefix("169.254.170.2/32"), metadata},   // AWS, tasks
	{netip.MustParsePrefix("169.254.170.23/32"), metadata},  // AWS, pods
	{netip.MustParsePrefix("169.254.0.23/32"), metadata},    // Tencent
	{netip.MustParsePrefix("169.254.42.42/32"), metadata},   // Scaleway
	{netip.MustParsePrefix("100.100.100.200/32"), metadata}, // Alibaba
	{netip.MustParsePrefix("192.0.0.192/32"), metadata},     // Oracle
	{netip.MustParsePrefix("168.63.129.16/32"), metadata},   // Azure, the host of the machine
	{netip.MustParsePrefix("fd00:ec2::/32"), metadata},      // AWS
	{netip.MustParsePrefix("fd20:ce::254/128"), metadata},   // Google
	{netip.MustParsePrefix("fd00:42::42/128"), metadata},    // Scaleway
	{netip.MustParsePrefix("fe80::a9fe:a9fe/128"), metadata},

	{netip.MustParsePrefix("0.0.0.0/8"), unspecified}, // connects to this machine
	{netip.MustParsePrefix("::/128"), unspecified},
	{netip.MustParsePrefix("255.255.255.255/32"), broadcast},
	{netip.MustParsePrefix("224.0.0.0/4"), multicast},
	{netip.MustParsePrefix("ff00::/8"), multicast},
	{netip.MustParsePrefix("169.254.0.0/16"), linkLocal},
	{netip.MustParsePrefix("fe80::/10"), linkLocal},

	{netip.MustParsePrefix("127.0.0.0/8"), loopback},
	{netip.MustParsePrefix("::1/128"), loopback},
	{netip.MustParsePrefix("10.0.0.0/8"), private},
	{netip.MustParsePrefix("172.16.0.0/12"), private},
	{netip.MustParsePrefix("192.168.0.0/16"), private},
	{netip.MustParsePrefix("fc00::/7"), uniqueLocal},
	{netip.MustParsePrefix("fec0::/10"), siteLocal},
	{netip.MustParsePrefix("100.64.0.0/10"), carrierNAT},
	{netip.MustParsePrefix("192.0.2.0/24"), document},
	{netip.MustParsePrefix("198.51.100.0/24"), document},
	{netip.MustParsePrefix("203.0.113.0/24"), document},
	{netip.MustParsePrefix("2001:db8::/32"), document},
	{netip.MustParsePrefix("3fff::/20"), document},
	{netip.MustParsePrefix("198.18.0.0/15"), benchmark},
	{netip.MustParsePrefix("2001:2::/48"), benchmark},
	{netip.MustParsePrefix("192.0.0.0/24"), reserved},
	{netip.MustParsePrefix("192.88.99.0/24"), tunnel}, // relays of 6to4
	{netip.MustParsePrefix("240.0.0.0/4"), reserved},
	{localNAT64, ownNAT64},
	{teredo, tunnel},
	{sixToFour, tunnel},
	{netip.MustParsePrefix("2001::/23"), reserved},
}

// globalUnicast is the part of IPv6 that is assigned. Everything else is reserved, except
// the prefix of NAT64, whose addresses contain IPv4 addresses.
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
		return span{netip.MustParsePrefix("::/0"), reserved}, true
	}
	return span{}, false
}
