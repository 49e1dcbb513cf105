package belfry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// orderHeading is where a doc.go says in which order the files of its package use
// each other. An indented block follows, with the names of all files but doc.go.
const orderHeading = "# Order of the files"

// unordered are packages of more than a few files whose doc.go does not say their
// order yet. The list only gets shorter.
var unordered = []string{}

const fewFiles = 3 // a package of so many files needs no order

// fileOrder returns the place of each file in the order that a package comment says;
// nil: it says none.
func fileOrder(doc string) map[string]int {
	_, rest, found := strings.Cut(doc, orderHeading)
	if !found {
		return nil
	}
	order := make(map[string]int)
	for line := range strings.Lines(rest) {
		block := strings.HasPrefix(line, "\t")
		if !block && len(order) > 0 {
			break
		}
		if block {
			for _, name := range strings.Fields(line) {
				order[name] = len(order)
			}
		}
	}
	return order
}

// againstOrder says which files of a package use something of a file that comes
// after them, and which have no place in the order.
func againstOrder(pkg *types.Package, info *types.Info, fset *token.FileSet, files []*ast.File,
	order map[string]int) (faults []string) {
	name := func(pos token.Pos) string { return path.Base(fset.Position(pos).Filename) }
	found := make(map[string]bool)
	for _, f := range files {
		from := name(f.FileStart)
		if _, ok := order[from]; !ok && from != "doc.go" {
			faults = append(faults, fmt.Sprintf("%s has no place in the order of doc.go", from))
		}
		ast.Inspect(f, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			obj := info.Uses[id]
			if obj == nil || obj.Pkg() != pkg || !ofFiles(obj) {
				return true
			}
			to := name(obj.Pos())
			at, known := order[to]
			text := fmt.Sprintf("%s uses %s of %s, which comes after it", from, obj.Name(), to)
			if known && at > order[from] && !found[text] {
				found[text] = true
				faults = append(faults, text)
			}
			return true
		})
	}
	return faults
}

// ofFiles says whether an object is one that a file gives to the others of its
// package: a function, variable or constant declared at its top, or a method. Types
// are left out: two that hold each other, as a job and its runs, have no order.
func ofFiles(obj types.Object) bool {
	if _, isType := obj.(*types.TypeName); isType {
		return false
	}
	if fn, ok := obj.(*types.Func); ok && fn.Signature().Recv() != nil {
		return true
	}
	return obj.Parent() == obj.Pkg().Scope()
}

// listed is what go list says of a package.
type listed struct {
	ImportPath, Export, Dir string
	GoFiles, IgnoredGoFiles []string
}

// goList lists the packages of this module and all that they import.
func goList(t *testing.T) map[string]listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps",
		"-json=ImportPath,Export,Dir,GoFiles,IgnoredGoFiles", "./...")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, errs.Bytes())
	}
	found := make(map[string]listed)
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatal(err)
		}
		found[p.ImportPath] = p
	}
}

// orderFaults says what is wrong with the order of a package's files.
func orderFaults(t *testing.T, all map[string]listed, name string) (faults []string) {
	t.Helper()
	p, fset := all[name], token.NewFileSet()
	var files []*ast.File
	var doc string
	for _, base := range p.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(p.Dir, base), nil,
			parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		doc += f.Doc.Text()
		files = append(files, f)
	}
	order := fileOrder(doc)
	exempt := slices.Contains(unordered, strings.TrimPrefix(name, module))
	switch {
	case order == nil && (exempt || len(p.GoFiles) <= fewFiles):
		return nil
	case order == nil:
		return []string{fmt.Sprintf("it has %d files, and its doc.go has no section %q", len(p.GoFiles), orderHeading)}
	case exempt:
		faults = append(faults, "doc.go says the order: take the package off the list")
	}
	for base := range order {
		if !slices.Contains(p.GoFiles, base) && !slices.Contains(p.IgnoredGoFiles, base) {
			faults = append(faults, fmt.Sprintf("the order names %s, which does not exist", base))
		}
	}
	info := &types.Info{Uses: make(map[*ast.Ident]types.Object)}
	conf := types.Config{Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(all[path].Export)
	})}
	pkg, err := conf.Check(name, fset, files, info)
	if err != nil {
		t.Fatal(err)
	}
	return append(faults, againstOrder(pkg, info, fset, files, order)...)
}

// Files of a package use each other in one direction, in the order that its doc.go
// says.
func TestFilesUseEachOtherOneWay(t *testing.T) {
	all := goList(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !strings.HasPrefix(name, module+"internal/") {
			continue
		}
		t.Run(strings.TrimPrefix(name, module), func(t *testing.T) {
			for _, fault := range orderFaults(t, all, name) {
				t.Error(fault)
			}
		})
	}
}

func TestFilesAgainstTheOrderAreFound(t *testing.T) {
	texts := map[string]string{
		"a.go": "package p\n\ntype A struct{ n int }\n\nfunc (a *A) low() { a.high(); last = a.n }\n",
		"b.go": "package p\n\nfunc (a *A) high() { a.low() }\n\nfunc local() { last := 1; _ = last }\n\ntype B C\n",
		"c.go": "package p\n\nvar last int\n\ntype C int\n",
	}
	fset, info := token.NewFileSet(), &types.Info{Uses: make(map[*ast.Ident]types.Object)}
	var files []*ast.File
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		f, err := parser.ParseFile(fset, name, texts[name], 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	pkg, err := new(types.Config).Check("p", fset, files, info)
	if err != nil {
		t.Fatal(err)
	}
	order := fileOrder("Package p.\n\n# Order of the files\n\nEach uses those before it:\n\n\ta.go\n\tb.go " +
		"x.go\n\nMore.\n\n\tc.go\n")
	got := againstOrder(pkg, info, fset, files, order)
	want := []string{"a.go uses high of b.go, which comes after it", "c.go has no place in the order of doc.go"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
