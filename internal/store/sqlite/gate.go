package sqlite

import "context"

// gate is a mutex whose wait ends with a context: a disk that hangs under one
// caller must not hold the others beyond their deadlines.
type gate chan struct{}

func newGate() gate { return make(gate, 1) }

func (g gate) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// enterAtLast is enter without an end to the wait.
func (g gate) enterAtLast() { g <- struct{}{} }

func (g gate) leave() { <-g }
