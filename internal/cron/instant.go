package cron

// MaxLength is the longest schedule text, in bytes.
const MaxLength = 256

// The supported instants, in Unix seconds: 1970-01-01T00:00:00Z to 2199-12-31T23:59:59Z.
const (
	MinInstant = 0
	MaxInstant = 7_258_118_399
)

// Binding is what one job adds to a schedule that it shares with others.
type Binding struct {
	Seed   uint64 // for H: [SeedOf] the job's id
	Anchor int64  // for @every: the job's creation instant, Unix seconds
}
