package e2e

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

// A test that is not parallel, or that judges lateness, must be named in MEASURED
// of the Makefile: otherwise it runs beside the race detector and the linters.
// A name that has no test is a spelling mistake.
func TestWhatMeasuresIsListed(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^MEASURED := \^\(([A-Za-z|]+)\)\$\$$`).FindSubmatch(makefile)
	if line == nil {
		t.Fatal("the Makefile has no line MEASURED := ^(TestA|TestB)$$")
	}
	listed := strings.Split(string(line[1]), "|")
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var tests []string
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Name.Name == "TestMain" || !strings.HasPrefix(f.Name.Name, "Test") {
				continue
			}
			tests = append(tests, f.Name.Name)
			measures := !calls(f, "Parallel") || calls(f, "watchStalls")
			if measures && !slices.Contains(listed, f.Name.Name) {
				t.Errorf("%s measures, or is not parallel, and is not in MEASURED of the Makefile", f.Name.Name)
			}
		}
	}
	for _, name := range listed {
		if !slices.Contains(tests, name) {
			t.Errorf("MEASURED of the Makefile names %s, which is no test", name)
		}
	}
}

// calls reports whether a function calls one of that name, or a method.
func calls(f *ast.FuncDecl, name string) (found bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		switch fun := call.Fun.(type) {
		case *ast.Ident:
			found = found || fun.Name == name
		case *ast.SelectorExpr:
			found = found || fun.Sel.Name == name
		}
		return true
	})
	return found
}
