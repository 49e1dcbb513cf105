package egress

import (
	"net/netip"
	"testing"
)

// BenchmarkCheckAddr is what a new connection pays.
func BenchmarkCheckAddr(b *testing.B) {
	p := newPolicy(b, Public, "10.0.0.0/8, *.internal, :8080", ":25, 10.9.0.0/16")
	for name, addr := range map[string]string{"IPv4": "93.184.216.34", "IPv6": "2606:4700::1111",
		"NAT64": "64:ff9b::101:101"} {
		to := netip.MustParseAddrPort(netip.AddrPortFrom(netip.MustParseAddr(addr), 443).String())
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := p.CheckAddr("example.com", to); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
