package run

import (
	"encoding/binary"
	"testing"
	"unsafe"

	"pgregory.net/rapid"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// The index against a map. All ids of a run share the part and the start of
// their probing in one case in two: removing must not tear such a run apart.
func TestJobIndexModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x := NewJobIndex(rapid.SampledFrom([]int{0, 1, 3, 64, 256}).Draw(t, "shards"))
		ids := make([]domain.JobID, rapid.IntRange(1, 40).Draw(t, "ids"))
		near := rapid.Bool().Draw(t, "close")
		for i, n := 0, uint64(0); i < len(ids); n++ {
			var id domain.JobID
			binary.BigEndian.PutUint64(id[8:], n)
			if p, h := x.place(id.Shard(x.of), id); !near || p == &x.parts[3] && h%4 == 3 {
				ids[i] = id
				i++
			}
		}
		model := make(map[domain.JobID]*Job)
		pick := rapid.SampledFrom(ids)
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				id := pick.Draw(t, "id")
				j := NewJob(id, 0, uint8(id.Shard(x.of))) //nolint:gosec // at most 256 shards
				x.Put(j)
				model[j.ID] = j
			},
			"remove": func(t *rapid.T) {
				id := pick.Draw(t, "id")
				x.Remove(id)
				delete(model, id)
			},
			"": func(t *rapid.T) {
				for _, id := range ids {
					if got := x.Get(id); got != model[id] {
						t.Fatalf("get(%s) = %p, want %p", id, got, model[id])
					}
				}
				seen := 0
				for j := range x.All() {
					if model[j.ID] != j {
						t.Fatalf("all yields %s, which is not there", j.ID)
					}
					seen++
				}
				if seen != len(model) || x.n != len(model) {
					t.Fatalf("%d yielded, %d counted, want %d", seen, x.n, len(model))
				}
				for shard := range x.of {
					for piece := range x.Pieces() {
						for _, j := range x.Piece(shard, piece) {
							if model[j.ID] != j || int(j.Shard) != shard {
								t.Fatalf("piece %d of shard %d has %s", piece, shard, j.ID)
							}
							seen--
						}
					}
				}
				if seen != 0 {
					t.Fatalf("%d jobs are in no piece", seen)
				}
			},
		})
	})
}

func BenchmarkJobIndex(b *testing.B) {
	var x JobIndex
	ids := domain.NewJobIDs(1, 1_000_000)
	for _, id := range ids {
		x.Put(NewJob(id, 0, 0))
	}
	b.Run("get", func(b *testing.B) {
		for i := range b.N {
			if x.Get(ids[i%len(ids)]) == nil {
				b.Fatal("a job is missing")
			}
		}
	})
	b.Run("put and remove", func(b *testing.B) {
		j := NewJob(domain.NewJobID(2), 0, 0)
		for b.Loop() {
			x.Put(j)
			x.Remove(j.ID)
		}
	})
}

// A byte more for each job is ten megabytes more for ten million of them, and
// the next size class is worse.
func TestSizesOfWhatThereAreMillionsOf(t *testing.T) {
	t.Parallel()
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("for machines of 64 bits")
	}
	if got := unsafe.Sizeof(Job{}); got > 80 {
		t.Errorf("a job has %d bytes, want at most 80", got)
	}
	if got := unsafe.Sizeof(Version{}); got > 64 {
		t.Errorf("a version has %d bytes, want at most 64", got)
	}
}
