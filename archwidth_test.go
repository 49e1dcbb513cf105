package belfry_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

const (
	maxColumns = 120
	tabColumns = 4
)

// columns returns the displayed width of a line.
func columns(line string) int {
	n := 0
	for _, r := range line {
		if r == '\t' {
			n += tabColumns - n%tabColumns
		} else {
			n++
		}
	}
	return n
}

// checkWidth returns the lines that are too wide. Two kinds of lines are exempt: a struct
// tag, which cannot be broken, and the lines of a raw string, whose line breaks are part
// of its value.
func checkWidth(s *source) (faults []string) {
	free := make(map[int]bool)
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			if n.Tag != nil {
				free[s.fset.Position(n.Tag.Pos()).Line] = true
			}
		case *ast.BasicLit:
			from, to := s.fset.Position(n.Pos()).Line, s.fset.Position(n.End()).Line
			for line := from; n.Kind == token.STRING && from < to && line <= to; line++ {
				free[line] = true
			}
		}
		return true
	})
	for i, line := range strings.Split(s.text, "\n") {
		if n := columns(line); n > maxColumns && !free[i+1] {
			faults = append(faults, fmt.Sprintf("%s:%d: %d columns; the limit is %d", s.name, i+1, n, maxColumns))
		}
	}
	return faults
}

func TestWideLinesAreFound(t *testing.T) {
	long := strings.Repeat("x", maxColumns)
	s, err := parse("internal/p/p.go", "package p\n\n// "+long+"\nvar a = \""+long+"\"\n\nvar b = `\n"+
		long+long+"`\n\n"+
		"type t struct {\n\ta int `json:\""+long+"\"`\n}\n\nfunc f() {\n\t// "+long[:114]+"\n\t// "+long[:113]+"\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, fault := range checkWidth(s) {
		lines = append(lines, strings.Split(fault, ":")[1])
	}
	if got := strings.Join(lines, " "); got != "3 4 14" {
		t.Errorf("wide lines: %s", got)
	}
}
