package wire

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// base is the instant of the tests, Unix milliseconds.
const base = 1_767_225_600_000

func TestCursorRoundTrip(t *testing.T) {
	job := domain.NewJobID(base)
	for _, c := range []Cursor{
		{List: CursorJobs, Job: job},
		{List: CursorExecutions, At: base, Job: job},
		{List: CursorExecutions, At: math.MaxInt64, Job: job, Nonce: math.MaxInt64},
		{List: CursorAlerts, At: base, Job: job},
		{List: CursorNames, At: base, Job: job},
		{List: CursorNames, At: base, Job: job, Name: "Émile 😀 \x00\xff"},
		{List: CursorNames, Job: job, Name: strings.Repeat("n", 600)},
	} {
		text := c.String()
		if len(text) != (37+len(c.Name))*8/6+min(1, (37+len(c.Name))%3) || strings.ContainsAny(text, "+/=") {
			t.Errorf("%+v is %q", c, text)
		}
		if got, err := ParseCursor(c.List, text); err != nil || got != c {
			t.Errorf("%+v came back as %+v, %v", c, got, err)
		}
	}
}

func TestCursorRefusals(t *testing.T) {
	job := domain.NewJobID(base)
	good := Cursor{List: CursorExecutions, At: base, Job: job}.String()
	if _, err := ParseCursor(CursorJobs, good); err == nil {
		t.Error("a cursor of another list was taken")
	}
	for _, c := range []Cursor{
		{List: CursorExecutions, At: -1, Job: job},
		{List: CursorExecutions, At: base, Job: job, Nonce: -1},
		{List: CursorExecutions, At: base},
	} {
		if _, err := ParseCursor(CursorExecutions, c.String()); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
	for i := range good { // any other letter in any place
		for _, letter := range "AZaz09-_ =!" {
			text := good[:i] + string(letter) + good[i+1:]
			if _, err := ParseCursor(CursorExecutions, text); err == nil && text != good {
				t.Fatalf("%s was taken for %s", text, good)
			}
		}
	}
	for _, text := range []string{good[1:], good[:49], good + "A", good + "==", " " + good, strings.ToLower(good)} {
		if _, err := ParseCursor(CursorExecutions, text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	named := Cursor{List: CursorNames, Job: job, Name: "abc"}.String()
	for _, text := range []string{named[:len(named)-4], named + "AAAA", named[:20] + "\n" + named[20:], named[:8],
		Cursor{List: CursorNames, Job: job, Name: strings.Repeat("n", 601)}.String()} {
		if _, err := ParseCursor(CursorNames, text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	if _, err := ParseCursor(CursorJobs, Cursor{List: CursorJobs, Job: job, Name: "abc"}.String()); err == nil {
		t.Error("a cursor of another list has a name")
	}
}

// FuzzCursor reads any text as a cursor: it is refused, or it is what its
// place is written as.
func FuzzCursor(f *testing.F) {
	f.Add("")
	f.Add("x")
	f.Add("\r")
	f.Add(Cursor{List: CursorJobs, Job: domain.JobID{1}}.String())
	f.Add(Cursor{List: CursorExecutions, At: base, Job: domain.JobID{1}, Nonce: 7}.String())
	f.Add(Cursor{List: CursorAlerts, At: base, Job: domain.JobID{1}}.String())
	f.Fuzz(func(t *testing.T, text string) {
		for _, list := range []CursorList{CursorJobs, CursorExecutions, CursorAlerts, CursorChanges} {
			c, err := ParseCursor(list, text)
			if err == nil && text != "" && c.String() != strings.TrimRight(text, "\r\n") {
				t.Errorf("%q is read as %+v, which is %q", text, c, c.String())
			}
			if fault, ok := errors.AsType[*Fault](err); err != nil && (!ok || fault.Field != "cursor") {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}
