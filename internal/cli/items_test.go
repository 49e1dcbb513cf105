package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// testItem is the limit of an item here.
const testItem = 2_000

// readItems reads all items as "place text", and then the error, unless it is
// io.EOF.
func readItems(in io.Reader) []string {
	var out []string
	items, err := newItemReader(in, testItem)
	for err == nil {
		var text []byte
		var at place
		text, at, err = items.next()
		if err == nil || errors.Is(err, errItemSize) && at.unit == unitLine {
			if err != nil {
				text, err = []byte(err.Error()), nil
			}
			out = append(out, fmt.Sprintf("%s %s", at, text))
		}
	}
	if !errors.Is(err, io.EOF) {
		out = append(out, err.Error())
	}
	return out
}

func TestItems(t *testing.T) {
	long := strings.Repeat("x", testItem)
	for name, tc := range map[string]struct{ in, want string }{
		"lines":                {"{}\n{\"a\": 1}\n", `line 1 {}|line 2 {"a": 1}`},
		"no line break at end": {"{}\n7", "line 1 {}|line 2 7"},
		"empty lines":          {"\n \n\t{}\r\n\r\n\n 8 \n", "line 3 {}|line 6 8"},
		"byte order mark":      {"\ufeff{}\n", "line 1 {}"},
		"mark and array":       {"\ufeff[1]", "index 0 1"},
		"UTF-16":               {"\xff\xfe{\x00}\x00\n\x00", "is UTF-16 (little endian): it must be JSON in UTF-8"},
		"UTF-16, an array":     {"\x00[\x00]", "is UTF-16 (big endian): it must be JSON in UTF-8"},
		"gzip":                 {"\x1f\x8b\x08\x00\x00\x00", "is compressed with gzip: it must be JSON in UTF-8"},
		"a mark alone":         {"\ufeff", "is empty: it must be a JSON array of jobs, or one job a line"},
		"no JSON":              {"{}\nx\n", "line 1 {}|line 2 x"},
		"a long line":          {"1\n" + long + "y\n2\n", "line 1 1|line 2 is longer than 8 MiB|line 3 2"},
		"a long last line":     {"1\n" + long + "y", "line 1 1|line 2 is longer than 8 MiB"},
		"a line just fits":     {long[:testItem-1] + "\n1\n", "line 1 " + long[:testItem-1] + "|line 2 1"},
		"array":                {"\n [ {} , {\"a\" :\n \"x\\ny\"},\n3]\n ", `index 0 {}|index 1 {"a":"x\ny"}|index 2 3`},
		"empty array":          {"[]", ""},
		"after the array":      {"[1] 2", "index 0 1|index 1: there is something after the end of the array"},
		"two arrays":           {"[1][2]", "index 0 1|index 1: there is something after the end of the array"},
		"junk after":           {"[1]x", "index 0 1|index 1: is not valid JSON: invalid character 'x' looking for beginning of value; it begins after byte 3 of the file"},
		"array without end":    {"[1,2", "index 0 1|index 1 2|index 2: the array has no end"},
		"item without end":     {`[1,{"a":`, "index 0 1|index 1: the array has no end"},
		"syntax error":         {`[1,{"a" 2},3]`, "index 0 1|index 1: is not valid JSON: invalid character '2' after object key; it begins after byte 3 of the file"},
		"a long item":          {`[1,"` + long + long + `"]`, "index 0 1|index 1: is longer than 8 MiB"},
		"empty":                {"", "is empty: it must be a JSON array of jobs, or one job a line"},
		"blank":                {" \r\n\t\n", "is empty: it must be a JSON array of jobs, or one job a line"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, in := range []io.Reader{strings.NewReader(tc.in), iotest.DataErrReader(strings.NewReader(tc.in))} {
				if got := strings.Join(readItems(in), "|"); got != tc.want {
					t.Errorf("got  %.200s\nwant %.200s", got, tc.want)
				}
			}
		})
	}
}

func TestReadErrorsEndTheFile(t *testing.T) {
	broken := errors.New("the disk broke")
	for _, text := range []string{"", "{}\n{}", "[{},{}", " "} {
		got := readItems(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)))
		if last := got[len(got)-1]; !strings.Contains(last, broken.Error()) {
			t.Errorf("after %q: %q", text, got)
		}
	}
}

// TestLinesSurvive: whatever the lines are, those that are not blank come out,
// in order, at their numbers, however the reads are cut.
func TestLinesSurvive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.StringMatching(`[a-z{}" \t]{0,20}`), 1, 30).Draw(t, "lines")
		lines = append([]string{"{"}, lines...) // what comes first decides the form
		var want []string
		for i, line := range lines {
			if line = strings.TrimSpace(line); line != "" {
				want = append(want, fmt.Sprintf("line %d %s", i+1, line))
			}
		}
		in := iotest.OneByteReader(bytes.NewBufferString(strings.Join(lines, rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "break"))))
		if got := strings.Join(readItems(in), "|"); got != strings.Join(want, "|") {
			t.Fatalf("got  %s\nwant %s", got, strings.Join(want, "|"))
		}
	})
}
