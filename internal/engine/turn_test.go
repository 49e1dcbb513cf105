package engine

import (
	"context"
	"errors"
	"testing"
	"time"
)

// A hand-over that does not end holds up a stop no longer than that may last.
func TestStopDuringAHandOver(t *testing.T) {
	t.Parallel()
	bubbleOfShards(t, 2, shared, func(t *testing.T, w *world) {
		w.ok(w.eng.owner.moving.take(context.Background()))
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err := ShareOf(w.eng).Release(ctx, []int{0}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("released with %v", err)
		}
		w.eng.owner.moving.end()
	})
}
