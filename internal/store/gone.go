package store

// GoneError says that a file of the database is not where it was opened:
// removed, moved away, replaced by another one, cut off. What was acknowledged
// may be out of reach of the next start, so nothing more is acknowledged until
// the file is back, and nobody sends until a beat has succeeded again.
//
// A store finds that out by itself: at each beat for all its files, and for
// what a commit has written before the commit is acknowledged. A store that
// has no files never returns it.
type GoneError struct {
	Path    string // what is gone
	Problem string // what is the matter with it: "is gone"
	Advice  string // what to do, for the operator
}

// Error implements error.
func (e *GoneError) Error() string { return e.Path + " " + e.Problem + ": " + e.Advice }
