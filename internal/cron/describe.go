package cron

import (
	"strings"
)

// Describe says in plain English when a job fires; H is resolved for the job's seed. It ends with a full stop.
func (s *Schedule) Describe(b Binding) string {
	switch s.kind {
	case kindEvery:
		return "Every " + periodPhrase(int64(s.period)) + ", counted from " + stamp(b.Anchor) + " UTC."
	case kindAt:
		return "Once, at " + strings.TrimSpace(strings.Trim(s.text, " \t")[len("@at"):]) + " (" + stamp(s.at) + " UTC)."
	}
	syn := syntaxOf(s.text)
	syn.resolve(b.Seed)
	text := timePhrase(syn)
	if days := dayPhrase(syn); days != "" {
		text += " " + days
	} else if strings.HasPrefix(text, "At ") && !s.clock.interval || timesOfDay(syn) != "" {
		text += " every day" + inMonths(syn)
	} else {
		text += inMonths(syn)
	}
	if restricted(syn[fieldYear]) {
		text += ", in " + listPhrase(syn[fieldYear], "year", itoa)
	}
	return text + ", " + s.clock.zone.name + " time."
}

// resolve puts the values of the seed in the place of H.
func (syn *syntax) resolve(seed uint64) {
	for id, items := range syn {
		for i, it := range items {
			items[i] = it.spoken(fieldID(id), seed)
		}
	}
}

// syntaxOf parses the text of a schedule again, which is cheaper than keeping the tree for a million schedules.
func syntaxOf(text string) *syntax {
	text = strings.Trim(text, " \t")
	if fields := macros[strings.ToLower(text)]; fields != "" {
		text = fields
	}
	syn, err := parseFields(text)
	if err != nil {
		panic("cron: a compiled schedule does not parse: " + err.Error())
	}
	return syn
}
