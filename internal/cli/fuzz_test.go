package cli

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// FuzzItems reads any file as an import. It ends, no item is longer than
// allowed, those of an array are JSON, and a file that encoding/json reads as an
// array has as many.
func FuzzItems(f *testing.F) {
	for _, text := range []string{
		"{}\n{}", "[{},{}]", "\ufeff[1]", "[1] 2", "[1", "\n\n{", "[[],{\"a\":[1,2]}]", "[\"\\ud800\"]", "{}\r\n\x00\r\n", "[" + strings.Repeat("[", 50) + "]",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		items, err := newItemReader(strings.NewReader(text), testItem)
		n := 0
		for err == nil {
			var item []byte
			var at place
			if item, at, err = items.next(); err != nil {
				if errors.Is(err, errItemSize) && at.unit == unitLine {
					err = nil // about that line only
				}
				continue
			}
			n++
			if len(item) == 0 || strings.ContainsAny(string(item), "\n") {
				t.Errorf("%v: item %q", at, item)
			}
			if at.unit == unitIndex && !json.Valid(item) {
				t.Errorf("%v: %q is no JSON", at, item)
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
