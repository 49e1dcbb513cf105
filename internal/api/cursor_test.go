package api

import (
	"math"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

func TestCursorRoundTrip(t *testing.T) {
	job := domain.NewJobID(base)
	for _, c := range []cursor{
		{list: cursorJobs, job: job},
		{list: cursorExecutions, at: base, job: job},
		{list: cursorExecutions, at: math.MaxInt64, job: job, nonce: math.MaxInt64},
		{list: cursorAlerts, at: base, job: job},
	} {
		text := c.String()
		if len(text) != 50 || strings.ContainsAny(text, "+/=") {
			t.Errorf("%+v is %q", c, text)
		}
		if got, err := parseCursor(c.list, text); err != nil || got != c {
			t.Errorf("%+v came back as %+v, %v", c, got, err)
		}
	}
}

func TestCursorRefusals(t *testing.T) {
	job := domain.NewJobID(base)
	good := cursor{list: cursorExecutions, at: base, job: job}.String()
	if _, err := parseCursor(cursorJobs, good); err == nil {
		t.Error("a cursor of another list was taken")
	}
	for _, c := range []cursor{
		{list: cursorExecutions, at: -1, job: job},
		{list: cursorExecutions, at: base, job: job, nonce: -1},
		{list: cursorExecutions, at: base},
	} {
		if _, err := parseCursor(cursorExecutions, c.String()); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
	for i := range good { // any other letter in any place
		for _, letter := range "AZaz09-_ =!" {
			text := good[:i] + string(letter) + good[i+1:]
			if _, err := parseCursor(cursorExecutions, text); err == nil && text != good {
				t.Fatalf("%s was taken for %s", text, good)
			}
		}
	}
	for _, text := range []string{good[1:], good[:49], good + "A", good + "==", " " + good, strings.ToLower(good)} {
		if _, err := parseCursor(cursorExecutions, text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
