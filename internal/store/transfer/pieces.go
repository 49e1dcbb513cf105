package transfer

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// A piece is so many rows, or so many bytes of them: a commit of some 20 to 50 ms. Tests have
// smaller ones.
var pieceRows = 5_000

const pieceBytes = 4 << 20

// NewMeter measures a piece.
func NewMeter() store.Meter { return store.Meter{Rows: pieceRows, Bytes: pieceBytes} }

// sizeOfVersion is about what a version takes beside its texts.
const sizeOfVersion = 400

// Size returns about how many bytes the version takes in memory.
func (v *Version) Size() int {
	return sizeOfVersion + len(v.API) + len(v.Name) + len(v.Tags) + len(v.Headers) + len(v.Body) + len(v.Options)
}

// FactsAfter reads the facts of a store behind a key, in pieces that the caller may keep.
func FactsAfter(h store.History) func(context.Context, *domain.FireKey, func([]domain.Execution) error) error {
	return func(ctx context.Context, last *domain.FireKey, fn func([]domain.Execution) error) error {
		from := int64(0)
		if last != nil {
			from = last.ScheduledAt
		}
		piece := make([]domain.Execution, 0, pieceRows)
		filled := NewMeter()
		flush := func() error {
			out := piece
			if len(out) == 0 {
				return nil
			}
			piece, filled = make([]domain.Execution, 0, pieceRows), NewMeter()
			return fn(out)
		}
		err := h.Stream(ctx, from, domain.Forever, func(read []domain.Execution) error {
			for i := range read {
				if last != nil && rows.CompareKeys(read[i].FireKey, *last) <= 0 {
					continue
				}
				piece = append(piece, read[i])
				filled.Add(read[i].Size())
				if filled.Full() {
					if err := flush(); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		return flush()
	}
}

// RunsOf makes the table of the open runs of a store.
func RunsOf(l store.Ledger) Table[domain.OpenRun] {
	return Table[domain.OpenRun]{
		Read: func(ctx context.Context, fn func([]domain.OpenRun) error) error {
			var piece []domain.OpenRun
			err := l.OpenRuns(ctx, store.ShardSet{}, func(r domain.OpenRun) error {
				piece = append(piece, r)
				if len(piece) < pieceRows {
					return nil
				}
				full := piece
				piece = nil
				return fn(full)
			})
			if err != nil {
				return err
			}
			return fn(piece)
		},
		Write: func(ctx context.Context, piece []domain.OpenRun) error {
			return l.Record(ctx, store.Batch{Open: piece})
		},
	}
}

// settingsAs is the table of the settings about alerts, each row changed after it was read.
func (db *Database) settingsAs(change func(rows.Setting) rows.Setting) *Table[rows.Setting] {
	return &Table[rows.Setting]{Read: func(ctx context.Context, fn func([]rows.Setting) error) error {
		return db.Settings.Read(ctx, func(piece []rows.Setting) error {
			changed := make([]rows.Setting, len(piece))
			for i := range piece {
				changed[i] = change(piece[i])
			}
			return fn(changed)
		})
	}}
}
