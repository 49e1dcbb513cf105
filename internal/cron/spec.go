package cron

// fieldID numbers the fields in the order of the seven-field text. The numbers are an
// input of H's hash, so they must not change.
type fieldID uint8

const (
	fieldSecond fieldID = iota
	fieldMinute
	fieldHour
	fieldDOM
	fieldMonth
	fieldDOW
	fieldYear
	fieldCount
)

// spec is what a field takes.
type spec struct {
	id       fieldID
	name     string
	min, max int
	names    []string // of the values min, min+1, ..
	hashMax  int      // the end of H's range; -1: no H
	example  string
}

// The year is kept to the supported range. H stops at day 28, so that a hashed day exists in every month.
var specs = [fieldCount]spec{
	{id: fieldSecond, name: "second", max: 59, hashMax: 59, example: "use 0-59, *, */10, 0,30 or H"},
	{id: fieldMinute, name: "minute", max: 59, hashMax: 59, example: "use 0-59, *, */5, 0,30 or H"},
	{id: fieldHour, name: "hour", max: 23, hashMax: 23, example: "use 0-23, *, */2, 9-17 or H"},
	{id: fieldDOM, name: "day-of-month", min: 1, max: 31, hashMax: 28, example: "use 1-31, *, ?, L, L-3, LW, 15W or H"},
	{id: fieldMonth, name: "month", min: 1, max: 12, hashMax: 12, example: "use 1-12, JAN-DEC, * or H",
		names: []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}},
	{id: fieldDOW, name: "day-of-week", max: 7, hashMax: 6,
		example: "use 0-7 (0 and 7 are Sunday), SUN-SAT, *, ?, FRI#2, FRIL or H",
		names:   []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}},
	{id: fieldYear, name: "year", min: 1970, max: 2199, hashMax: -1, example: "use 1970-2199, * or 2026-2030"},
}

// size is the number of different values: a wrapped range goes round after that many.
func (sp *spec) size() int {
	if sp.id == fieldDOW {
		return 7
	}
	return sp.max - sp.min + 1
}

// last is the end of "*" and of "5/15". It is Saturday for the day of the week, where 7 is only another name for 0.
func (sp *spec) last() int { return sp.min + sp.size() - 1 }

func (sp *spec) isDay() bool { return sp.id == fieldDOM || sp.id == fieldDOW }

// form is the kind of an item of a list.
type form uint8

const (
	formRange       form = iota // lo-hi, one value being lo-lo
	formStar                    // * or ?
	formHash                    // H, H(lo-hi)
	formFromEnd                 // L, L-lo
	formLastWeekday             // LW
	formNearest                 // loW
	formNth                     // lo#hi
	formLast                    // loL
)

// item is one element of a field's list. step is 0 when there is none.
type item struct {
	form         form
	lo, hi, step int
}

// syntax is a parsed text of fields, before it is compiled.
type syntax [fieldCount][]item

// restricted reports whether a field leaves anything out by its form: any item but a bare * (or */1, or ?).
func restricted(items []item) bool {
	for _, it := range items {
		if it.form == formStar && it.step <= 1 {
			return false
		}
	}
	return true
}

// follows reports whether a field makes a schedule interval-like: it holds a wildcard or a step.
func follows(items []item) bool {
	for _, it := range items {
		if it.form == formStar || it.step > 0 {
			return true
		}
	}
	return false
}
