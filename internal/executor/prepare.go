package executor

import (
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// Prepare has connections opened for calls that are due soon, where the host has fewer idle
// ones than they need: the name is looked up, and TLS is agreed on. It does not wait, and
// tells nobody that a connection could not be opened. It does not make a call.
func (x *Executor) Prepare(u *domain.Upcoming) {
	at, ok := target.Cut(u.URL)
	if !ok || u.ClientCert != "" && !x.pools.tls.knows(u.ClientCert, u.Namespace) {
		return
	}
	s := spelling{origin: at.Origin}
	if at.Secure {
		s.skipVerify, s.clientCert = u.SkipVerify, u.ClientCert
	}
	to, err := x.pools.find(s)
	if err != nil {
		return
	}
	if expectCalls(to.pool, u, monotonic.Now()) {
		x.opener.dialer.lookAhead(to.pool.Endpoint)
		x.connector.joinAhead(to.pool)
	}
}
