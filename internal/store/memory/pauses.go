package memory

import (
	"context"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/store"
)

// Pauses implements store.Timelines.
func (j jobs) Pauses(ctx context.Context, until int64, after store.PauseEnd, limit int) (found []store.PauseEnd,
	err error) {
	err = j.do(ctx, func(d *Disk) error {
		for id, is := range d.jobs {
			v := is.current()
			end := store.PauseEnd{Until: v.Pause.Until, JobID: id, Version: v.Number}
			if !is.deleted && end.Until != 0 && end.Until <= until && end.Compare(after) > 0 {
				found = append(found, end)
			}
		}
		slices.SortFunc(found, store.PauseEnd.Compare)
		found = found[:min(len(found), limit)]
		return nil
	})
	return found, err
}
