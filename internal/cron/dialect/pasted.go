package dialect

import "strings"

// pasted are characters that word processors, web pages and shells leave in a text, and what they mean.
var pasted = strings.NewReplacer(
	"\u00a0", " ", "\u2002", " ", "\u2003", " ", "\u2009", " ", "\u202f", " ", "\u3000", " ", "\u200b",
	"", "\ufeff", "",
	"\u2010", "-", "\u2011", "-", "\u2012", "-", "\u2013", "-", "\u2014", "-", "\u2212", "-",
	"\u2217", "*", "\uff0a", "*", "\u2731", "*", "\uff0f", "/", "\u2044", "/", "\u2215", "/", "\uff0c",
	",", "\uff1f", "?",
	"\\*", "*", "\t", " ",
)

// readPasted reads a text that is right except for what was copied with it: quotes, line
// ends, and other kinds of blanks and dashes.
func (w within) readPasted(text string) (Reading, bool) {
	clean := strings.Trim(pasted.Replace(text), " \r\n")
	clean = strings.TrimPrefix(clean, "OnCalendar=")
	for _, quotes := range []string{`""`, `''`, "``", "“”", "‘’", "„“", "«»"} {
		marks := []rune(quotes)
		if inner, ok := strings.CutPrefix(clean, string(marks[0])); ok {
			if inner, ok = strings.CutSuffix(inner, string(marks[1])); ok {
				clean = strings.TrimSpace(inner)
			}
		}
	}
	if clean == strings.Trim(text, " \t") || clean == "" {
		return Reading{}, false
	}
	r, ok := w.nativeOrForeign(clean)
	if ok && r.Problem == "" {
		r.InField = true // the place of the first such character is known
		r.Why = "quotes, line ends and typographic signs are not part of a schedule"
	}
	return r, ok
}
