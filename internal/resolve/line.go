package resolve

import "container/list"

// class is why a name is looked up.
type class int

const (
	demanded class = iota // a call waits for it
	ahead                 // it may be needed soon
	suspect               // the last lookup failed or was slow, whoever waits
	classes
)

// line is where lookups wait for the budget. Each class is served in the order in which
// its lookups came, and the classes take turns: calls that wait have at least a third of
// the turns, however many names are to be refreshed, and so have refreshes. Suspects have
// a part of the budget besides (maxSuspects), because they occupy it for longer.
type line struct {
	waiting  [classes]list.List // of *lookup
	underWay int
	suspects int   // of underWay
	last     class // had the last turn
}

// add puts a lookup at the end of its class.
func (q *line) add(l *lookup, c class) {
	l.class = c
	l.place = q.waiting[c].PushBack(l)
}

// promote moves a lookup that a call waits for now. One that is under way, or is a
// suspect, stays.
func (q *line) promote(l *lookup) {
	if l.place != nil && l.class == ahead {
		q.waiting[ahead].Remove(l.place)
		q.add(l, demanded)
	}
}

// next takes the lookup whose turn it is; nil: nobody waits, or the budget is used up.
func (q *line) next() *lookup {
	if q.underWay >= maxUnderWay {
		return nil
	}
	for i := range classes {
		c := (q.last + 1 + i) % classes
		front := q.waiting[c].Front()
		if front == nil || c == suspect && q.suspects >= maxSuspects {
			continue
		}
		l := q.waiting[c].Remove(front).(*lookup)
		l.place = nil
		q.last = c
		q.underWay++
		if c == suspect {
			q.suspects++
		}
		return l
	}
	return nil
}

// leave gives the lookup's part of the budget back.
func (q *line) leave(l *lookup) {
	q.underWay--
	if l.class == suspect {
		q.suspects--
	}
}

// length returns how many lookups wait.
func (q *line) length() int {
	n := 0
	for i := range q.waiting {
		n += q.waiting[i].Len()
	}
	return n
}
