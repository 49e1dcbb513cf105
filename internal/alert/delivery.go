package alert

import (
	"context"

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
}

// Error implements error.
func (e *DeliveryError) Error() string { return e.Text }
