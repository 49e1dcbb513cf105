package domain

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/cron"
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// Fault says why a part of a stored version cannot be used.
type Fault struct {
	Field  string // of the spec, as in its JSON
	Reason string
}

// Unusable returns why the stored version cannot be run, or nil: a part could not be
// read, or this program does not know a policy, a schedule or a zone. A limit that has
// become stricter since then is not a reason: a job that ran continues to run.
func (v *Version) Unusable() error {
	_, err := v.Compile()
	return err
}

// Compile returns the compiled schedule, or the error of [Version.Unusable].
func (v *Version) Compile() (*cron.Schedule, error) { return v.CompileBy((*Spec).parseSchedule) }

// CompileBy is Compile for a caller that keeps compiled schedules. Parse returns that of a spec.
func (v *Version) CompileBy(parse func(*Spec) (*cron.Schedule, error)) (*cron.Schedule, error) {
	if err := v.unknown(); err != nil {
		return nil, err
	}
	return parse(&v.Spec)
}

// unknown returns which parts of the version, except the schedule, this program does
// not know.
func (v *Version) unknown() error {
	if len(v.Unread) == 0 && v.Spec.plain() { // a start with ten million jobs checks each of them
		return nil
	}
	var fe fieldErrors
	for _, f := range v.Unread {
		fe.requireAs(FieldFormat, false, f.Field, "cannot be read as it is stored: "+f.Reason, nil)
	}
	s := &v.Spec
	fe.requireAs(FieldChoice, s.Type == AtLeastOnce || s.Type == AtMostOnce, "type",
		"must be ATLEAST_ONCE or ATMOST_ONCE", s.Type)
	s.checkPolicyNames(&fe)
	s.checkDST(&fe)
	if len(s.Signing.Secrets) > 0 {
		if _, err := webhook.NewSigner(s.Signing.Secrets); err != nil {
			fe.requireAs(FieldFormat, false, "signing.secrets", err.Error(), nil)
		}
	}
	return fe.err()
}

// plain reports whether a spec has the usual policies and no signing secrets.
func (s *Spec) plain() bool {
	return (s.Type == AtLeastOnce || s.Type == AtMostOnce) && s.Overlap == OverlapAllow &&
		s.Misfire.Policy == MisfireRunAll &&
		s.Retry.Backoff == BackoffLinear && s.DST.Gap == "AFTER" && s.DST.Fold == "FIRST" && len(s.Signing.Secrets) == 0
}

// Spoil gives each field that could not be read a value that [Spec.Validate] refuses by
// the name of the field, so that a change that does not provide the field is refused.
func (s *Spec) Spoil(unread []Fault) error {
	for _, f := range unread {
		if !s.spoil(f.Field) {
			return InvalidAs(FieldFormat, f.Field,
				fmt.Sprintf("cannot be read as it is stored (%s), nor be given anew: delete the "+
					"job and create it again",
					f.Reason), nil)
		}
	}
	return nil
}

func (s *Spec) spoil(field string) bool {
	switch field {
	case "method":
		s.Method = ""
	case "key":
		s.Key = "\x00"
	case "tags":
		s.Tags = []string{""}
	case "headers":
		s.Headers = map[string]string{"": ""}
	case "secretHeaders":
		s.SecretNames = []string{""}
	case "body":
		s.Body = json.RawMessage(spoiledBody)
	case "signing":
		s.Signing.Secrets = []webhook.Secret{""}
	case "timeoutMs":
		s.TimeoutMs = -1
	case "retry":
		s.Retry = Retry{MaxRetries: -1, DelayMs: -1, MaxDelayMs: -1}
	case "overlap":
		s.Overlap = ""
	case "misfire":
		s.Misfire = Misfire{}
	case "startAt":
		s.StartAt = -1
	case "endAt":
		s.EndAt = -1
	case "jitterMs":
		s.JitterMs = -1
	case "clientCertificate":
		s.ClientCertificate = "\x00"
	case "tlsSkipVerify", "prepare": // a bool has no wrong value; false is the safe one
	case "dst":
		s.DST = DST{Gap: "?", Fold: "?"}
	default:
		return false
	}
	return true
}

// FaultText formats an error of [Version.Unusable] as one line.
func FaultText(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
