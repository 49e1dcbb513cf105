package sqlite

import (
	"errors"

	"zombiezen.com/go/sqlite"
)

// A history file that is damaged keeps the rest from nothing. At the start a
// damaged day before the watermark is set aside: its file is left as it is and
// not opened, lists leave it out, what asks for the whole of it gets an error, and
// the store warns. A day at or after the watermark, or one that an open run is of,
// is needed to know what was sent: the start is refused, as with a damaged jobs.db.

// errNotDatabase says that something else has the name of a history file.
var errNotDatabase = errors.New("it is not a file")

// damagedDay is an error of reading a day whose file is damaged.
type damagedDay struct {
	day day
	err error
}

func (e *damagedDay) Error() string { return e.err.Error() }
func (e *damagedDay) Unwrap() error { return e.err }

// isDamage reports whether the content of a file is at fault, not the access to it.
func isDamage(err error) bool {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultCorrupt, sqlite.ResultNotADB:
		return true
	}
	return errors.Is(err, errNotDatabase) || errors.Is(err, errForeign)
}

// ofDay marks an error of damage with the day.
func ofDay(d day, err error) error {
	if err != nil && isDamage(err) {
		return &damagedDay{d, err}
	}
	return err
}
