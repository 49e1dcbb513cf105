package belfry_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What the Makefile names is there: make race leaves these tests out, and make plain or
// make measured runs them by their names. A test that was renamed would run in neither.
func TestMakefileNamesTests(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	there := testsOfTheModule(t)
	lists := regexp.MustCompile(`(?m)^(?:[A-Z]+_TESTS|MEASURED) +:= (.+)$`).FindAllSubmatch(makefile, -1)
	if len(lists) < 10 {
		t.Errorf("%d lists of tests", len(lists))
	}
	for _, list := range lists {
		for _, name := range regexp.MustCompile(`\b(?:Test|Fuzz)\w+`).FindAllString(string(list[1]), -1) {
			exact := strings.Contains(string(list[1]), "$$")
			if !strings.Contains(there, "\n"+name) || exact && !strings.Contains(there, "\n"+name+"\n") {
				t.Errorf("there is no test %s", name)
			}
		}
	}
}

// testsOfTheModule returns the names of all tests and fuzz targets, each on a line.
func testsOfTheModule(t *testing.T) string {
	t.Helper()
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	var names strings.Builder
	names.WriteString("\n")
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, found := range function.FindAllSubmatch(text, -1) {
			names.Write(append(found[1], '\n'))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names.String()
}
