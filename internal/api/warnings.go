package api

import (
	"errors"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// jobRules are what a server says of a job beside the job's own rules.
type jobRules struct {
	checkTarget  func(url string) error // why it would not be called; nil: every URL may be
	certificates []string               // names that a job may say
	clock        clock.Clock
	kept         bool // documents are kept elsewhere and sent again, maybe long after they were written

	mayPresent func(certificate, namespace string) bool // nil: all may
}

// ofKept returns the rules for documents that are kept elsewhere: what is accepted once is accepted again.
func (r *jobRules) ofKept() *jobRules {
	of := *r
	of.kept = true
	return &of
}

// pastPauseEnds documents what the routes do with it that take documents which are kept elsewhere.
const pastPauseEnds = "A document whose pausedUntil is past by now is that of an active job, and the answer has a " +
	"warning: so one that was accepted can be sent again at any time."

// endPause does with a document what [domain.DecidePauseEnd] says: before is the end of the pause that its job has.
func (r *jobRules) endPause(doc *domain.SpecDoc, before int64) error {
	switch domain.DecidePauseEnd(doc.IsActive, doc.Pause.Until, before, clock.NowMs(r.clock), r.kept) {
	case domain.PauseHolds:
	case domain.PauseIsOver:
		doc.IsActive, doc.Pause = true, domain.Pause{}
	case domain.PauseIsPast:
		fault := domain.InvalidAs(domain.FieldRange, "pausedUntil", "must be later than now: then the job is active",
			doc.Pause.Until)
		if more, ok := errors.AsType[*domain.Error](doc.Spec.Validate()); ok {
			fault.Fields = append(fault.Fields, more.Fields...)
		}
		return fault
	}
	return nil
}

// pauseWarnings tells of a pause that a document was to say, and that is over.
func (r *jobRules) pauseWarnings(until int64) []string {
	if until <= 0 || until > clock.NowMs(r.clock) {
		return nil
	}
	return []string{pauseIsOver}
}

const pauseIsOver = "pausedUntil: is past: the pause has ended, and the job is active"

// warnings returns what is allowed in a job but is probably not intended: the warnings
// of a preview about the schedule, in the same words, and those of this server about the
// target. A target that the server would not call is a warning and no error: its name
// may resolve to another address tomorrow, and an import may run before the setting that
// allows its targets is made.
//
// Every answer about a job has its warnings from here.
func (r *jobRules) warnings(spec *domain.Spec) []string {
	return slices.Concat(spec.ScheduleWarnings(), r.targetWarnings(spec.API), r.certificateWarnings(spec))
}

func (r *jobRules) targetWarnings(api string) []string {
	if r.checkTarget == nil {
		return nil
	}
	if err := r.checkTarget(api); err != nil {
		return []string{"api: this server will not call it: " + err.Error()}
	}
	return nil
}

// certificatesOf returns the names of the certificates that jobs of a namespace may
// present. Nothing else tells names: who may not use a certificate does not learn of it.
func (r *jobRules) certificatesOf(namespace string) []string {
	var names []string
	for _, name := range r.certificates {
		if r.mayPresent == nil || r.mayPresent(name, namespace) {
			names = append(names, name)
		}
	}
	return names
}

// certificateWarnings tells of a certificate that a job has kept, although its calls may
// not present it any more: they fail.
func (r *jobRules) certificateWarnings(spec *domain.Spec) []string {
	if spec.ClientCertificate == "" || slices.Contains(r.certificatesOf(spec.Namespace), spec.ClientCertificate) {
		return nil
	}
	return []string{"clientCertificate: this server has none of that name for namespace " + spec.Namespace +
		": calls will fail"}
}
