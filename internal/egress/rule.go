package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// MaxRules bounds a list: every new connection is compared with all of it.
const MaxRules = 256

// Rule is one entry of an allow or deny list: WHAT, WHAT:PORTS or :PORTS. WHAT
// is an address, a CIDR, a host name, or *.NAME for the names below one; PORTS
// is a number or FROM-TO. IPv6 before a port stands in brackets.
type Rule struct {
	text   string
	prefix netip.Prefix // valid: addresses
	host   string       // not empty: a name, or ".name" for those below it
	lo, hi uint16       // ports
}

// String returns the rule as it was written.
func (r Rule) String() string { return r.text }

// Rules is an allow or a deny list.
type Rules []Rule

// String returns the list in the form that [ParseRules] takes.
func (rs Rules) String() string {
	texts := make([]string, len(rs))
	for i, r := range rs {
		texts[i] = r.text
	}
	return strings.Join(texts, ", ")
}

// ParseRules reads rules separated by commas or white space. The error says
// which is wrong and what would be right.
func ParseRules(text string) (Rules, error) {
	var rs Rules
	for _, entry := range strings.FieldsFunc(text, func(r rune) bool {
		return r == ',' || r == ' ' ||
			r == '\t' || r == '\n'
	}) {
		if len(rs) == MaxRules {
			return nil, fmt.Errorf("must be at most %d entries", MaxRules)
		}
		r, err := parseRule(entry)
		if err != nil {
			return nil, fmt.Errorf("%q %w", entry, err)
		}
		rs = append(rs, r)
	}
	return rs, nil
}

// ParseAllow is [ParseRules] for an allow list. It refuses an entry that cannot have an
// effect, because nothing opens what it names.
func ParseAllow(text string) (Rules, error) {
	rs, err := ParseRules(text)
	for _, r := range rs {
		if err := r.opens(); err != nil {
			return nil, err
		}
	}
	return rs, err
}

// opens returns an error when nothing of the rule's addresses can be opened.
func (r Rule) opens() error {
	if !r.prefix.IsValid() {
		return nil
	}
	s, special := spanOf(r.prefix.Addr())
	if !special || s.prefix.Bits() > r.prefix.Bits() { // a part of it may
		return nil
	}
	switch {
	case s.firm == never:
		return fmt.Errorf("%q must not be there: it is %s, which nothing opens", r.text, s.words)
	case s.firm == byExact && !r.prefix.IsSingleIP():
		return fmt.Errorf("%q must be one address: %s is opened one by one", r.text, s.words)
	}
	return nil
}

const ruleForm = "must be an address, a CIDR, a host name or *.NAME, with or without :PORT or :FROM-TO, as in " +
	"10.0.0.0/8, [fd00::/8]:443, *.example.com or :8080"

func parseRule(text string) (Rule, error) {
	r := Rule{text: text, hi: 65535}
	what, ports, ok := cutPorts(text)
	if !ok || what == "" && ports == "" {
		return r, errors.New(ruleForm)
	}
	if ports != "" {
		if r.lo, r.hi, ok = parsePorts(ports); !ok {
			return r, errors.New("must have a port from 1 to 65535, or FROM-TO")
		}
	}
	if what == "" {
		return r, nil
	}
	prefix, err := parsePrefix(what)
	if err == nil {
		r.prefix = prefix
		return r, prefixFault(prefix)
	}
	r.host = strings.TrimPrefix(canonical(what), "*")
	if name := strings.TrimPrefix(r.host, "."); !isName(name) || (r.host[0] == '.') != (what[0] == '*') {
		return r, errors.New(ruleForm)
	}
	return r, nil
}

// cutPorts parts a rule at the colon before its ports.
func cutPorts(text string) (what, ports string, ok bool) {
	if rest, bracket := strings.CutPrefix(text, "["); bracket {
		what, rest, ok = strings.Cut(rest, "]")
		if rest == "" {
			return what, "", ok
		}
		ports, ok = strings.CutPrefix(rest, ":")
		return what, ports, ok && ports != "" && what != ""
	}
	if _, err := parsePrefix(text); err == nil {
		return text, "", true
	}
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return text, "", true
	}
	return text[:i], text[i+1:], i+1 < len(text)
}

func parsePorts(s string) (lo, hi uint16, ok bool) {
	from, to, isRange := strings.Cut(s, "-")
	if !isRange {
		to = from
	}
	a, err := strconv.ParseUint(from, 10, 16)
	b, err2 := strconv.ParseUint(to, 10, 16)
	return uint16(a), uint16(b), err == nil && err2 == nil && a >= 1 && a <= b
}

func parsePrefix(s string) (netip.Prefix, error) {
	if strings.Contains(s, "/") {
		return netip.ParsePrefix(s)
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, err
	}
	if a.Zone() != "" {
		return netip.Prefix{}, errors.New("an address with a zone")
	}
	return netip.PrefixFrom(a, a.BitLen()), nil
}

func prefixFault(p netip.Prefix) error {
	switch {
	case p.Addr().Is4In6():
		return fmt.Errorf("must be written as IPv4: %s", p.Addr().Unmap())
	case p != p.Masked():
		return fmt.Errorf("must be a network: %s", p.Masked())
	}
	return nil
}

// canonical returns a name as rules hold it: in lower case, without the dot of
// the root.
func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// isName reports whether s is shaped like a DNS name and not like an address.
func isName(s string) bool {
	labels := strings.Split(s, ".")
	for _, l := range labels {
		if l == "" || strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return strings.Trim(labels[len(labels)-1], "0123456789") != ""
}

// port reports whether the rule is about the port.
func (r *Rule) port(port uint16) bool { return r.lo <= port && port <= r.hi }

// anything reports whether the rule names ports and nothing else.
func (r *Rule) anything() bool { return r.host == "" && !r.prefix.IsValid() }

// name reports whether the rule is about the name, which is canonical.
func (r *Rule) name(name string) bool {
	if r.host != "" && r.host[0] == '.' {
		return len(name) > len(r.host) && strings.HasSuffix(name, r.host)
	}
	return r.host != "" && r.host == name
}

// holds reports whether the rule is about the address.
func (r *Rule) holds(a netip.Addr) bool { return r.prefix.IsValid() && r.prefix.Contains(a) }
