package host

const (
	// hostPercent is how much of all slots one host may have. A dead host keeps its
	// slots for a whole timeout: the last tenth stays free for all others.
	hostPercent = 90
	// lateShare is the part of slots that late fires may have, of a host's and of
	// all: live fires keep their time.
	lateShare = 4
	// peakPart is the part by which the peak of live calls falls each second: after 10 s
	// a quarter of it is left.
	peakPart = 8
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
	Most    int
	Taken   int
	Late    int // of those that are taken: by recovered fires
	Overdue int // and by fires that are behind those on time, see OverdueSlots
	Live    int // the most that live fires have taken at a time, of late
}

// Begin takes a slot for a call.
func (s *Slots) Begin(lane Lane) {
	s.Taken++
	switch lane {
	case Late:
		s.Late++
	case Overdue:
		s.Overdue++
	case Live:
		s.Live = max(s.Live, s.live())
	}
}

// End gives the slot of a call back.
func (s *Slots) End(lane Lane) {
	s.Taken--
	switch lane {
	case Late:
		s.Late--
	case Overdue:
		s.Overdue--
	case Live:
	}
}

func (s *Slots) live() int { return s.Taken - s.Late - s.Overdue }

// Relax lets the peak of live calls fall. Call it once a second.
func (s *Slots) Relax() { s.Live = max(s.live(), s.Live-(s.Live+peakPart-1)/peakPart) }

// Lane says what a fire is as far as slots are concerned.
type Lane uint8

// The lanes.
const (
	Live    Lane = iota // on time
	Overdue             // waited in an overload, and is behind those on time now
	Late                // recovered
)

// OverdueSlots returns how many slots the fires of both other lanes may have together
// before an overdue one has to wait: what live fires have not used of late, and a quarter
// at least. A host that live fires do not call is theirs, so that a backlog at a slow
// host does not take four times as long as the same calls on time.
func OverdueSlots(s *Slots) int { return max(LateSlots(s.Most), s.Most-s.Live) }

// OthersFit reports whether there is a slot for a call that is not live.
func (s *Slots) OthersFit() bool { return Late.hasRoom(s) || Overdue.hasRoom(s) }

// Verdict says whether a call may begin, or what it waits for.
type Verdict uint8

// The verdicts.
const (
	Begin        Verdict = iota
	AwaitAny             // all slots are taken
	AwaitHost            // the host's slots are taken
	AwaitShare           // the lane's share of the host's slots is used up
	AwaitAnyLate         // the lane's share of all slots is used up
)

// MayBeginIn says whether a call of a lane may begin.
func MayBeginIn(lane Lane, host, all *Slots) Verdict {
	switch {
	case all.Taken >= all.Most:
		return AwaitAny
	case host.Taken >= host.Most:
		return AwaitHost
	case !lane.hasRoom(host):
		return AwaitShare
	case !lane.hasRoom(all):
		return AwaitAnyLate
	}
	return Begin
}

// MayBegin is MayBeginIn for a fire that is on time, or late.
func MayBegin(late bool, host, all Slots) Verdict {
	if late {
		return MayBeginIn(Late, &host, &all)
	}
	return MayBeginIn(Live, &host, &all)
}

// hasRoom reports whether the share of the lane is not used up.
func (lane Lane) hasRoom(s *Slots) bool {
	switch lane {
	case Late:
		return s.Late < LateSlots(s.Most)
	case Overdue:
		return s.Late+s.Overdue < OverdueSlots(s)
	case Live:
	}
	return true
}
