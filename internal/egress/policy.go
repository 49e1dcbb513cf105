package egress

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/target"
)

// Mode says how far calls may reach.
type Mode string

// The modes.
const (
	Private Mode = "private" // the public internet, this machine, and private networks
	Public  Mode = "public"  // the public internet only
)

// Config is what a policy is made of.
type Config struct {
	Mode  Mode
	Allow Rules // what Public would refuse
	Deny  Rules // goes over Allow
	// Own is where Belfry listens. An unspecified address means all of
	// the machine's. The zero value: nowhere.
	Own netip.AddrPort
	// Local returns the addresses of the machine; nil: those of its
	// interfaces.
	Local func() ([]netip.Addr, error)
}

// Policy decides which targets may be called. Its methods may be called from
// many goroutines. Their errors are [*Refusal].
type Policy struct{ cfg Config }

// New returns a policy. The error is about the mode.
func New(cfg Config) (*Policy, error) {
	if cfg.Mode != Private && cfg.Mode != Public {
		return nil, fmt.Errorf("egress: the mode is %q, not %s or %s", cfg.Mode, Private, Public)
	}
	if cfg.Local == nil {
		cfg.Local = interfaces
	}
	cfg.Own = netip.AddrPortFrom(cfg.Own.Addr().WithZone("").Unmap(), cfg.Own.Port())
	return &Policy{cfg}, nil
}

// Refusal says what is refused, and by which rule.
type Refusal struct {
	Target string // an address or a name, with the port where that matters
	Rule   string // "is a private address (10.0.0.0/8), and egress is public"
}

// Error implements error.
func (r *Refusal) Error() string { return r.Target + " " + r.Rule }

// CheckName judges a name before it is looked up: by the deny list only. What
// the name leads to is for [Policy.CheckAddr].
func (p *Policy) CheckName(name string, port uint16) error {
	name = canonical(name)
	for i := range p.cfg.Deny {
		if r := &p.cfg.Deny[i]; r.port(port) && (r.anything() || r.name(name)) {
			return denied(net.JoinHostPort(name, strconv.Itoa(int(port))), r)
		}
	}
	return nil
}

func denied(target string, r *Rule) error {
	return &Refusal{target, fmt.Sprintf("is denied by %q", r.text)}
}

// CheckAddr judges an address. It is what the name was looked up to, or the host of the
// URL itself; then the name is the same text. The caller must connect to this address
// only.
func (p *Policy) CheckAddr(name string, to netip.AddrPort) error {
	name, port := canonical(name), to.Port()
	fs := forms(to.Addr())
	for _, f := range fs {
		if err := p.always(f, fs[0].addr, port); err != nil {
			return err
		}
	}
	if r := p.denies(name, fs, port); r != nil {
		return denied(netip.AddrPortFrom(fs[0].addr, port).String(), r)
	}
	if p.cfg.Mode == Private || p.allows(name, fs, port) {
		return nil
	}
	for _, f := range fs {
		if s, special := spanOf(f.addr); special && !f.guessed {
			return refused(f.addr, fs[0].addr, s.describe()+", and egress is public")
		}
	}
	return nil
}

// always refuses what no mode and no name opens.
func (p *Policy) always(f form, asked netip.Addr, port uint16) error {
	if own, err := p.own(f.addr, port); own || err != nil {
		rule := "is where Belfry itself listens"
		if err != nil {
			rule = "may be where Belfry itself listens: " + err.Error()
		}
		return refused(f.addr, asked, rule)
	}
	s, special := spanOf(f.addr)
	if !special || s.firm == byMode {
		return nil
	}
	if f.guessed && !s.whenGuessed || s.firm == byExact && p.named(f.addr, port) {
		return nil
	}
	if s.firm == byExact {
		return refused(f.addr, asked, s.describe()+", which egress_allow opens one by one")
	}
	return refused(f.addr, asked, s.describe()+", which is never called")
}

func (s span) describe() string {
	if s.prefix.Bits() == 0 || s.prefix.IsSingleIP() {
		return "is " + s.words
	}
	return fmt.Sprintf("is %s (%s)", s.words, s.prefix)
}

// refused words a refusal of an address that was asked for in this form or in
// another one.
func refused(a, asked netip.Addr, rule string) error {
	if a == asked {
		return &Refusal{a.String(), rule}
	}
	return &Refusal{fmt.Sprintf("%s leads to %s, which", asked, a), rule}
}

// own reports whether Belfry listens on the address and port.
func (p *Policy) own(a netip.Addr, port uint16) (bool, error) {
	own := p.cfg.Own
	if port != own.Port() || !own.Addr().IsValid() {
		return false, nil
	}
	if !own.Addr().IsUnspecified() {
		return a == own.Addr(), nil
	}
	if a.IsLoopback() { // all of 127.0.0.0/8 is this machine
		return true, nil
	}
	local, err := p.cfg.Local()
	for _, l := range local {
		if l.WithZone("").Unmap() == a {
			return true, nil
		}
	}
	return false, err
}

// interfaces returns the addresses of the machine as of now: a lease may have
// changed them since the start.
func interfaces() ([]netip.Addr, error) {
	found, err := net.InterfaceAddrs()
	if err != nil {
		return nil, errors.New("the addresses of this machine cannot be read")
	}
	local := make([]netip.Addr, 0, len(found))
	for _, a := range found {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			local = append(local, prefix.Addr())
		}
	}
	return local, nil
}

// named reports whether the allow list has this very address.
func (p *Policy) named(a netip.Addr, port uint16) bool {
	for i := range p.cfg.Allow {
		r := &p.cfg.Allow[i]
		if r.holds(a) && r.prefix.IsSingleIP() && r.port(port) {
			return true
		}
	}
	return false
}

// denies returns the rule of the deny list that is about the target, or nil.
func (p *Policy) denies(name string, fs []form, port uint16) *Rule {
	for i := range p.cfg.Deny {
		r := &p.cfg.Deny[i]
		if !r.port(port) {
			continue
		}
		if r.anything() || r.name(name) {
			return r
		}
		for _, f := range fs {
			if r.holds(f.addr) {
				return r
			}
		}
	}
	return nil
}

// allows reports whether the allow list is about the target. What a tunnel
// leads to does not count: the address of the tunnel must be named itself.
func (p *Policy) allows(name string, fs []form, port uint16) bool {
	for i := range p.cfg.Allow {
		r := &p.cfg.Allow[i]
		if !r.port(port) {
			continue
		}
		if r.anything() || r.name(name) || r.holds(fs[0].addr) {
			return true
		}
		for _, f := range fs {
			if f.translated && r.holds(f.addr) {
				return true
			}
		}
	}
	return false
}

// CheckURL judges a URL before its name is looked up: by its port, by its name, and by its
// host if that is an address. A URL that is refused here would most likely be refused
// when it is called. One that is accepted may still be refused then.
func (p *Policy) CheckURL(raw string) error {
	t, err := target.Parse(raw)
	if err != nil {
		return nil //nolint:nilerr // no URL of a job: somebody else says so
	}
	to := t.Host.Endpoint()
	if to.Addr.IsValid() {
		return p.CheckAddr(to.Name, netip.AddrPortFrom(to.Addr, to.Port))
	}
	if err := p.CheckName(to.Name, to.Port); err != nil {
		return err
	}
	if low := canonical(to.Name); low == "localhost" || strings.HasSuffix(low, ".localhost") { // RFC 6761, section 6.3
		return p.CheckAddr(to.Name, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), to.Port))
	}
	return nil
}
