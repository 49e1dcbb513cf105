package belfry_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var updateLicences = flag.Bool("update-licences", false, "write docs/licences.md anew")

// licencesFile is the list that this test compares with the modules.
const licencesFile = "docs/licences.md"

const licencesHead = `# Licences of what is in the binary

Belfry is under the MIT licence. These modules are compiled into it, on Linux, macOS or Windows. ` + "`make licences`" + ` writes this page,
and a test fails when a module comes in whose licence is not known or is not one of the free ones below. Their texts, which
have to go with a binary that is passed on, are written by ` + "`make notices`" + `; the image has them at ` + "`/LICENCES`" + `.

| module | licence |
| --- | --- |
| preact, in the dashboard | MIT |
| uplot, in the dashboard | MIT |
| the standard library of Go | BSD-3-Clause |
`

// licenceMarks tell a licence by words that stand in its text and in no other.
// The texts are compared in lower case with single spaces.
var licenceMarks = []struct{ name, mark, andNot string }{
	{"MIT", "permission is hereby granted, free of charge, to any person obtaining a copy", ""},
	{"ISC", "permission to use, copy, modify, and/or distribute this software for any purpose", ""},
	{"ISC", "permission to use, copy, modify, and distribute this software for any purpose", ""},
	{"Apache-2.0", "apache license, version 2.0", ""},
	{"Apache-2.0", "apache license version 2.0", ""},
	{"BSD-3-Clause", "neither the name", ""},
	{"BSD-2-Clause", "redistribution and use in source and binary forms", "neither the name"},
	{"public domain", "dedicated to the public domain", ""},
	{"public domain", "this is free and unencumbered software released into the public domain", ""},
}

// copyleft are words of licences that would impose conditions on Belfry or on those who
// distribute it. None may be added unnoticed.
var copyleft = []string{
	"general public license", "mozilla public license", "eclipse public license", "common development and distribution",
	"european union public", "business source license", "server side public", "commons clause", "sharealike",
}

// licencesOf returns the licences that a text names, sorted, or what is wrong
// with it.
func licencesOf(text string) (names []string, err error) {
	text = strings.Join(strings.Fields(strings.ToLower(text)), " ")
	for _, word := range copyleft {
		if strings.Contains(text, word) {
			return nil, fmt.Errorf("it says %q", word)
		}
	}
	found := map[string]bool{}
	for _, m := range licenceMarks {
		if strings.Contains(text, m.mark) && (m.andNot == "" || !strings.Contains(text, m.andNot)) {
			found[m.name] = true
		}
	}
	if len(found) == 0 {
		return nil, errors.New("its licence is not known")
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// licenceFile matches the names of files with the licence of a module's own
// code. The list of what its repository holds of others (LICENSE-3RD-PARTY.md)
// and the licence of a logo are no part of the binary.
var licenceFile = regexp.MustCompile(`^(?i:licen[cs]e|copying|unlicense)([.-].*)?$`)

var notInBinary = regexp.MustCompile(`(?i)3rd-party|logo`)

// modulesOf returns the modules of the binary and their folders, on every
// platform that is built for.
func modulesOf(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, goos := range []string{"linux", "darwin", "windows"} {
		cmd := exec.Command("go", "list", "-deps", "-f",
			"{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Dir}}{{end}}{{end}}", "./cmd/belfry")
		cmd.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list for %s: %v", goos, err)
		}
		for line := range strings.Lines(string(out)) {
			if module, dir, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
				found[module] = dir
			}
		}
	}
	return found
}

// moduleLicences returns the licences of a module, by the files in its folder.
func moduleLicences(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	all := map[string]bool{}
	for _, e := range entries {
		if !licenceFile.MatchString(e.Name()) || notInBinary.MatchString(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		names, err := licencesOf(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		for _, name := range names {
			all[name] = true
		}
	}
	if len(all) == 0 {
		return nil, errors.New("it has no licence")
	}
	return slices.Sorted(maps.Keys(all)), nil
}

// TestLicences: every module of the binary is under a licence that asks for no
// more than to be named, and the document lists them all.
func TestLicences(t *testing.T) {
	modules := modulesOf(t)
	if len(modules) < 10 {
		t.Fatalf("only %d modules were found: %v", len(modules), modules)
	}
	doc := licencesHead
	for _, module := range slices.Sorted(maps.Keys(modules)) {
		names, err := moduleLicences(modules[module])
		if err != nil {
			t.Errorf("%s: %v", module, err)
		}
		doc += fmt.Sprintf("| %s | %s |\n", module, strings.Join(names, ", "))
	}
	if *updateLicences {
		if err := os.WriteFile(licencesFile, []byte(doc), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if is, err := os.ReadFile(licencesFile); err != nil || string(is) != doc {
		t.Errorf("%s is not what the modules are: run make licences (%v)", licencesFile, err)
	}
}

// TestLicencesAreTold checks that licence texts are distinguished, and that copyleft
// licences are refused.
func TestLicencesAreTold(t *testing.T) {
	for text, want := range map[string]string{
		"Permission is hereby granted,\n free of charge, to any person obtaining " +
			"a copy": "MIT",
		"Redistribution and use in source and binary forms ... Neither the name of " +
			"the X": "BSD-3-Clause",
		"Redistribution and use in source and binary forms, with or " +
			"without": "BSD-2-Clause",
		"Apache License\n Version 2.0, " +
			"January 2004": "Apache-2.0",
		"Licensed under the Apache License, Version 2.0. Permission is hereby granted, free of charge, to any " +
			"person": "Apache-2.0",
		"This is free and unencumbered software released into the public " +
			"domain.": "public domain",
		"GNU General Public License, " +
			"version 3": "",
		"Mozilla Public License " +
			"Version 2.0": "",
		"All rights " +
			"reserved.": "",
		"": "",
		"Permission is hereby granted, free of charge, to any person obtaining a copy ... or the GNU Affero General " +
			"Public License": "",
	} {
		names, err := licencesOf(text)
		if got := strings.Join(names, ", "); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, error %v, want %q", text, got, err, want)
		}
	}
	dir := t.TempDir()
	if _, err := moduleLicences(dir); err == nil {
		t.Error("a module without a licence passed")
	}
	for name, text := range map[string]string{
		"LICENSE":     "Permission is hereby granted, free of charge, to any person obtaining a copy",
		"COPYING.LIB": "GNU Lesser General Public License",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := moduleLicences(dir); err == nil {
		t.Error("a second file with a licence that binds passed")
	}
}

// The packages that the dashboard is made of are those that the document names: what is pinned to build it is no part
// of the binary.
func TestLicencesOfTheDashboard(t *testing.T) {
	text, err := os.ReadFile("web/package.json")
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Dependencies map[string]string }
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	for name, version := range list.Dependencies {
		if !strings.Contains(licencesHead, "| "+name+", in the dashboard | ") {
			t.Errorf("%s has no row for %s", licencesFile, name)
		}
		if !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(version) {
			t.Errorf("%s is not pinned: %s", name, version)
		}
	}
	if rows := strings.Count(licencesHead, "in the dashboard |"); rows != len(list.Dependencies) {
		t.Errorf("%s names %d packages of the dashboard, which has %d", licencesFile, rows, len(list.Dependencies))
	}
}
