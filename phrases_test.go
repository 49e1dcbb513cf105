package belfry_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// phrases are expressions that documents and comments do not use: each is not English,
// personifies code, or has a standard term. The list has only what has no correct use
// here, so that a match is always a mistake.
var phrases = []struct {
	pattern string // a regular expression over lower-case text with single blanks
	instead string // what to write
}{
	{`for ever`, "forever, permanently"},
	{`by turns`, "alternately, interleaved"},
	{`told (once|at once|all at once)`, "logged once, reported at once"},
	{`told apart`, "distinguished"},
	{`looks? whether`, "checks whether"},
	{`in silence`, "silently"},
	{`without end`, "without limit, endlessly"},
	{`trail of changes`, "audit trail"},
	{`(stands?|standing) (beside|behind)`, "is beside, is behind"},
	{`in so many words`, "explicitly"},
	{`is there no`, "there is no"},
	{`is no fault`, "is not an error"},
	{`(made|opened|given) anew`, "created, reopened, given again"},
	{`(goes|go) on by itself`, "continues by itself"},
	{`(has|have|had) told`, "has reported"},
}

var phrasePatterns = func() []*regexp.Regexp {
	all := make([]*regexp.Regexp, len(phrases))
	for i, p := range phrases {
		all[i] = regexp.MustCompile(`\b(` + p.pattern + `)\b`)
	}
	return all
}()

// refusedPhrases returns the phrases of a text that are on the list, each with what to
// write instead.
func refusedPhrases(text string) (found []string) {
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	for i, p := range phrasePatterns {
		if m := p.FindString(text); m != "" {
			found = append(found, m+": write "+phrases[i].instead)
		}
	}
	return found
}

// checkPhrases refuses comments with phrases that are on the list.
func checkPhrases(s *source) (faults []string) {
	for _, group := range s.file.Comments {
		for _, phrase := range refusedPhrases(group.Text()) {
			faults = append(faults, s.at(group)+": "+phrase)
		}
	}
	return faults
}

// TestPhrasesOfDocuments: no page of the documents has a phrase that is on the list.
func TestPhrasesOfDocuments(t *testing.T) {
	pages := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".md" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		pages++
		for _, phrase := range refusedPhrases(string(text)) {
			t.Errorf("%s: %s", path, phrase)
		}
		return nil
	})
	if err != nil || pages < 20 {
		t.Fatalf("%d pages were read, error %v", pages, err)
	}
}

// TestPhrases finds planted phrases, also over the end of a line, and no others.
func TestPhrases(t *testing.T) {
	for text, want := range map[string]string{
		"It is kept for\n ever.":      "for ever: write forever, permanently",
		"It Looks Whether it is open": "looks whether: write checks whether",
		"It waits forever.":           "",
		"Each is told apart.":         "told apart: write distinguished",
		"for every job":               "",
	} {
		if got := strings.Join(refusedPhrases(text), "; "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
