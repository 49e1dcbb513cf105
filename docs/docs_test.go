// Package docs_test compares the documents with the program: everything that the
// documents name exists, and everything that exists is named.
package docs_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/wire"
)

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestSettings looks for each setting, with its names and its default, in the
// table of configuration.md and in .env.example.
func TestSettings(t *testing.T) {
	table, example := read(t, "configuration.md"), read(t, "../.env.example")
	code := func(prefix, s string) string {
		if s == "" {
			return ""
		}
		return "`" + prefix + s + "`"
	}
	for _, s := range config.Settings() {
		key := s.Key
		if s.Once { // a flag only
			key = ""
		}
		cells := []string{code("", s.Env), code("--", s.Flag), code("", key), code("", s.Default)}
		row := "|"
		for _, c := range cells {
			row += strings.TrimRight(" "+c, " ") + " |"
		}
		if !strings.Contains(table, "\n"+row) {
			t.Errorf("configuration.md has no row %s", row)
		}
		if s.Env != "" && !strings.Contains(example, "\n# "+s.Env+"="+s.Default+"\n") {
			t.Errorf(".env.example has no line # %s=%s", s.Env, s.Default)
		}
	}
}

// TestSampleData accepts each job of sample-data.json as the server does, now
// and for the next fifty years.
func TestSampleData(t *testing.T) {
	var items []json.RawMessage
	if err := json.Unmarshal([]byte(read(t, "../sample-data.json")), &items); err != nil {
		t.Fatal(err)
	}
	if len(items) < 12 {
		t.Errorf("%d jobs, want a dozen", len(items))
	}
	for _, from := range []time.Time{
		time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2076, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		for i, item := range items {
			doc := domain.NewSpecDoc()
			if err := wire.Merge(&doc, item); err != nil {
				t.Fatalf("job %d: %v", i, err)
			}
			v := domain.Version{
				JobID: domain.NewJobID(from.UnixMilli()), Number: 1, CreatedAt: from.UnixMilli(),
				EffectiveFrom: from.UnixMilli(), EffectiveTo: domain.Forever, Active: doc.IsActive, Spec: doc.Spec,
			}
			if err := v.Validate(); err != nil {
				t.Errorf("job %d (%s): %v", i, doc.Name, err)
			}
		}
	}
}

// TestPaths compares the paths that api.md calls with those of the API, as the
// golden file of its own tests has them.
func TestPaths(t *testing.T) {
	page := read(t, "api.md")
	called := map[string]bool{}
	for _, m := range regexp.MustCompile(`\$B(/[^\s"?]*)`).FindAllStringSubmatch(page, -1) {
		path := strings.NewReplacer("$ID", "{id}", "$EXECUTION", "{id}", "$KEY_ID", "{id}",
			"$OPERATION", "{id}", "$GROUP", "{id}", "$NOTIFICATION", "{id}", "$CHANNEL", "{id}",
			"$RULE", "{id}", "$SILENCE", "{id}", "$WINDOW", "{id}",
			"$NODE", "{name}", "$KEY", "{key}", "$VERSION", "{version}").
			Replace(m[1])
		called[path] = true
	}
	served := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^[A-Z]+ +(/\S*)`).FindAllStringSubmatch(
		read(t, "../internal/api/testdata/paths.txt"), -1) {
		served[m[1]] = true
	}
	if len(served) < 20 {
		t.Fatalf("only %d paths in the golden file of the API", len(served))
	}
	for path := range served {
		if !called[path] {
			t.Errorf("api.md does not show %s", path)
		}
	}
	for path := range called {
		if !served[path] {
			t.Errorf("api.md shows %s, which is no path", path)
		}
	}
}

// TestMetrics checks that operations.md names each metric, and that each metric that it
// names exists.
func TestMetrics(t *testing.T) {
	name := regexp.MustCompile(`belfry_[a-z_]+`)
	named, there := name.FindAllString(read(t, "operations.md"), -1),
		name.FindAllString(read(t, "../internal/telemetry/metrics.go"), -1)
	for _, n := range there {
		if !slices.Contains(named, n) {
			t.Errorf("operations.md does not name %s", n)
		}
	}
	for _, n := range named {
		if !slices.Contains(there, n) {
			t.Errorf("operations.md names %s, which does not exist", n)
		}
	}
}

// TestLinks follows every relative link of the documents.
func TestLinks(t *testing.T) {
	pages := []string{"../README.md", "../CONTRIBUTING.md", "../CHANGELOG.md", "../SECURITY.md"}
	for _, pattern := range []string{"*.md", "adr/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	followed := 0
	for _, page := range pages {
		for _, m := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(read(t, page), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, ":") {
				continue // not ours
			}
			followed++
			file := page
			if target != "" {
				file = filepath.Join(filepath.Dir(page), target)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", page, m[1])
				continue
			}
			if anchor != "" && !slices.Contains(anchors(read(t, file)), anchor) {
				t.Errorf("%s: %s has no heading #%s", page, file, anchor)
			}
		}
	}
	if followed < 10 {
		t.Errorf("only %d links were found: is the pattern still right?", followed)
	}
}

// anchors returns the names that the headings of a page can be linked by.
func anchors(page string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(page, -1) {
		kept := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		out = append(out, strings.ReplaceAll(kept, " ", "-"))
	}
	return out
}

// TestDecisions checks the form of the ADRs: each has its own number and the four parts,
// and fits on one screen. A number may be missing, because branches choose theirs before
// they are merged.
func TestDecisions(t *testing.T) {
	files, err := filepath.Glob("adr/*.md")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	last := 0
	for _, file := range files {
		number, err := strconv.Atoi(filepath.Base(file)[:4])
		if err != nil || number <= last {
			t.Errorf("%s: want a number after %d", file, last)
		}
		last = number
		text := read(t, file)
		for _, part := range []string{fmt.Sprintf("# %d. ", number), "\nStatus: ", "\n## Context\n", "\n## Decision\n",
			"\n## Consequences\n"} {
			if !strings.Contains(text, part) {
				t.Errorf("%s has no %q", file, strings.TrimSpace(part))
			}
		}
		if n := strings.Count(text, "\n"); n > 60 {
			t.Errorf("%s has %d lines, which is more than a screen", file, n)
		}
	}
}

// TestNamedTests checks that every test that a document names exists.
func TestNamedTests(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	exists := map[string]bool{}
	err = filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllStringSubmatch(
			read(t, path), -1) {
			exists[m[1]] = true
		}
		return nil
	})
	if err != nil || len(exists) < 100 {
		t.Fatalf("%d tests were found, error %v", len(exists), err)
	}
	named := 0
	for _, page := range pages {
		for _, m := range regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w*)`").FindAllStringSubmatch(read(t, page), -1) {
			if named++; !exists[m[1]] {
				t.Errorf("%s names %s, which does not exist", page, m[1])
			}
		}
	}
	if named < 5 {
		t.Errorf("only %d tests are named", named)
	}
}
