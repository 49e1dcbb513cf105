package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A test that does less under the race detector must be named in API_TESTS of the
// Makefile: `make plain` runs no other test of this package.
func TestWhatSendsAPartIsListed(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^API_TESTS := \^\(([A-Za-z0-9|]+)\)\$\$$`).FindSubmatch(makefile)
	if line == nil {
		t.Fatal("the Makefile has no line API_TESTS := ^(TestA|TestB)$$")
	}
	listed := strings.Split(string(line[1]), "|")
	slices.Sort(listed)
	if found := using(t, "everyDocument"); !slices.Equal(found, listed) {
		t.Errorf("API_TESTS of the Makefile are %s\nwant %s", listed, found)
	}
}

// using returns the tests of this package that use a name, themselves or through
// functions of this package's tests.
func using(t *testing.T, name string) (tests []string) {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var functions []*ast.FuncDecl
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				functions = append(functions, f)
			}
		}
	}
	names := []string{name}
	for i := 0; i < len(names); i++ {
		for _, f := range functions {
			if found := f.Name.Name; !slices.Contains(names, found) && mentions(f, names[i]) {
				names = append(names, found)
			}
		}
	}
	for _, n := range names {
		if strings.HasPrefix(n, "Test") {
			tests = append(tests, n)
		}
	}
	slices.Sort(tests)
	return tests
}

func mentions(f *ast.FuncDecl, name string) (found bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && id.Name == name
		return !found
	})
	return found
}
