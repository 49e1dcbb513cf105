package dialect

import "strings"

// countedFrom1 says what the numbers of weekdays became.
const countedFrom1 = "weekday numbers count from 1 for Sunday there, names leave no doubt"

// translate returns the text for Belfry: weekday numbers that count from 1 become names,
// and a second field is added if the style has none.
func (st *style) translate(words []string) (text string, renamed bool) {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = w
		if st.order[i] == 'W' && st.sunday == 1 {
			out[i] = renameWeekdays(w)
			renamed = renamed || out[i] != w
		}
	}
	if st.order[0] != 's' && len(words) > 5 {
		out = append([]string{"0"}, out...)
	}
	return strings.Join(out, " "), renamed
}

// renameWeekdays writes the numbers 1-7 of a field as names, and L alone as Saturday. What follows / and # stays.
func renameWeekdays(field string) string {
	parts := strings.Split(field, ",")
	for i, part := range parts {
		if strings.EqualFold(part, "L") {
			parts[i] = "SAT"
			continue
		}
		end := strings.IndexAny(part, "/#")
		if end < 0 {
			end = len(part)
		}
		var b strings.Builder
		for _, c := range []byte(part[:end]) {
			if c >= '1' && c <= '7' {
				b.WriteString(weekdayNames[c-'1'])
			} else {
				b.WriteByte(c)
			}
		}
		parts[i] = b.String() + part[end:]
	}
	return strings.Join(parts, ",")
}

// offer is the reading of fields in the style.
func (st *style) offer(problem string, words []string) (Reading, error) {
	rule, err := st.evaluate(words)
	if err != nil {
		return Reading{}, err
	}
	text, renamed := st.translate(words)
	r := Reading{Problem: problem, Offer: text, Rule: rule}
	switch {
	case renamed && strings.EqualFold(words[strings.IndexByte(st.order, 'W')], "L"):
		r.Why = "L alone is Saturday there, SATL would be the last Saturday"
	case renamed:
		r.Why = countedFrom1
	}
	return r, nil
}
