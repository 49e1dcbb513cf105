package dialect

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

var bounds = map[byte][2]int{'s': {0, 59}, 'm': {0, 59}, 'h': {0, 23}, 'D': {1, 31}, 'M': {1, 12}, 'W': {0, 6},
	'Y': {1970, 2199}}

var weekdayNames = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}

func itoa(n int) string { return strconv.Itoa(n) }

var errForm = errors.New("not of this form")

// number reads digits, four at most.
func number(s string) (int, error) {
	if s == "" || len(s) > 4 || strings.Trim(s, "0123456789") != "" {
		return 0, errForm
	}
	return strconv.Atoi(s)
}

// style is a notation of fields. The letters of order are s second, m minute, h hour, D day of the month, M month,
// W day of the week, Y year.
type style struct {
	name   string
	order  string
	sunday int // the number of Sunday
	both   both
}

var monthNames = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}

// value reads a number or a name of the field, as the style counts.
func (st *style) value(field byte, s string) (int, error) {
	if field == 'W' {
		if i := slices.Index(weekdayNames, s); i >= 0 {
			return st.sunday + i, nil
		}
	}
	if field == 'M' {
		if i := slices.Index(monthNames, s); i >= 0 {
			return 1 + i, nil
		}
	}
	n, err := number(s)
	if err != nil {
		return 0, err
	}
	lo, hi := bounds[field][0], bounds[field][1]
	if field == 'W' {
		lo, hi = st.sunday, 7 // as 0-7 or as 1-7
	}
	if n < lo || n > hi {
		return 0, errForm
	}
	return n, nil
}

// item is an element of a field: a test of a value, or of a day.
type item struct {
	values []int // plain values; weekdays from 0 for Sunday
	onDay  func(day, length, weekday int) bool
	hash   *Hash
	open   bool // * or ?: leaves nothing out
}
