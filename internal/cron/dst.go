package cron

// Gap says what becomes of a fixed time that the clock skips.
type Gap string

// Fold says what becomes of a fixed time that comes twice.
type Fold string

// The choices of a job; doc.go defines each of them exactly.
const (
	GapAfter  Gap = "AFTER"  // fires at the first instant after the gap; the default
	GapSkip   Gap = "SKIP"   // does not fire
	GapBefore Gap = "BEFORE" // fires at the last whole second before the gap

	FoldFirst  Fold = "FIRST"  // fires at the first occurrence; the default
	FoldSecond Fold = "SECOND" // fires at the second occurrence
	FoldBoth   Fold = "BOTH"   // fires at both
)

// DST is a job's choice for clock changes. The zero value means the defaults. It governs fixed times only.
type DST struct {
	Gap  Gap
	Fold Fold
}

// normal fills in the defaults and refuses unknown words.
func (d DST) normal() (DST, error) {
	switch d.Gap {
	case "":
		d.Gap = GapAfter
	case GapAfter, GapSkip, GapBefore:
	default:
		return d, fail("dst.gap", 1, string(d.Gap), "use AFTER, SKIP or BEFORE", "is not a choice")
	}
	switch d.Fold {
	case "":
		d.Fold = FoldFirst
	case FoldFirst, FoldSecond, FoldBoth:
	default:
		return d, fail("dst.fold", 1, string(d.Fold), "use FIRST, SECOND or BOTH", "is not a choice")
	}
	return d, nil
}

// The law as the search uses it: an interval-like schedule is exactly gapSkip with foldBoth.
type gapRule uint8

const (
	gapAfter gapRule = iota
	gapSkip
	gapBefore
)

type foldRule uint8

const (
	foldFirst foldRule = iota
	foldSecond
	foldBoth
)

// rules translates a normal choice; interval-like schedules follow real time whatever the choice says.
func (d DST) rules(interval bool) (gapRule, foldRule) {
	if interval {
		return gapSkip, foldBoth
	}
	gaps := map[Gap]gapRule{GapAfter: gapAfter, GapSkip: gapSkip, GapBefore: gapBefore}
	folds := map[Fold]foldRule{FoldFirst: foldFirst, FoldSecond: foldSecond, FoldBoth: foldBoth}
	return gaps[d.Gap], folds[d.Fold]
}
