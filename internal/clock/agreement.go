package clock

import "time"

const (
	agreeWithin  = 250 * time.Millisecond // further apart, the wall clock is corrected
	agreeAgain   = 150 * time.Millisecond // nearer, it is trusted again
	offBeyond    = 2500 * time.Millisecond
	offUntil     = 2 * time.Second
	storeStepped = 10 * time.Second
)

// Agreement says how the wall clock of this node and the clock of the database stand to
// each other, and on which of them fires are planned.
type Agreement int

const (
	// Agreeing means that both show the same within 250 ms. Fires are planned on the wall clock.
	Agreeing Agreement = iota
	// Corrected means that they are up to 2.5 s apart. Fires are planned on the database's clock.
	Corrected
	// StoreStepped means that the database's clock has made a step of more than 10 s and the
	// wall clock has not, as after a failover to a standby whose clock is wrong. Fires are
	// planned on the wall clock until both agree again.
	StoreStepped
	// Off means that they are more than 2.5 s apart. This node must not own shards.
	Off
)

// String returns the name of the agreement as the API has it.
func (s Agreement) String() string {
	return [...]string{"agreeing", "corrected", "store-stepped", "off"}[s]
}

// nextAgreement decides by how far the wall clock is ahead of the database's, and by whether
// it was the database's clock that has just made a step. Nearer bounds lead back than lead
// away, so that a clock at a bound does not change the agreement with each sample.
func nextAgreement(now Agreement, ahead time.Duration, stepped bool) Agreement {
	apart := ahead.Abs()
	within, beyond := agreeAgain, offBeyond
	if now == Agreeing {
		within = agreeWithin
	}
	if now == Off {
		beyond = offUntil
	}
	switch {
	case apart <= within:
		return Agreeing
	case now == StoreStepped, stepped:
		return StoreStepped
	case apart > beyond:
		return Off
	}
	return Corrected
}

// certainly returns how far two clocks are apart at least, by an estimate that may be wrong by so
// much: a slow answer is no reason to move a clock that may be right.
func certainly(apart, within time.Duration) time.Duration {
	return apart - min(max(apart, -within), within)
}

// sample is what is known of the other clock from one request.
type sample struct {
	offset int64         // the other clock at base, Unix nanoseconds
	within time.Duration // of it
}

// tells reports whether the answer was quick enough to tell whether the clocks agree.
func (s sample) tells() bool { return s.within <= agreeWithin }

// aimOf decides which instant the agreed clock is to show. The wall clock shows an instant, the
// agreed one shows another, and the other clock is somewhere in what the best sample says, and at the
// earliest instant or after it. told reports whether there was a sample before that told more.
func aimOf(agreement Agreement, told bool, wall, shown, earliest int64, other sample) int64 {
	nearest := func(to int64) int64 { return to - int64(certainly(time.Duration(to-other.offset), other.within)) }
	switch {
	case agreement == StoreStepped && told && time.Duration(wall-shown).Abs() > agreeWithin:
		return shown // now the wall clock has made a step, too: neither is known to be right
	case agreement == StoreStepped:
		return wall
	case other.tells() && agreement == Agreeing:
		return min(wall, earliest+int64(agreeWithin))
	case other.tells():
		return min(nearest(wall), earliest+int64(agreeWithin))
	case told: // what it shows was right, and may still be
		return nearest(shown)
	}
	return min(wall, earliest)
}
