package alert

// What a step may do, in units of about 50 us: rows that are read or written. Each part of a step ends with the item
// that has used up its units; the next step goes on. So a message waits for some 0.5 s of other work at most, however
// much there is of it.
const (
	foldWork   = 3_000 // changes of alerts
	roundWork  = 3_000 // the look at what is open
	patrolWork = 3_000 // the look for jobs that have not run
	decideWork = 5_000 // groups, and the messages about them

	workRow   = 1
	workQuery = 10
	// workJudge is to read the executions of a job: see judgedWork.
	workJudge = 30
)

// budget is the work that a part of a step may still do.
type budget int

// spend takes units. The item that is under way is done to its end all the same.
func (b *budget) spend(units int) { *b -= budget(units) }

// spent reports whether nothing more is to be begun.
func (b *budget) spent() bool { return *b <= 0 }
