package dialect

import "strings"

// readQuartz reads forms that only Quartz has: L as a weekday, L-nW, and weekdays
// followed by a year.
func readQuartz(text string) (Reading, bool) {
	words := strings.Fields(text)
	const problem = "is Quartz's notation"
	if len(words) != 6 && len(words) != 7 {
		return Reading{}, false
	}
	day := strings.ToUpper(words[3])
	if strings.HasPrefix(day, "L-") && strings.HasSuffix(day, "W") {
		r, _ := explained(problem, "the weekday nearest to a day counted from the end of the month has no form here: "+
			"use L-3 or LW")
		r.InField = true
		return r, true
	}
	st := quartz
	if len(words) == 7 {
		st = quartzYear
	}
	if !strings.Contains(strings.ToUpper(words[5]), "L") {
		return Reading{}, false
	}
	r, err := st.offer(problem, words)
	r.InField = true
	return r, err == nil
}
