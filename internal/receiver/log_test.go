package receiver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const line = "1732000000123 1732000000000 1 01020300-0000-0000-0000-000000000000 " +
	"01934229-1800-8000-8000-000000000001 /ok 200\n"

func writeFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "receiver.log")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadLog(t *testing.T) {
	for name, tc := range map[string]struct {
		content string
		entries int
		err     string
	}{
		"empty":             {"", 0, ""},
		"whole lines":       {line + line, 2, ""},
		"torn last line":    {line + line[:40], 1, ""},
		"torn at the break": {line + strings.TrimSuffix(line, "\n"), 1, ""},
		"dashes":            {"1732000000123 - - - - /x 0\n", 1, ""},
		"torn in between":   {line + line[:40] + "\n" + line, 1, ":2: 4 fields, not 7"},
		"a bad number":      {strings.Replace(line, " 200", " 2x0", 1), 0, ":1: "},
		"a bad id":          {strings.Replace(line, "01934229-", "zz934229-", 1), 0, ":1: "},
		"an endless line":   {strings.Repeat("x", 100_000) + "\n" + line, 0, ":1: "},
	} {
		t.Run(name, func(t *testing.T) {
			entries, fault := 0, ""
			for _, err := range ReadLog(writeFile(t, tc.content)) {
				if err != nil {
					fault = err.Error()
				} else {
					entries++
				}
			}
			if entries != tc.entries || !strings.Contains(fault, tc.err) || tc.err == "" && fault != "" {
				t.Errorf("%d entries and error %q, want %d and %q", entries, fault, tc.entries, tc.err)
			}
		})
	}
}

func TestReadLogStopsEarly(t *testing.T) {
	n := 0
	for range ReadLog(writeFile(t, line+line+line)) {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("%d entries", n)
	}
}

func TestReadLogWithoutAFile(t *testing.T) {
	for _, err := range ReadLog(filepath.Join(t.TempDir(), "none")) {
		if !os.IsNotExist(err) {
			t.Errorf("error %v", err)
		}
		return
	}
	t.Error("no error")
}

func TestOpenLogCutsATornLine(t *testing.T) {
	for name, tc := range map[string]struct{ content, want string }{
		"none":       {line, line},
		"torn":       {line + line[:50], line},
		"only torn":  {line[:50], ""},
		"empty":      {"", ""},
		"long, torn": {strings.Repeat(line, 100) + "17320", strings.Repeat(line, 100)},
	} {
		t.Run(name, func(t *testing.T) {
			path := writeFile(t, tc.content)
			f, err := openLog(path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteString(line); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(path)
			if err != nil || string(got) != tc.want+line {
				t.Errorf("%v, content of %d bytes, want %d", err, len(got), len(tc.want+line))
			}
		})
	}
}

// A file that is no log is left as it is.
func TestOpenLogRefusesOtherFiles(t *testing.T) {
	content := strings.Repeat("no line break ", 1000)
	path := writeFile(t, content)
	if f, err := openLog(path); err == nil {
		_ = f.Close()
		t.Error("accepted")
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != content {
		t.Errorf("%v, the file was changed", err)
	}
}

// Whatever can be read is written again as it was read.
func FuzzEntry(f *testing.F) {
	f.Add(strings.TrimSuffix(line, "\n"))
	f.Add("1732000000123 - - - - /x 0")
	f.Add("1 2 3 - - // 999")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		e, err := parseEntry(text)
		if err != nil || strings.Contains(text, "\n") {
			return
		}
		again, err := parseEntry(strings.TrimSuffix(string(visit{Entry: e}.appendLog(nil)), "\n"))
		if err != nil || again != e {
			t.Errorf("%q\n  was read as %+v\nand then as %+v, %v", text, e, again, err)
		}
	})
}
