package memory

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/store"
)

func compareAsides(a, b store.Aside) int {
	return cmp.Or(bytes.Compare(a.JobID[:], b.JobID[:]), cmp.Compare(a.Version, b.Version))
}

// SetAside implements store.Ledger.
func (l ledger) SetAside(ctx context.Context, asides []store.Aside) error {
	return l.do(ctx, func(d *Disk) error {
		for _, a := range asides {
			if i, known := slices.BinarySearchFunc(d.asides, a, compareAsides); !known {
				d.asides = slices.Insert(d.asides, i, a)
			}
		}
		return nil
	})
}

// Asides implements store.Ledger.
func (l ledger) Asides(ctx context.Context) (found []store.Aside, err error) {
	err = l.do(ctx, func(d *Disk) error {
		found = slices.Clone(d.asides)
		return nil
	})
	return found, err
}

// EndAside implements store.Ledger.
func (l ledger) EndAside(ctx context.Context, asides []store.Aside) error {
	return l.do(ctx, func(d *Disk) error {
		for _, a := range asides {
			if i, known := slices.BinarySearchFunc(d.asides, a, compareAsides); known {
				d.asides = slices.Delete(d.asides, i, i+1)
			}
		}
		return nil
	})
}
