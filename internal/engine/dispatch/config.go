package dispatch

import (
	"time"

	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/host"
)

// Config is what a dispatcher is made of.
type Config struct {
	MaxCalls   int // calls in flight at a time
	MaxPerHost int // the same, of one host
	Hosts      *host.Table

	// Work runs one worker: it takes runs and calls until Take returns nil.
	Work func()
	// FromSpan takes the next fire off a span, or returns nil when it has none to
	// send. It is called with the dispatcher's lock held.
	FromSpan func(*run.Span) *run.Run
	// Trim gives up the oldest fires of a span that has grown too long, together with so
	// many others of its job that wait, and reports whether it did. The span may be empty
	// then. It is called with the dispatcher's lock held.
	Trim func(s *run.Span, others int) bool
	Now  func() int64 // wall clock, Unix milliseconds
}

// NotCalled is how long a run took at its target of which no call was made.
const NotCalled time.Duration = -1
