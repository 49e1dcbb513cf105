package api

import (
	"testing"
)

// TestIfNoneMatch: a change goes on only if the job is at none of the versions.
func TestIfNoneMatch(t *testing.T) {
	h := newAPI(t, newFixture(t))
	for _, tc := range []struct {
		lines  []string
		status int
	}{
		{[]string{"If-None-Match: *"}, 412},
		{[]string{`If-None-Match: "1"`}, 412},
		{[]string{`If-None-Match: W/"1"`}, 412},
		{[]string{`If-None-Match: "2", W/"1"`}, 412},
		{[]string{`If-None-Match: "2", "3"`}, 200},
		{[]string{`If-None-Match: `}, 400},
		{[]string{`If-Match: "1"`, `If-None-Match: "2"`}, 200},
		{[]string{`If-Match: "1"`, `If-None-Match: "1"`}, 412},
		{[]string{`If-Match: "2"`, `If-None-Match: "2"`}, 412},
	} {
		path := "/jobs/" + create(t, h, minimal)
		if res := call(t, h, "PUT", path, `{"name":"x"}`, tc.lines...); res.StatusCode != tc.status {
			t.Errorf("%q: %d, want %d: %s", tc.lines, res.StatusCode, tc.status, res.text)
		}
	}
	// RFC 9110, section 13.2.1
	for _, line := range []string{`If-Match: "1"`, `If-Match: "1", "2"`, `If-Match: *`, `If-None-Match: "1"`} {
		call(t, h, "PUT", "/jobs/0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b", `{}`, line).problem(t, 404)
	}
}

// TestLinesOfTags: lines are one list, and a header that is there is never taken
// for one that is not.
func TestLinesOfTags(t *testing.T) {
	for _, row := range []struct {
		lines   []string
		right   bool
		version int // the only one
		weak    string
		strong  string // of the versions 1 to 3
	}{
		{nil, true, 0, "", ""},
		{[]string{`"1"`}, true, 1, "1", "1"},
		{[]string{`"1"`, `"3"`}, true, 0, "13", "13"},
		{[]string{`W/"1"`, `2`}, true, 0, "12", "2"},
		{[]string{`W/"1"`}, true, 0, "1", ""},
		{[]string{` * `}, true, 0, "123", "123"},
		{[]string{`*`, `"1"`}, false, 0, "", ""},
		{[]string{``}, false, 0, "", ""},
		{[]string{`"1`, `2"`}, true, 0, "", ""}, // as RFC 9110, section 5.3 joins them: one tag
		{[]string{"\"\u00e4\"\t,\t3"}, true, 0, "3", "3"},
		{[]string{`"1 "`}, false, 0, "", ""},
	} {
		got, err := parseTags("If-Match", row.lines)
		if (err == nil) != row.right {
			t.Errorf("%q: %v", row.lines, err)
			continue
		}
		if err != nil {
			continue
		}
		weak, strong := "", ""
		for i, name := range []string{"1", "2", "3"} {
			if got.names(i+1, true) {
				weak += name
			}
			if got.names(i+1, false) {
				strong += name
			}
		}
		if got.there != (row.lines != nil) || got.single() != row.version || weak != row.weak || strong != row.strong {
			t.Errorf("%q: %+v, only %d, weakly %q, strongly %q", row.lines, got, got.single(), weak, strong)
		}
	}
}
