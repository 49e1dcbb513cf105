package wire

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// FuzzItems reads any file as an import. It ends, no item is longer than
// allowed, those of an array are JSON, and a file that encoding/json reads as an
// array has as many.
func FuzzItems(f *testing.F) {
	for _, text := range []string{
		"{}\n{}", "[{},{}]", "\ufeff[1]", "[1] 2", "[1", "\n\n{", "[[],{\"a\":[1,2]}]", "[\"\\ud800\"]",
		"{}\r\n\x00\r\n", "[" + strings.Repeat("[", 50) + "]",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		items, err := NewItems(strings.NewReader(text), testItem)
		n := 0
		for err == nil {
			var item Item
			if item, err = items.Next(); err != nil || item.Long {
				if err == nil {
					n++
				}
				continue
			}
			n++
			if len(item.Text) == 0 || len(item.Text) > testItem+3 || !item.Place.Array &&
				bytes.Contains(item.Text, []byte("\n")) {
				t.Errorf("%v: item %q", item.Place, item.Text)
			}
			if item.Place.Array && !json.Valid(item.Text) {
				t.Errorf("%v: %q is no JSON", item.Place, item.Text)
			}
			if n > len(text) {
				t.Fatal("there are more items than bytes")
			}
		}
		var array []json.RawMessage
		if len(text) < testItem && json.Unmarshal([]byte(text), &array) == nil && array != nil && n != len(array) {
			t.Errorf("%q: %d items, want %d (%v)", text, n, len(array), err)
		}
	})
}
