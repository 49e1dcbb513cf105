package belfry_test

import (
	"strings"
	"testing"
)

// TestChecksFindPlantedFaults gives every check a file with one fault, and the most
// similar file without it.
func TestChecksFindPlantedFaults(t *testing.T) {
	long := "package engine\nfunc f() {\n" + strings.Repeat("\t_ = 1\n", maxFuncLines-1) + "}\n"
	for _, tc := range []struct {
		check, file, text string
		want              string // a part of the one fault; empty: there is none
	}{
		{"imports", "internal/store/s.go", `package store; import "` + module + `internal/engine"`,
			"internal/store may not import"},
		{"imports", "internal/store/s.go", `package store; import "` + module + `internal/domain"`, ""},
		{"imports", "internal/store/s_test.go", `package store; import "` + module + `internal/engine"`, ""},
		{"imports", "internal/cron/c.go", `package cron; import "github.com/robfig/cron/v3"`,
			"may not import github.com/robfig"},
		{"imports", "internal/clock/c.go", `package clock; import "golang.org/x/sys/unix"`, ""},
		{"imports", "internal/clock/c.go", `package clock; import "golang.org/x/system"`,
			"may not import golang.org/x/system"},
		{"imports", "internal/cron/c.go", `package cron; import "net/http"`, ""},
		{"imports", "internal/new/n.go", `package new`, "has no row"},
		{"names", "internal/x/x.go", `package helpers`, "says nothing"},
		{"names", "internal/x/x_test.go", `package utils_test`, "says nothing"},
		{"names", "internal/x/x.go", `package helpful`, ""},
		{"size", "internal/x/x.go", "package x\n" + strings.Repeat("\n", maxFileLines), "501 lines"},
		{"size", "internal/x/x.go", "package x\n" + strings.Repeat("\n", maxFileLines-1), ""},
		{"size", "internal/x/x.go", long, "f has 71 lines"},
		{"size", "internal/x/x.go", strings.Replace(long, "_ = 1\n", "", 1), ""},
		{"size", "internal/x/x_test.go", long, ""},
		{"interfaces", "x/x.go", "package x; type i interface{" + strings.Repeat("error;", 9) + "}", "9 methods"},
		{"interfaces", "x/x.go", "package x; type i interface{" + strings.Repeat("error;", 8) + "}", ""},
		{"clock", "internal/x/x.go", `package x; import "time"; var t = time.Now()`, "time.Now"},
		{"clock", "internal/x/x.go", `package x; import tick "time"; var t = tick.Since`, "time.Since"},
		{"clock", "internal/x/x.go", `package x; var time clock; var t = time.Now()`, ""},
		{"clock", "internal/x/x.go", `package x; import "time"; var t = time.Second; var u = c.Now()`, ""},
		{"clock", "internal/clock/x.go", `package clock; import "time"; var t = time.Now()`, ""},
		{"clock", "internal/x/x_test.go", `package x; import "time"; var t = time.Now()`, ""},
		{"documented", "x/x.go", "package x\nfunc F() {}", "exported F"},
		{"documented", "x/x.go", "package x\n// F is.\nfunc F() {}", ""},
		{"documented", "x/x.go", "package x\nfunc (*T[A]) M() {}", "exported M"},
		{"documented", "x/x.go", "package x\nfunc (t) M() {}", ""},
		{"documented", "x/x.go", "package x\nfunc (T) String() {}", ""},
		{"documented", "x/x.go", "package x\ntype T int", "exported T"},
		{"documented", "x/x.go", "package x\nconst C = 1", "exported C"},
		{"documented", "x/x.go", "package x\nconst C = 1 // the C", ""},
		{"documented", "x/x.go", "package x\n// All of them.\nvar (\n\tA = 1\n\tB = 2\n)", ""},
		{"finished", "x/x.go", "package x\n// " + "TODO: later", "TODO"},
		{"finished", "x/x.go", "package x\n// TODOS are things", ""},
		{"phrases", "x/x.go", "package x\n// It stays for\n// ever.\nvar x int", "for ever"},
		{"phrases", "x/x.go", "package x\n// It stays forever.\nvar x int", ""},
		{"named", "internal/x/x.go", "package x\n// oldName does.\nfunc newName() {}", "begins with oldName"},
		{"named", "internal/x/x.go", "package x\n// oldName is.\ntype newName int", "begins with oldName"},
		{"named", "internal/x/x.go", "package x\n// newName does.\nfunc newName() {}\n// of the rest\nvar x int", ""},
		{"words", "internal/x/x.go", "package x; func letGo() {}", "the word let-go was given up"},
		{"words", "internal/x/x.go", "package x; func (t T) isSettled(n int) {}", "the word settled was given up"},
		{"words", "internal/x/x_test.go", "package x; type martyr struct{}", "the word martyr was given up"},
		{"words", "internal/x/x.go", "package x; var standard, copyleft, compress, bookkeeping int", ""},
		{"words", "internal/x/x.go", `package x; import "strings"; var s = strings.TrimLeft("", "")`, ""},
		{"words", "internal/x/x.go", `package x; import "` + module + `internal/y"; var s = y.TrimLeft`,
			"the word left"},
		{"words", "internal/store/x.go", "package store; type Aside struct{}", ""},
		{"words", "internal/cron/x.go", "package cron; type Aside struct{}", "the word aside"},
	} {
		s, err := parse(tc.file, tc.text)
		if err != nil {
			t.Fatalf("%s: %v", tc.text, err)
		}
		got := strings.Join(checks[tc.check](s), "\n")
		if (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) || strings.Contains(got, "\n") {
			t.Errorf("%s of %q\ngot  %q\nwant %q", tc.check, tc.text, got, tc.want)
		}
	}
}

func TestPackageCommentsAndMedian(t *testing.T) {
	var files []*source
	for name, text := range map[string]string{
		"a/a.go": "package a", "a/doc.go": "// Package a is.\npackage a",
		"b/b.go": "package b\nfunc f() {\n}", "b/b_test.go": "// Package b is.\npackage b\nfunc g() {\n\n\n\n\n}",
		"c/c_test.go": "package c", "d/d.go": "// Package d is.\npackage d\nfunc f() {}\nfunc g() {\n\n}",
	} {
		s, err := parse(name, text)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, s)
	}
	if got := strings.Join(uncommented(files), " "); got != "b" {
		t.Errorf("without a comment: %q, want b", got)
	}
	if got := median(files); got != 2 { // of 1, 2 and 3 lines
		t.Errorf("median %d, want 2", got)
	}
	if got := median(nil); got != 0 {
		t.Errorf("median of nothing is %d", got)
	}
}
