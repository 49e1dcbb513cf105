package run

import (
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// Way is where calls go and how they are made: calls of one way share connections.
type Way struct {
	Host       target.Host
	SkipVerify bool
	ClientCert string
	Namespace  string // whose certificate it is; empty without a certificate
}

// Way returns how the version calls its target, and whether what its calls need may be
// made ready before they are due.
func (v *Version) Way() (w Way, prepares bool) {
	p := v.Plan.Value()
	w = Way{Host: v.Host, SkipVerify: p.skipVerify}
	if v.payload != nil {
		w.ClientCert = v.payload.cert
	}
	if w.ClientCert != "" {
		w.Namespace = p.namespace
	}
	return w, !p.unprepared && v.Host != (target.Host{})
}

// FillUpcoming sets what the version decides of calls that are due soon.
func (v *Version) FillUpcoming(u *domain.Upcoming) {
	w, _ := v.Way()
	u.URL, _ = v.target()
	u.SkipVerify, u.ClientCert, u.Namespace = w.SkipVerify, w.ClientCert, w.Namespace
}
