package engine

import "context"

// turn lets one of several go on at a time. It is for what waits for the store: who waits for a
// turn gives up with a context, which a mutex cannot.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

// take waits for the turn. After an error it is not taken.
func (t turn) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) end() { <-t }
