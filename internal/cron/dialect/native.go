package dialect

import "strings"

// native reads a text in Belfry's own notation, for texts with something foreign around them.
func native(text string) (Reading, bool) {
	words := strings.Fields(text)
	if len(words) == 1 {
		if fields := named[strings.ToLower(words[0])]; fields != "" {
			words = strings.Fields(fields)
		}
	}
	st, ok := map[int]style{5: five, 6: six, 7: seven}[len(words)]
	if !ok {
		return Reading{}, false
	}
	rule, err := st.evaluate(words)
	return Reading{Offer: text, Rule: rule}, err == nil
}

// nativeOrForeign reads a text that stands in another one, in Belfry's notation or in a foreign one.
func (w within) nativeOrForeign(text string) (Reading, bool) {
	if r, ok := native(text); ok {
		return r, true
	}
	return (w + 1).read(text)
}
