//go:build failpoint

package failpoint

import (
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]plan{
		"a.b=kill@3":        {name: "a.b", at: 3},
		"a=stall:250ms@100": {name: "a", stall: 250 * time.Millisecond, at: 100},
		"":                  {}, "a": {}, "a=kill": {}, "=kill@1": {}, "a=kill@0": {}, "a=kill@x": {}, "a=stall@1": {},
		"a=stall:0s@1": {},
	} {
		got, err := parse(text)
		if wrong := want == (plan{}); wrong != (err != nil) || !wrong && got != want {
			t.Errorf("parse(%q) = %+v, %v", text, got, err)
		}
	}
}
