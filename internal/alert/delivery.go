package alert

import (
	"context"
	"errors"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Sender delivers messages: a send.Sender.
type Sender interface {
	// Send makes one attempt, which ends in time. The error is a [*DeliveryError], or the context's.
	Send(ctx context.Context, c *domain.Channel, m *Message) error
}

// DeliveryError says why an attempt has failed.
type DeliveryError struct {
	Text    string // without secrets
	AskedMs int64  // how long the receiver wants nothing; zero: it does not say
	Refused bool   // the receiver will never take this message: it is not sent again
	Unfit   bool   // it is about what the message is, not about the channel: a part of a digest may be taken
	// Parts are the outcomes of the groups of a message whose kind sends each by itself, nil: it was delivered. Without
	// them the error is about all groups.
	Parts []error
}

// Error implements error.
func (e *DeliveryError) Error() string { return e.Text }

// ofGroup returns the outcome of the group of a message at an index.
func ofGroup(failure error, i int) error {
	if e, ok := errors.AsType[*DeliveryError](failure); ok && i < len(e.Parts) {
		return e.Parts[i]
	}
	return failure
}

// unfit reports whether a digest is to be sent in parts.
func unfit(failure error) bool {
	e, ok := errors.AsType[*DeliveryError](failure)
	return ok && e.Unfit && e.Parts == nil
}
