package forecast

import "github.com/belfry-scheduler/belfry/internal/domain"

// maxCompared is how many fires a comparison looks at: some 50 ms of work. A job that fires every
// second has 2.6 million of them in 30 days.
const maxCompared = 200_000

// Difference is what one calendar has and another one has not.
type Difference struct {
	Gained, Lost           []int64 // the first ones, Unix milliseconds
	GainedCount, LostCount int64
	Until                  int64 // the fires before this instant were compared
}

// Compare compares the fires of two calendars after an instant and before another one. It lists the
// first ones of each kind, so many at most. Until is less than what was asked for where there were
// too many fires.
func Compare(before, after domain.Timing, from, until int64, list int) Difference {
	d := Difference{Until: until}
	if before == after {
		return d
	}
	was, is := walk{before, until, from}, walk{after, until, from}
	was.next()
	is.next()
	for range maxCompared {
		switch {
		case was.at == until && is.at == until:
			return d
		case was.at < is.at:
			d.LostCount++
			d.Lost = appendUpTo(d.Lost, was.at, list)
			was.next()
		case is.at < was.at:
			d.GainedCount++
			d.Gained = appendUpTo(d.Gained, is.at, list)
			is.next()
		default:
			was.next()
			is.next()
		}
	}
	d.Until = min(was.at, is.at)
	return d
}

// walk is at one of the fires of a calendar, or at the end.
type walk struct {
	timing domain.Timing
	end    int64
	at     int64
}

func (w *walk) next() {
	at, fires := w.timing.Next(w.at)
	if !fires || at > w.end {
		at = w.end
	}
	w.at = at
}

func appendUpTo(list []int64, at int64, most int) []int64 {
	if len(list) < most {
		list = append(list, at)
	}
	return list
}
