package domain

// Health is a server's report on whether it works.
type Health struct {
	Ready  bool // all checks are OK and the record has been read
	Checks []Check
}

// Check is one reason for which a server may be unhealthy.
type Check struct {
	Name    string // "store", "timetable", ...
	OK      bool
	Detail  string // the reason when it is not OK, for people
	Warning string // what an operator should look at although the check is OK; empty: nothing
}
