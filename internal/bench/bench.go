package bench

import "context"

// Bench measures. Make one with New, and Close it.
type Bench struct{ env *environment }

// New starts the receiver.
func New(ctx context.Context, cfg Config) (*Bench, error) {
	env, err := newEnvironment(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &Bench{env}, nil
}

// Close ends the receiver and removes what was made.
func (b *Bench) Close() error { return b.env.close() }
