package host

import "sync/atomic"

// Failure is why a call of the host failed, in the words of its execution, and when.
type Failure struct {
	Text string
	At   int64 // Unix milliseconds
}

// Failures has the last failure of a host: for people, it decides nothing. It is written
// when a call fails, and costs calls that succeed nothing.
type Failures struct{ last atomic.Pointer[Failure] }

// Note notes a failure.
func (f *Failures) Note(text string, at int64) { f.last.Store(&Failure{text, at}) }

// Last returns the last one; nil: no call has failed for as long as the host is known.
func (f *Failures) Last() *Failure { return f.last.Load() }
