package domain

// Health is a server's view of whether it does its work.
type Health struct {
	Ready  bool // all checks are OK and what is on record has been read
	Checks []Check
}

// Check is one reason for which a server may be unhealthy.
type Check struct {
	Name    string // "store", "timetable", ...
	OK      bool
	Detail  string // the reason when it is not OK, for people
	Warning string // what somebody should look at although it is OK; empty: nothing
}
