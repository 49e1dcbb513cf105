package oidc

import "fmt"

// Reason says why somebody does not come in.
type Reason string

// The reasons, for the page, which has words for each.
const (
	Expired     Reason = "expired"     // nothing has begun in this browser within ten minutes
	Foreign     Reason = "foreign"     // the answer belongs to another sign-in
	Denied      Reason = "denied"      // the provider has refused
	Unavailable Reason = "unavailable" // the provider does not answer, or not as one does
	Untrusted   Reason = "untrusted"   // what it says about the person does not hold
	NotGranted  Reason = "not-granted" // it is known who it is, and nothing is granted
	TooMany     Reason = "too-many"    // of one person, or refused from one address
	Busy        Reason = "busy"        // at a time
)

// Refusal is why somebody does not come in.
type Refusal struct {
	Reason Reason
	Detail string // for people; without a token, a code or a secret
}

// Error implements error.
func (r *Refusal) Error() string { return r.Detail }

// Refuse returns a refusal.
func Refuse(why Reason, format string, args ...any) *Refusal {
	return &Refusal{why, fmt.Sprintf(format, args...)}
}
