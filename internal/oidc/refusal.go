package oidc

import (
	"errors"
	"fmt"
	"strings"
)

const maxReason = 200 // bytes of what a failure says

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

	cause error // what the provider has done wrong, for the health and the log; nil: nothing
}

// Error implements error.
func (r *Refusal) Error() string { return r.Detail }

// Refuse returns a refusal.
func Refuse(why Reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: why, Detail: fmt.Sprintf(format, args...)}
}

// by returns the refusal with what the provider has done wrong.
func (r *Refusal) by(cause error) *Refusal {
	r.cause = short(cause)
	return r
}

// unavailable returns the refusal for a provider that fails.
func unavailable(cause error) *Refusal {
	return Refuse(Unavailable, "The provider does not answer: try again later, or sign in with an API key.").by(cause)
}

// short returns an error in one line that is not long: some repeat what was answered.
func short(err error) error {
	text := strings.Join(strings.Fields(strings.ToValidUTF8(err.Error(), "")), " ")
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "") + "..."
	}
	return errors.New(text)
}
