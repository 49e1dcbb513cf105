package belfry_test

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
	"testing"
)

const (
	maxTypeFields  = 20
	maxTypeMethods = 25
)

// wideTypes may have more fields, or more methods, than others: their fields are
// settings, columns or metrics, and not a state that changes.
var wideTypes = []string{
	"wire.JobSpec", "client.Spec", "domain.Spec", // a job document
	"config.Config", "telemetry.Metrics",
}

// notSplit are types that are more than one thing and were not taken apart yet. The
// list only gets shorter.
var notSplit = []string{}

// typeSize is the size of a type, over all files of its package.
type typeSize struct {
	where           string
	fields, methods int
}

// typeSizes measures the named struct types of the files, and the methods of all
// types.
func typeSizes(files []*source) map[string]*typeSize {
	sizes := make(map[string]*typeSize)
	of := func(s *source, name string) *typeSize {
		key := s.pkg + "." + name
		if sizes[key] == nil {
			sizes[key] = &typeSize{where: s.name}
		}
		return sizes[key]
	}
	for _, s := range files {
		if s.test {
			continue
		}
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if name := receiver(d); name != "" {
					of(s, name).methods++
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					t, ok := spec.(*ast.TypeSpec)
					if !ok {
						continue
					}
					if st, ok := t.Type.(*ast.StructType); ok {
						size := of(s, t.Name.Name)
						size.where, size.fields = s.at(t), st.Fields.NumFields()
					}
				}
			}
		}
	}
	return sizes
}

// receiver returns the name of the type that a function is a method of, or "".
func receiver(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return ""
	}
	t := fn.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// tooLarge returns the types that exceed the limits, except those that may.
func tooLarge(files []*source, wide []string) (faults []string) {
	for name, size := range typeSizes(files) {
		if slices.Contains(wide, strings.TrimPrefix(name, "internal/")) {
			continue
		}
		if size.fields > maxTypeFields || size.methods > maxTypeMethods {
			faults = append(faults, fmt.Sprintf("%s: %s has %d fields and %d methods; the limits are %d and %d: it "+
				"is more than one thing",
				size.where, name, size.fields, size.methods, maxTypeFields, maxTypeMethods))
		}
	}
	slices.Sort(faults)
	return faults
}

// Types stay small: one that has many fields and methods is more than one thing.
func TestTypesAreSmall(t *testing.T) {
	files := tree(t)
	for _, fault := range tooLarge(files, append(slices.Clone(wideTypes), notSplit...)) {
		t.Error(fault)
	}
	sizes := typeSizes(files)
	for _, name := range append(slices.Clone(wideTypes), notSplit...) {
		size := sizes["internal/"+name]
		if size == nil || size.fields <= maxTypeFields && size.methods <= maxTypeMethods {
			t.Errorf("%s needs no exception any more", name)
		}
	}
}

func TestLargeTypesAreFound(t *testing.T) {
	text := "package p\ntype Big struct { a" + strings.Repeat(", x", maxTypeFields) +
		" int }\ntype Small struct { a int }\n" +
		strings.Repeat("func (s *Small) f() {}\n", maxTypeMethods+1)
	s, err := parse("internal/p/p.go", text)
	if err != nil {
		t.Fatal(err)
	}
	if got := tooLarge([]*source{s}, nil); len(got) != 2 {
		t.Errorf("found %q, want both types", got)
	}
	if got := tooLarge([]*source{s}, []string{"p.Big", "p.Small"}); got != nil {
		t.Errorf("found %q although both may be large", got)
	}
}
