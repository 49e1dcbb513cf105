package belfry_test

import (
	"fmt"
	"go/ast"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

const modelMap = "internal/sim/model/doc.go"

// codeMap reads the map of model/doc.go: for each file below internal/engine, or each
// package of internal, the names that the map gives for it. In the map an entry is
// "file.go: name, name;" or "package: Name, Type.Method;".
func codeMap(doc string) (entries [][2]string, err error) {
	_, table, found := strings.Cut(doc, "# From step to code\n")
	table, _, ends := strings.Cut(table, "\nSome events need no step")
	if !found || !ends {
		return nil, fmt.Errorf("%s has no section 'From step to code', or it ends in another way", modelMap)
	}
	column := strings.Index(table, "code, below internal/engine")
	column -= strings.LastIndexByte(table[:max(column, 0)], '\n') + 1
	var text strings.Builder
	for _, line := range strings.Split(table, "\n")[1:] {
		if len(line) > column && column > 0 && !strings.Contains(line, "code, below") {
			text.WriteString(strings.TrimSpace(line[column:]))
			text.WriteString(";")
		}
	}
	joined := regexp.MustCompile(`,;`).ReplaceAllString(text.String(), ", ") // a line that goes on
	where := ""
	for _, part := range regexp.MustCompile(`[;,]\s*`).Split(joined, -1) {
		if before, name, ok := strings.Cut(part, ": "); ok {
			where, part = before, name
		}
		if part != "" && !strings.Contains(part, " ") {
			entries = append(entries, [2]string{where, part})
		}
	}
	return entries, nil
}

// declared returns the names of a file's functions, types and methods; methods also
// as Type.Method, those of interfaces too.
func declared(s *source) map[string]bool {
	names := map[string]bool{}
	for _, d := range s.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			names[d.Name.Name] = true
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				t, ok := spec.(*ast.TypeSpec)
				if !ok {
					continue
				}
				names[t.Name.Name] = true
				if in, ok := t.Type.(*ast.InterfaceType); ok {
					for _, m := range in.Methods.List {
						for _, n := range m.Names {
							names[t.Name.Name+"."+n.Name] = true
						}
					}
				}
			}
		}
	}
	return names
}

// checkMap returns the names of the map that do not exist in the files.
func checkMap(entries [][2]string, files []*source) []string {
	var faults []string
	for _, e := range entries {
		where, name := e[0], e[1]
		known, found := false, false
		for _, s := range files {
			isFile := strings.HasSuffix(where, ".go") && s.name == path.Join("internal/engine", where)
			isPackage := s.pkg == path.Join("internal", where)
			if isFile || isPackage && !s.test {
				known = true
				found = found || declared(s)[name]
			}
		}
		switch {
		case !known:
			faults = append(faults, fmt.Sprintf("%s names %s, which does not exist", modelMap, where))
		case !found:
			faults = append(faults, fmt.Sprintf("%s names %s in %s, which does not exist there", modelMap, name, where))
		}
	}
	return faults
}

// TestModelMap: the files and functions to which the model of the protocol maps its
// steps exist.
func TestModelMap(t *testing.T) {
	text, err := os.ReadFile(modelMap)
	if err != nil {
		t.Fatal(err)
	}
	s, err := parse(modelMap, string(text))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := codeMap(s.file.Doc.Text())
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) < 40 {
		t.Fatalf("only %d names are found in the map: %v", len(entries), entries)
	}
	for _, fault := range checkMap(entries, tree(t)) {
		t.Error(fault)
	}
}

// TestModelMapFindsPlantedFaults gives the check files and functions that do not exist.
func TestModelMapFindsPlantedFaults(t *testing.T) {
	files := tree(t)
	for entry, want := range map[[2]string]string{
		{"loop.go", "turn"}:                 "",
		{"due/timetable.go", "TakeDue"}:     "",
		{"store", "Ledger.Record"}:          "",
		{"gone.go", "turn"}:                 "names gone.go, which",
		{"loop.go", "gone"}:                 "names gone in loop.go, which",
		{"store", "Ledger.Gone"}:            "names Ledger.Gone in store, which",
		{"loop.go", "StageUntil"}:           "names StageUntil in loop.go, which", // in another file
		{"model/gone", "Record"}:            "names model/gone, which",
		{"due/timetable_test.go", "Absent"}: "due/timetable_test.go",
	} {
		got := strings.Join(checkMap([][2]string{entry}, files), "\n")
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%v: %q, want %q", entry, got, want)
		}
	}
}
