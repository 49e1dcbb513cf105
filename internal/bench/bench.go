package bench

import "context"

// Bench makes the measurements. Create one with New, and Close it at the end.
type Bench struct{ env *environment }

// New starts the receiver.
func New(ctx context.Context, cfg Config) (*Bench, error) {
	env, err := newEnvironment(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &Bench{env}, nil
}

// Close stops the receiver and removes the files of the measurements.
func (b *Bench) Close() error { return b.env.close() }
