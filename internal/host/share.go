package host

const (
	// hostPercent is how much of all slots one host may have. A dead host keeps its
	// slots for a whole timeout: the last tenth stays free for all others.
	hostPercent = 90
	// lateShare is the part of slots that late fires may have, of a host's and of
	// all: live fires keep their time.
	lateShare = 4
)

// MostSlots returns how many of all slots one host may have, one at least.
func MostSlots(all int) int {
	return max(1, all/100*hostPercent+all%100*hostPercent/100) // does not overflow
}

// FitSlots returns how many slots one host may have when only so many of all that
// were asked for are there. Who has asked for all of them for one host keeps that.
func FitSlots(perHost, all, there int) int {
	if perHost >= all {
		return there
	}
	return min(perHost, MostSlots(there))
}

// LateSlots returns how many of some slots late fires may have, one at least.
func LateSlots(slots int) int { return max(1, slots/lateShare) }

// Slots are the calls that there may be at a time, to one host or to all, and those
// that there are.
type Slots struct {
	Most  int
	Taken int
	Late  int // of those that are taken: by late fires
}

// Verdict says whether a call may begin, or what it waits for.
type Verdict uint8

// The verdicts.
const (
	Begin     Verdict = iota
	AwaitAny          // all slots are taken
	AwaitHost         // the host's slots are taken
	AwaitLate         // the share of late fires is used up, of the host or of all
)

// MayBegin says whether a call to a host may begin.
func MayBegin(late bool, host, all Slots) Verdict {
	switch {
	case all.Taken >= all.Most:
		return AwaitAny
	case host.Taken >= host.Most:
		return AwaitHost
	case late && !LateFree(host, all):
		return AwaitLate
	}
	return Begin
}

// LateFree reports whether the share of late fires is not used up, neither that of the
// host nor that of all.
func LateFree(host, all Slots) bool {
	return all.Late < LateSlots(all.Most) && host.Late < LateSlots(host.Most)
}
