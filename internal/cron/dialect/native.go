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

// within counts the texts that contain a text: quotes, a zone before it, the lines of a
// file.
type within struct {
	texts int
	read  func(w within, text string) (Reading, bool) // any foreign text
}

// nativeOrForeign reads a text inside of another one, in Belfry's notation or in a
// foreign one.
func (w within) nativeOrForeign(text string) (Reading, bool) {
	if r, ok := native(text); ok {
		return r, true
	}
	return w.read(within{w.texts + 1, w.read}, text)
}

// named are the schedules with a name, those that Belfry has too.
var named = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
	"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}
