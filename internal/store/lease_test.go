package store

import (
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

func TestGrants(t *testing.T) {
	t.Parallel()
	row := Shard{Lease: Lease{4, 9}, Horizon: 100}
	for name, c := range map[string]struct {
		clean bool
		seen  Seen
		want  bool
	}{
		"free":            {true, Seen{}, true},
		"free, and seen":  {true, row.Seen(), true},
		"owned":           {false, Seen{}, false},
		"as it was seen":  {false, row.Seen(), true},
		"another epoch":   {false, Seen{Lease{3, 9}, 100}, false},
		"another token":   {false, Seen{Lease{4, 8}, 100}, false},
		"a beat has come": {false, Seen{Lease{4, 9}, 99}, false},
	} {
		sh := row
		sh.Clean = c.clean
		if got := sh.Grants(Claim{Seen: c.seen}); got != c.want {
			t.Errorf("%s: granted %v", name, got)
		}
	}
}

func TestRenew(t *testing.T) {
	t.Parallel()
	lease := Lease{4, 9}
	row := Shard{Lease: lease, Horizon: 10_000, Watermark: 8_000, Clock: 9_000, Revision: 5}
	known := Progress{Horizon: 10_000, Watermark: 8_000, Revision: 5}
	for name, c := range map[string]struct {
		clean     bool
		beat      Beat
		revision  int64 // of the row
		holds     bool
		horizon   int64
		watermark int64
	}{
		"in time":            {false, Beat{0, lease, 8_500, 9_000, known}, 5, true, 12_000, 8_500},
		"W beyond H":         {false, Beat{0, lease, 20_000, 9_000, known}, 5, true, 12_000, 12_000},
		"W before the row's": {false, Beat{0, lease, 7_000, 9_000, known}, 5, true, 12_000, 8_000},
		"the node is behind": {false, Beat{0, lease, 0, 7_500, known}, 5, true, 11_500, 8_000},
		"far behind":         {false, Beat{0, lease, 0, 1_000, known}, 5, true, 10_000, 8_000},
		"the node is ahead":  {false, Beat{0, lease, 0, 99_000, known}, 5, true, 12_000, 8_000},
		"released":           {true, Beat{0, lease, 8_500, 9_000, known}, 5, false, 10_000, 8_000},
		"another token":      {false, Beat{0, Lease{4, 8}, 8_500, 9_000, known}, 5, false, 10_000, 8_000},
		"another epoch":      {false, Beat{0, Lease{3, 9}, 8_500, 9_000, known}, 5, false, 10_000, 8_000},
		"H was lost":         {false, Beat{0, lease, 8_500, 9_000, Progress{10_001, 0, 0}}, 5, false, 10_000, 8_000},
		"W was lost":         {false, Beat{0, lease, 8_500, 9_000, Progress{0, 8_001, 0}}, 5, false, 10_000, 8_000},
		"an edit was lost":   {false, Beat{0, lease, 8_500, 9_000, Progress{0, 0, 6}}, 5, false, 10_000, 8_000},
		"an edit to be loaded": {false, Beat{0, lease, 11_000, 9_000, Progress{11_500, 8_000, 5}}, 6, false, 10_000,
			8_000},
		"W waits for an edit": {false, Beat{0, lease, 9_000, 9_000, known}, 6, true, 12_000, 8_000},
	} {
		sh := row
		sh.Clean, sh.Revision = c.clean, c.revision
		got := sh.Renew(&c.beat, 3_000)
		if got != c.holds || sh.Horizon != c.horizon || sh.Watermark != c.watermark {
			t.Errorf("%s: holds %v, H %d, W %d; want %v, %d, %d", name, got, sh.Horizon, sh.Watermark, c.holds,
				c.horizon, c.watermark)
		} else if got && sh.Applied != c.beat.Last.Revision {
			t.Errorf("%s: applied %d", name, sh.Applied)
		}
	}
}

// W goes no further than where an edit may begin that the owner has not loaded.
func TestAnEditBeginsAfterTheWatermark(t *testing.T) {
	t.Parallel()
	const ahead = 3_000
	for _, clock := range []int64{5_000, 9_000, 14_000} {
		row := Shard{Horizon: 10_000, Watermark: 6_000, Clock: clock, Lease: Lease{1, 1}}
		before := row.Progress() // of the last beat that the owner has loaded
		for late := range int64(5) {
			sh := row
			for range late { // beats of which it has not heard
				sh.Clock += 1_000
				sh.Renew(&Beat{Lease: sh.Lease, Watermark: domain.Forever, Clock: sh.Clock, Last: sh.Progress()}, ahead)
				sh.Watermark = row.Watermark
			}
			from := EffectiveWithout(&sh, domain.Forever, 0, 0, ahead)
			sh.Revision++
			sh.Renew(&Beat{Lease: sh.Lease, Watermark: domain.Forever, Clock: sh.Clock, Last: before}, ahead)
			if sh.Watermark >= from {
				t.Errorf("at %d, %d beats later: a job begins at %d, W goes to %d", clock, late, from, sh.Watermark)
			}
		}
	}
}

func TestEffectiveWithout(t *testing.T) {
	t.Parallel()
	row := Shard{Horizon: 10_000, Watermark: 6_000, Clock: 8_000}
	const none = domain.Forever
	for name, c := range map[string]struct {
		sh     Shard
		active int64
		wanted int64
		after  int64
		want   int64
	}{
		"ends a version":               {row, 0, 0, 0, 10_001},
		"ends none":                    {row, none, 0, 0, 8_001},
		"ends a pause that has ended":  {row, 7_000, 0, 0, 10_001},
		"ends a pause that ends at H":  {row, 10_000, 0, 0, 10_001},
		"ends a pause that ends later": {row, 10_001, 0, 0, 8_001},
		"the owner is silent":          {Shard{Horizon: 10_000, Watermark: 6_000, Clock: 60_000}, 0, 0, 0, 60_001},
		"the clock was set back":       {Shard{Horizon: 10_000, Watermark: 6_000, Clock: 1_000}, none, 0, 0, 7_001},
		"the clock was set back, W":    {Shard{Horizon: 10_000, Watermark: 9_000, Clock: 1_000}, none, 0, 0, 9_001},
		"later is wanted":              {row, 0, 20_000, 0, 20_000},
		"earlier is wanted":            {row, none, 2_000, 0, 8_001},
		"the version before it begins": {row, none, 0, 15_000, 15_001},
	} {
		if got := EffectiveWithout(&c.sh, c.active, c.wanted, c.after, 3_000); got != c.want {
			t.Errorf("%s: from %d, want %d", name, got, c.want)
		}
	}
}

func TestReplacesAndMayEnd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		stored, runner, from int64
		replaces             bool
	}{
		{0, 5, 0, true},  // nobody carries it out
		{5, 5, 0, true},  // its runner goes on
		{5, 6, 0, false}, // another one has it
		{5, 6, 5, true},  // it is taken over
		{7, 6, 5, false}, // somebody else took it over first
		{6, 6, 5, true},  // a repeat
		{5, 0, 5, true},  // its runner gives it up
		{6, 0, 5, false}, // which somebody else has by now
		{0, 0, 5, false}, // or had
		{0, 0, 0, true},
	} {
		stored := domain.OpenRun{Runner: c.stored}
		if got := Replaces(&domain.OpenRun{Runner: c.runner, TakenFrom: c.from}, &stored); got != c.replaces {
			t.Errorf("%+v: replaces %v", c, got)
		}
	}
	for _, c := range []struct {
		process, runner, from int64
		may                   bool
	}{{5, 0, 0, true}, {5, 5, 0, true}, {5, 6, 0, false}, {5, 6, 6, true}, {5, 7, 6, false}} {
		if got := (&Decision{TakenFrom: c.from}).MayEnd(c.process, c.runner); got != c.may {
			t.Errorf("%+v: may end %v", c, got)
		}
	}
}

func TestEnds(t *testing.T) {
	t.Parallel()
	made := Effect{At: 12_000, Revision: 6, Lease: Lease{4, 9}}
	row := Shard{Lease: made.Lease, Horizon: 10_000, Clock: 9_000, Revision: 6, Applied: 5}
	const now, hour = 10_001 + Overdue, 3_600_000
	for name, c := range map[string]struct {
		change func(*Shard)
		now    int64
		want   bool
	}{
		"not loaded":            {func(*Shard) {}, now, false},
		"loaded":                {func(sh *Shard) { sh.Applied = 6 }, now, true},
		"a later one is loaded": {func(sh *Shard) { sh.Applied = 7 }, now, true},
		"another owner":         {func(sh *Shard) { sh.Epoch++ }, now, true},
		"another token":         {func(sh *Shard) { sh.Token++ }, now, true},
		"no owner":              {func(sh *Shard) { sh.Clean = true }, now, true},
		"the owner may send":    {func(sh *Shard) { sh.Clock = now - 1 }, now, false},
		"the owner has stopped": {func(sh *Shard) { sh.Clock = now }, now, true},
		// The owner has its own clock, and may send for as long as that allows it.
		"the store's clock was set ahead":  {func(sh *Shard) { sh.Clock = now + hour }, now - 1, false},
		"the store's clock was set back":   {func(sh *Shard) { sh.Clock = now - hour }, now, false},
		"the clock of this process is off": {func(sh *Shard) { sh.Clock = now - 1 }, now + hour, false},
	} {
		sh := row
		c.change(&sh)
		if got := made.Ends(&sh, c.now); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
