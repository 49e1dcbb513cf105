// Package belfry_test checks the structure of the code: which package may import which,
// and the limits that keep the code readable. docs/ARCHITECTURE.md has the overview.
package belfry_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "github.com/belfry-scheduler/belfry/"

	maxFileLines     = 500
	maxFuncLines     = 70
	maxMedianLines   = 12
	maxInterfaceSize = 8
	clockPackage     = "internal/clock"
	messageNoRow     = "has no row in the import table of archimports_test.go: add one, and say in " +
		"docs/ARCHITECTURE.md what the package is for"
	messageImport     = "may not import %s: the import table of archimports_test.go allows %s"
	messageClock      = "reads the time with time.%s: take a clock.Clock"
	messageZone       = "takes zones from package time: they come from cron.LoadLocation"
	messageDocumented = "exported %s has no comment"
)

// source is one parsed Go file.
type source struct {
	pkg  string // folder, from the root
	name string // path, from the root
	test bool
	fset *token.FileSet
	file *ast.File
	text string
}

// at returns the place of a node as an editor opens it.
func (s *source) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", s.name, s.fset.Position(n.Pos()).Line)
}

func (s *source) lines(n ast.Node) int {
	return s.fset.Position(n.End()).Line - s.fset.Position(n.Pos()).Line + 1
}

func parse(name, text string) (*source, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	return &source{path.Dir(name), name, strings.HasSuffix(name, "_test.go"), fset, file, text}, nil
}

// tree parses every Go file of the module. A folder with its own go.mod is another module.
func tree(t *testing.T) []*source {
	t.Helper()
	var out []*source
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, err := os.Stat(filepath.Join(name, "go.mod"))
			base := d.Name()
			if name != "." && (err == nil || base == "testdata" || base[0] == '.' || base[0] == '_') {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		s, err := parse(filepath.ToSlash(name), string(text))
		if err != nil {
			return err
		}
		out = append(out, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// checks are the rules. Each is a function that returns the faults of a file.
var checks = map[string]func(*source) []string{
	"imports":    checkImports,
	"names":      checkNames,
	"size":       checkSize,
	"width":      checkWidth,
	"interfaces": checkInterfaces,
	"clock":      checkClock,
	"zones":      checkZones,
	"documented": checkDocumented,
	"finished":   checkFinished,
	"words":      checkWords,
	"named":      checkNamed,
	"phrases":    checkPhrases,
}

func TestArchitecture(t *testing.T) {
	files := tree(t)
	for name, check := range checks {
		t.Run(name, func(t *testing.T) {
			for _, s := range files {
				for _, fault := range check(s) {
					t.Error(fault)
				}
			}
		})
	}
	t.Run("package comments", func(t *testing.T) {
		for _, pkg := range uncommented(files) {
			t.Errorf("%s: no file has a package comment: say what the package guarantees and how that is shown", pkg)
		}
	})
	t.Run("median", func(t *testing.T) {
		if m := median(files); m > maxMedianLines {
			t.Errorf("half of all functions are longer than %d lines; the limit is %d", m, maxMedianLines)
		}
	})
}

// TestTableRunsOneWay checks that the table itself has no cycles.
func TestTableRunsOneWay(t *testing.T) {
	above := map[string]bool{}
	for _, line := range imports {
		for _, in := range line.internal {
			if !above["internal/"+in] {
				t.Errorf("the row of %s names %s, which is not above it", line.pkg, in)
			}
		}
		above[line.pkg] = true
		if files, err := filepath.Glob(filepath.Join(line.pkg, "*.go")); err != nil || len(files) == 0 {
			t.Errorf("the row of %s has no package: %v", line.pkg, err)
		}
	}
}

func checkImports(s *source) []string {
	if s.test {
		return nil
	}
	i := slices.IndexFunc(imports, func(r struct {
		pkg string
		row
	}) bool {
		return r.pkg == s.pkg
	})
	if i < 0 {
		return []string{s.at(s.file) + ": package " + s.pkg + " " + messageNoRow}
	}
	var faults []string
	for _, spec := range s.file.Imports {
		if name, err := strconv.Unquote(spec.Path.Value); err != nil || !imports[i].allows(name) {
			allowed := strings.Join(append(slices.Clone(imports[i].internal), imports[i].modules...), ", ")
			faults = append(faults, s.at(spec)+": "+s.pkg+" "+fmt.Sprintf(messageImport, name, "[stdlib "+allowed+"]"))
		}
	}
	return faults
}

func (r row) allows(name string) bool {
	if in, ours := strings.CutPrefix(name, module+"internal/"); ours {
		return slices.Contains(r.internal, in)
	}
	if first, _, _ := strings.Cut(name, "/"); !strings.Contains(first, ".") {
		return true // the standard library
	}
	return slices.ContainsFunc(r.modules, func(m string) bool {
		return name == m || strings.HasPrefix(name, m+"/")
	})
}

// checkNames refuses package names that say nothing about the content.
func checkNames(s *source) []string {
	name := strings.TrimSuffix(s.file.Name.Name, "_test")
	if slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "misc", "shared", "base"}, name) {
		return []string{s.at(s.file.Name) + ": a package named " + name + " says nothing of what is in it"}
	}
	return nil
}

func checkSize(s *source) []string {
	var faults []string
	if n := strings.Count(s.text, "\n"); n > maxFileLines {
		faults = append(faults, fmt.Sprintf("%s: %d lines; the limit is %d", s.name, n, maxFileLines))
	}
	for _, fn := range s.functions() {
		if n := s.lines(fn); n > maxFuncLines && !s.test {
			faults = append(faults, fmt.Sprintf("%s: %s has %d lines; the limit is %d", s.at(fn), fn.Name.Name,
				n, maxFuncLines))
		}
	}
	return faults
}

func (s *source) functions() []*ast.FuncDecl {
	var out []*ast.FuncDecl
	for _, d := range s.file.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
			out = append(out, fn)
		}
	}
	return out
}

// median returns the median length of the functions outside of tests.
func median(files []*source) int {
	var all []int
	for _, s := range files {
		if s.test {
			continue
		}
		for _, fn := range s.functions() {
			all = append(all, s.lines(fn))
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func checkInterfaces(s *source) []string {
	var faults []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		if it, ok := n.(*ast.InterfaceType); ok && it.Methods.NumFields() > maxInterfaceSize {
			faults = append(faults, fmt.Sprintf("%s: an interface of %d methods; the limit is %d",
				s.at(n), it.Methods.NumFields(), maxInterfaceSize))
		}
		return true
	})
	return faults
}

// checkClock finds uses of time.Now and of functions based on it. Code that reads the
// clock of the machine cannot be tested with another clock.
func checkClock(s *source) []string {
	alias := s.importedAs("time")
	if s.test || s.pkg == clockPackage || alias == "" {
		return nil
	}
	var faults []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok || !slices.Contains([]string{"Now", "Since", "Until"}, sel.Sel.Name) {
			return true
		}
		if id, ok := sel.X.(*ast.Ident); ok && id.Name == alias {
			faults = append(faults, s.at(n)+": "+fmt.Sprintf(messageClock, sel.Sel.Name))
		}
		return true
	})
	return faults
}

// checkZones finds lookups of zones by name outside of package cron: package time prefers the files of the system to
// the zone data of the schedules. The second implementation of the calendar is for tests.
func checkZones(s *source) []string {
	alias := s.importedAs("time")
	if s.pkg == "internal/cron/crontest" || alias == "" {
		return nil
	}
	var faults []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "LoadLocation" {
			if id, ok := sel.X.(*ast.Ident); ok && id.Name == alias {
				faults = append(faults, s.at(n)+": "+messageZone)
			}
		}
		return true
	})
	if s.importedAs("time/tzdata") != "" {
		faults = append(faults, s.name+": "+messageZone)
	}
	return faults
}

// importedAs returns the name under which the file knows an import, or "".
func (s *source) importedAs(name string) string {
	for _, spec := range s.file.Imports {
		if spec.Path.Value != strconv.Quote(name) {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(name)
	}
	return ""
}

// plainMethods implement well-known interfaces.
var plainMethods = []string{"Error", "String", "GoString", "Unwrap", "Read", "Write", "ServeHTTP", "Len",
	"Less", "Swap"}

func checkDocumented(s *source) []string {
	if s.test {
		return nil
	}
	var faults []string
	missing := func(id *ast.Ident, docs ...*ast.CommentGroup) {
		documented := slices.ContainsFunc(docs, func(c *ast.CommentGroup) bool { return c != nil })
		if id.IsExported() && !documented {
			faults = append(faults, s.at(id)+": "+fmt.Sprintf(messageDocumented, id.Name))
		}
	}
	for _, d := range s.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || exportedType(d.Recv.List[0].Type) && !slices.Contains(plainMethods, d.Name.Name) {
				missing(d.Name, d.Doc)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					missing(spec.Name, spec.Doc, d.Doc)
				case *ast.ValueSpec:
					missing(spec.Names[0], spec.Doc, spec.Comment, d.Doc)
				}
			}
		}
	}
	return faults
}

// exportedType reports whether a receiver is of an exported type.
func exportedType(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.StarExpr:
		return exportedType(e.X)
	case *ast.IndexExpr:
		return exportedType(e.X)
	case *ast.IndexListExpr:
		return exportedType(e.X)
	case *ast.Ident:
		return e.IsExported()
	}
	return false
}

// checkFinished refuses marks of unfinished work.
func checkFinished(s *source) []string {
	var faults []string
	for _, group := range s.file.Comments {
		for _, c := range group.List {
			for _, mark := range []string{"TODO", "FIX" + "ME", "XXX", "HACK"} {
				if slices.Contains(strings.FieldsFunc(c.Text, notLetter), mark) {
					faults = append(faults, s.at(c)+": "+mark+": do it, or write it down as an issue")
				}
			}
		}
	}
	return faults
}

func notLetter(r rune) bool { return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') }

// uncommented returns the packages in which no file has a package comment.
func uncommented(files []*source) []string {
	documented := map[string]bool{}
	for _, s := range files {
		if !s.test {
			documented[s.pkg] = documented[s.pkg] || s.file.Doc != nil
		}
	}
	var out []string
	for pkg, ok := range documented {
		if !ok {
			out = append(out, pkg)
		}
	}
	slices.Sort(out)
	return out
}
