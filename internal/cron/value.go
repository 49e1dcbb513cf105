package cron

import (
	"slices"
	"strconv"
	"strings"
)

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// parseNumber reads an unsigned decimal number within bounds. Four digits are enough for every field.
func parseNumber(sp *spec, w word, low, high int, what, hint string) (int, error) {
	if !isNumber(w.text) {
		return 0, fail(sp.name, w.col, w.text, hint, "is not a %s", what)
	}
	n, err := strconv.Atoi(w.text)
	if err != nil || len(w.text) > 4 || n < low || n > high {
		return 0, fail(sp.name, w.col, w.text, hint, "is out of range").as(OutOfRange)
	}
	return n, nil
}

// parseValue reads a number or a name of a field. The text is in upper case.
func parseValue(sp *spec, w word) (int, error) {
	if i := slices.Index(sp.names, w.text); i >= 0 {
		return sp.min + i, nil
	}
	if w.text == "" {
		return 0, fail(sp.name, w.col, w.text, sp.example, "a value is missing here")
	}
	if len(w.text) > 3 {
		if i := slices.Index(sp.names, w.text[:3]); i >= 0 {
			return 0, fail(sp.name, w.col, w.text, "use "+w.text[:3], "names have three letters")
		}
	}
	return parseNumber(sp, w, sp.min, sp.max, "value", sp.example)
}

// parseDayForm reads L, L-n, LW and nW; ok is false when the text is none of them.
func parseDayForm(sp *spec, w word) (it item, ok bool, err error) {
	if w.text == "L" {
		return item{form: formFromEnd}, true, nil
	}
	if w.text == "LW" {
		return item{form: formLastWeekday}, true, nil
	}
	if w.text == "WL" {
		return item{}, false, fail(sp.name, w.col, w.text, "use LW", "is not a day")
	}
	if days, found := strings.CutPrefix(w.text, "L-"); found {
		n, err := parseNumber(sp, word{days, w.col + 2}, 1, 30, "number of days before the last",
			"use L-1 to L-30, or LW for the last weekday")
		return item{form: formFromEnd, lo: n}, true, err
	}
	if day, found := strings.CutSuffix(w.text, "W"); found {
		n, err := parseNumber(sp, word{day, w.col}, 1, 31, "day",
			"use one day before W, such as 15W, or LW for the last weekday of the month")
		return item{form: formNearest, lo: n}, true, err
	}
	return item{}, false, nil
}

// parseWeekdayForm reads n#k and nL; ok is false when the text is neither.
func parseWeekdayForm(sp *spec, w word) (it item, ok bool, err error) {
	if day, nth, found := strings.Cut(w.text, "#"); found {
		d, err := parseValue(sp, word{day, w.col})
		if err != nil {
			return item{}, false, err
		}
		k, err := parseNumber(sp, word{nth, w.col + len(day) + 1}, 1, 5, "number from 1 to 5",
			"use #1 to #5, such as FRI#2, or FRIL for the last one")
		return item{form: formNth, lo: d % 7, hi: k}, true, err
	}
	if w.text == "L" {
		return item{}, false, fail(sp.name, w.col, w.text,
			"use 6 or SAT for Saturday (what Quartz means), SATL for the last Saturday", "L needs a weekday before it")
	}
	if day, found := strings.CutSuffix(w.text, "L"); found {
		if strings.Contains(day, "-") {
			return item{}, false, fail(sp.name, w.col, w.text, "L goes with one weekday, such as FRIL",
				"is not a weekday")
		}
		d, err := parseValue(sp, word{day, w.col})
		return item{form: formLast, lo: d % 7}, true, err
	}
	return item{}, false, nil
}
