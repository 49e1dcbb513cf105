package app

import (
	"fmt"
	"net"

	"github.com/belfry-scheduler/belfry/internal/egress"
)

// egress returns the policy for the targets of jobs. It knows the port that was
// really taken.
func (a *App) egress() (*egress.Policy, error) {
	own, ok := a.listener.Addr().(*net.TCPAddr)
	if !ok {
		return nil, fmt.Errorf("the listener has the address %s, which is no TCP address", a.listener.Addr())
	}
	return egress.New(egress.Config{
		Mode: a.cfg.Egress, Allow: a.cfg.EgressAllow, Deny: a.cfg.EgressDeny, Own: own.AddrPort(),
	})
}
