package cron

import (
	"strconv"
	"strings"
)

// word is a piece of the text with its 1-based column.
type word struct {
	text string
	col  int
}

// parseFields reads five, six or seven fields. The text is printable ASCII.
func parseFields(text string) (*syntax, error) {
	words := splitWords(text)
	if err := checkCount(text, words); err != nil {
		return nil, err
	}
	var syn syntax
	at := fieldSecond
	if len(words) == 5 {
		syn[fieldSecond] = []item{{form: formRange}}
		at = fieldMinute
	}
	if len(words) < 7 {
		syn[fieldYear] = []item{{form: formStar, lo: specs[fieldYear].min, hi: specs[fieldYear].max}}
	}
	for _, w := range words {
		items, err := parseList(&specs[at], w)
		if err != nil {
			return nil, err
		}
		syn[at] = items
		at++
	}
	return &syn, nil
}

// splitWords cuts at blanks and keeps the columns.
func splitWords(text string) []word {
	var words []word
	start := -1
	for i := 0; i <= len(text); i++ {
		blank := i == len(text) || text[i] == ' ' || text[i] == '\t'
		if blank && start >= 0 {
			words = append(words, word{text[start:i], start + 1})
			start = -1
		} else if !blank && start < 0 {
			start = i
		}
	}
	return words
}

// checkCount refuses any number of fields but 5, 6 and 7.
func checkCount(text string, words []word) error {
	const fields = "use second minute hour day-of-month month day-of-week [year], or five fields from minute on"
	switch n := len(words); {
	case n == 0:
		return fail("schedule", 1, "", fields+", or @daily, @every 5m, @at 2026-01-02T15:04:05Z", "is empty")
	case n < 5:
		return fail("schedule", len(text)+1, "", fields, "has %s", plural(n, "field"))
	case n > 7:
		return fail("schedule", words[7].col, words[7].text, fields, "has %d fields", n)
	}
	return nil
}

// parseList reads one field: items separated by commas.
func parseList(sp *spec, w word) ([]item, error) {
	var items []item
	col := w.col
	for part := range strings.SplitSeq(w.text, ",") {
		if part == "" {
			return nil, fail(sp.name, col, w.text, sp.example, "has an empty item in its list")
		}
		it, err := parseItem(sp, word{strings.ToUpper(part), col})
		if err != nil {
			return nil, err
		}
		if part == "?" && w.text != "?" {
			return nil, fail(sp.name, col, part, "use ? alone, or *", "cannot be part of a list")
		}
		items = append(items, it)
		col += len(part) + 1
	}
	return items, nil
}

// parseItem reads one element with its step, if it has one.
func parseItem(sp *spec, w word) (item, error) {
	body, step, stepped := strings.Cut(w.text, "/")
	it, err := parseBody(sp, word{body, w.col})
	if err != nil || !stepped {
		return it, err
	}
	at := word{step, w.col + len(body) + 1}
	if it.form > formHash || body == "?" {
		return it, fail(sp.name, w.col, w.text, "steps go with *, a value, a range or H", "cannot have a step")
	}
	if it.step, err = parseStep(sp, it, at); err != nil {
		return it, err
	}
	if it.form == formRange && !strings.Contains(body, "-") {
		it.lo, it.hi = it.lo%sp.wrap(), sp.last() // 5/15: from 5 on
	}
	return it, nil
}

// wrap is what values are taken modulo before they are compared: only Sunday has two numbers.
func (sp *spec) wrap() int {
	if sp.id == fieldDOW {
		return 7
	}
	return sp.max + 1
}

// maxStep is far beyond every field, and small enough for value + step on any machine.
const maxStep = 999_999_999

// parseStep reads what follows the slash. As in a crontab, a step may go past the end of
// its range; then only the first value remains, and there is a warning. H is the
// exception: its start is chosen from as many values as the step is long, so its step
// must fit.
func parseStep(sp *spec, it item, at word) (int, error) {
	most, hint := maxStep, "use a step of 1 or more, such as "+exampleStep(sp)
	if it.form == formHash {
		most = it.hi - it.lo + 1
		hint = "use a step from 1 to " + itoa(most)
	}
	n, err := strconv.Atoi(at.text)
	if err != nil || !isNumber(at.text) || n < 1 || n > most {
		return 0, fail(sp.name, at.col, at.text, hint, "is not a usable step")
	}
	return n, nil
}

// exampleStep is a step that divides the field evenly where one does.
func exampleStep(sp *spec) string {
	if sp.id <= fieldMinute {
		return "*/5"
	}
	return "*/2"
}

// parseBody reads an element without its step.
func parseBody(sp *spec, w word) (item, error) {
	switch {
	case w.text == "*":
		return item{form: formStar, lo: sp.min, hi: sp.last()}, nil
	case w.text == "?":
		if !sp.isDay() {
			return item{}, fail(sp.name, w.col, w.text, "use *", "? stands only in the day fields")
		}
		return item{form: formStar, lo: sp.min, hi: sp.last()}, nil
	case w.text == "H" || strings.HasPrefix(w.text, "H("):
		return parseHash(sp, w)
	case sp.id == fieldDOM:
		if it, ok, err := parseDayForm(sp, w); ok || err != nil {
			return it, err
		}
	case sp.id == fieldDOW:
		if it, ok, err := parseWeekdayForm(sp, w); ok || err != nil {
			return it, err
		}
	}
	return parseRange(sp, w)
}

// parseRange reads a value or a range. A range whose end is before its start wraps
// around, except in the year field.
func parseRange(sp *spec, w word) (item, error) {
	from, to, isRange := strings.Cut(w.text, "-")
	lo, err := parseValue(sp, word{from, w.col})
	if err != nil {
		return item{}, err
	}
	if !isRange {
		return item{lo: lo % sp.wrap(), hi: lo % sp.wrap()}, nil
	}
	hi, err := parseValue(sp, word{to, w.col + len(from) + 1})
	if err != nil {
		return item{}, err
	}
	if lo > hi && sp.id == fieldYear {
		return item{}, fail(sp.name, w.col, w.text, "write the earlier year first", "ends before it begins")
	}
	if sp.id == fieldDOW && (hi < 7 || lo == 7) {
		lo, hi = lo%7, hi%7 // 7 keeps its place only as the end of a range: 5-7 is Friday to Sunday
	}
	return item{lo: lo, hi: hi}, nil
}

// parseHash reads H and H(a-b).
func parseHash(sp *spec, w word) (item, error) {
	if sp.hashMax < 0 {
		return item{}, fail(sp.name, w.col, w.text, sp.example, "has no H")
	}
	it := item{form: formHash, lo: sp.min, hi: sp.hashMax}
	if w.text == "H" {
		return it, nil
	}
	inner, closed := strings.CutSuffix(w.text[2:], ")")
	from, to, isRange := strings.Cut(inner, "-")
	if !closed || !isRange {
		return it, fail(sp.name, w.col, w.text, "use H, H(0-29), H/10 or H(0-29)/10", "is not a form of H")
	}
	var err error
	if it.lo, err = parseValue(sp, word{from, w.col + 2}); err != nil {
		return it, err
	}
	if it.hi, err = parseValue(sp, word{to, w.col + 3 + len(from)}); err != nil {
		return it, err
	}
	if it.lo > it.hi || it.hi > sp.hashMax {
		hint := "use a range within " + itoa(sp.min) + "-" + itoa(sp.hashMax) + ", smaller value first"
		return it, fail(sp.name, w.col, w.text, hint, "is not a range that H can choose from")
	}
	return it, nil
}
