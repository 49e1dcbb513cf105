package executor

import (
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// route returns where a call goes. The host is made if need be.
func (t *table) route(p target.Parts, call *domain.Call) (route, error) {
	s := spelling{origin: p.Origin}
	if p.Secure {
		s.skipVerify, s.clientCert = call.SkipVerify, call.ClientCert
	}
	return t.find(s)
}

// find returns where the calls of a spelling go.
func (t *table) find(s spelling) (route, error) {
	t.mu.RLock()
	r, closed := t.routes[s], t.closed
	t.mu.RUnlock()
	if closed {
		return r, errClosed
	}
	if r.pool != nil {
		return r, nil
	}
	return t.newRoute(s)
}

// newRoute takes the origin of a spelling apart.
func (t *table) newRoute(s spelling) (route, error) {
	s.origin, s.clientCert = strings.Clone(s.origin), strings.Clone(s.clientCert) // not the whole URL
	to, err := target.Parse(s.origin)
	if err != nil {
		return route{}, &refusedError{err}
	}
	key := poolKey{to.Host, s.skipVerify, s.clientCert}
	if p := t.full(key); p != nil {
		return route{p, to.Header}, nil
	}
	return t.add(s, route{t.newPool(key), to.Header}), nil
}
