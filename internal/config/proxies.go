package config

import (
	"fmt"
	"net/netip"
	"strings"
)

const maxProxies = 64 // networks; each request is compared with all of them: 0.3 us

// setTrustedProxies reads addresses and CIDRs separated by commas.
func setTrustedProxies(c *Config, raw string) string {
	var list []netip.Prefix
	for text := range strings.SplitSeq(raw, ",") {
		text = strings.TrimSpace(text)
		prefix, msg := parseProxy(text)
		switch {
		case text == "" && raw == "":
			continue
		case msg != "":
			return msg
		case len(list) == maxProxies:
			return fmt.Sprintf("must be at most %d addresses and CIDRs", maxProxies)
		}
		list = append(list, prefix)
	}
	c.TrustedProxies = list
	return ""
}

// parseProxy reads an address or a CIDR, or says what would be right.
func parseProxy(text string) (netip.Prefix, string) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), ""
	}
	prefix, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return prefix, fmt.Sprintf("must be addresses and CIDRs, as in 10.0.0.7 or 10.0.0.0/8, separated "+
			"by commas: %s "+
			"is neither", show(text))
	case prefix.Bits() == 0:
		return prefix, fmt.Sprintf("must not be %s: everybody could say that they are somebody else", text)
	case prefix.Addr().Is4In6():
		return prefix, fmt.Sprintf("must have IPv4 in its own form, as in 10.0.0.0/8: %s has not", show(text))
	case prefix != prefix.Masked():
		return prefix, fmt.Sprintf("must be %s, not %s", prefix.Masked(), text)
	}
	return prefix, ""
}

func getTrustedProxies(c *Config) string {
	texts := make([]string, len(c.TrustedProxies))
	for i, p := range c.TrustedProxies {
		if texts[i] = p.String(); p.IsSingleIP() {
			texts[i] = p.Addr().String()
		}
	}
	return strings.Join(texts, ", ")
}
