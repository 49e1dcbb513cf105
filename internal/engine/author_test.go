package engine

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// TestEditsOfUnknownOutcomeKeepTheirAuthor: a commit that is repeated in the
// background, when nobody waits for it any more, is still in the audit
// trail, once, with who asked for it.
func TestEditsOfUnknownOutcomeKeepTheirAuthor(t *testing.T) {
	t.Parallel()
	for _, f := range []fault{{after: errDisk}, {before: errDisk}} {
		t.Run(fmt.Sprint("committed: ", f.before == nil), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, w *world) {
				id := w.create(spec("?v=1"))
				w.pass(time.Second)
				blind := false
				w.gate.fail(func(o op) fault {
					switch {
					case o == opGet && blind:
						return fault{before: errDisk}
					case o == opUpdate:
						blind = true
						return f
					}
					return fault{}
				})
				by := domain.Author{Key: "k7x2mq4a", Name: "CI"}
				ctx, leave := context.WithCancel(store.WithChange(context.Background(),
					domain.Change{At: w.now(), Nonce: 7, By: by}))
				_, err := w.edit.Update(ctx, id, 0, func(d *domain.SpecDoc) error {
					target("?v=2")(d)
					return nil
				})
				if domain.ErrorCode(err) != domain.CodeUnavailable {
					t.Errorf("update: %v", err)
				}
				leave()
				w.gate.fail(nil)
				w.pass(3 * time.Second)
				trail, err := w.db.Changes().List(context.Background(),
					store.ChangeQuery{To: domain.Forever, Limit: 10})
				if err != nil || len(trail) != 1 || trail[0].By != by || trail[0].Action != domain.ActionUpdate ||
					trail[0].JobID != id || trail[0].Version != 2 {
					t.Errorf("the trail is %+v, error %v", trail, err)
				}
				w.check(w.now() - 500)
			})
		})
	}
}
