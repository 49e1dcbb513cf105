package api

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/wire"
)

// checkCertificate refuses a job that names a client certificate which this
// server does not have for its namespace, together with all else that is wrong with it.
func (r *jobRules) checkCertificate(spec *domain.Spec) error {
	name := spec.ClientCertificate
	if name == "" {
		return nil
	}
	names := r.certificatesOf(spec.Namespace)
	if slices.Contains(names, name) {
		return nil
	}
	where := ""
	if domain.ValidNamespace(spec.Namespace) {
		where = " for namespace " + spec.Namespace
	}
	message := "is not one of this server's client certificates" + where + ": it has " + strings.Join(names, ", ")
	if len(names) == 0 {
		message = "must be absent: this server has no client certificates" + where +
			" (client_certificates in its config file)"
	}
	fault := domain.InvalidAs(domain.FieldNotFound, "clientCertificate", message, fmt.Sprint(echo(name)))
	if more, ok := errors.AsType[*domain.Error](spec.Validate()); ok {
		fault.Fields = append(fault.Fields, more.Fields...)
	}
	return fault
}

// change lays a document over that of a job, as lay does it. A certificate that the job had
// already is not asked about: the server may have lost it, and the job must
// still be changed. So it is with the end of its pause, which may have come.
func (r *jobRules) change(doc *domain.SpecDoc, lay func(*domain.SpecDoc) error) error {
	certificate, until := doc.ClientCertificate, doc.Pause.Until
	if err := lay(doc); err != nil {
		return wire.PointToSpec(err)
	}
	if err := r.endPause(doc, until); err != nil || doc.ClientCertificate == certificate {
		return err
	}
	return r.checkCertificate(&doc.Spec)
}
