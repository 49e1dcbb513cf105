package wire

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
	items, err := NewItems(in, testItem)
	for err == nil {
		var item Item
		if item, err = items.Next(); err == nil {
			text := string(item.Text)
			if item.Long {
				text = "is too long"
			}
			out = append(out, fmt.Sprintf("%s %s", item.Place, text))
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
		"UTF-16": {"\xff\xfe{\x00}\x00\n\x00",
			"The body is UTF-16 (little endian): it must be JSON in UTF-8"},
		"UTF-16, an array": {"\x00[\x00]", "The body is UTF-16 (big endian): it must be JSON in UTF-8"},
		"gzip": {"\x1f\x8b\x08\x00\x00\x00",
			"The body is compressed with gzip: it must be JSON in UTF-8"},
		"a mark alone":     {"\ufeff", "The body is empty: it must be a JSON array of jobs, or one job a line"},
		"no JSON":          {"{}\nx\n", "line 1 {}|line 2 x"},
		"a long line":      {"1\n" + long + "y\n2\n", "line 1 1|line 2 is too long|line 3 2"},
		"a long last line": {"1\n" + long + "y", "line 1 1|line 2 is too long"},
		"a line just fits": {long[:testItem-1] + "\n1\n", "line 1 " + long[:testItem-1] + "|line 2 1"},
		"array": {"\n [ {} , {\"a\" :\n \"x\\ny\"},\n3]\n ",
			`index 0 {}|index 1 {"a" :` + "\n" + ` "x\ny"}|index 2 3`},
		"empty array": {"[]", ""},
		"after the array": {"[1] 2", "index 0 1|index 1: is not valid JSON: nothing may come after the " +
			"array (byte 5)"},
		"two arrays": {"[1][2]", "index 0 1|index 1: is not valid JSON: nothing may come after the " +
			"array (byte 4)"},
		"junk after": {"[1]x", "index 0 1|index 1: is not valid JSON: nothing may come after the " +
			"array (byte 4)"},
		"array without end": {"[1,2", "index 0 1|index 1 2|index 2: the array has no end"},
		"item without end":  {`[1,{"a":`, "index 0 1|index 1: the array has no end"},
		"syntax error": {`[1,{"a" 2},3]`, "index 0 1|index 1: is not valid JSON: invalid character '2' after " +
			"object key; it begins after byte 3 of the file"},
		"a long item": {`[1,"` + long + long + `",2]`, "index 0 1|index 1 is too long|index 2 2"},
		"no comma": {`[1 {}]`, "index 0 1|index 1: is not valid JSON: a comma or the end of the array " +
			"must come here (byte 4)"},
		"no item": {`[1,]`, "index 0 1|index 1: is not valid JSON: an item must come here (byte 4)"},
		"empty":   {"", "The body is empty: it must be a JSON array of jobs, or one job a line"},
		"blank":   {" \r\n\t\n", "The body is empty: it must be a JSON array of jobs, or one job a line"},
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
		in := iotest.OneByteReader(bytes.NewBufferString(
			strings.Join(lines, rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "break"))))
		if got := strings.Join(readItems(in), "|"); got != strings.Join(want, "|") {
			t.Fatalf("got  %s\nwant %s", got, strings.Join(want, "|"))
		}
	})
}

// A long item is never held: the reader's memory is its limit.
func TestItemsHoldNoLongOne(t *testing.T) {
	for _, start := range []string{`["`, `"`} {
		items, err := NewItems(io.LimitReader(&endless{head: []byte(start)}, 32<<20), 300)
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = items.Next()
		}
		if held := cap(items.text); held > 1<<20 {
			t.Errorf("%q: %d bytes are held", start, held)
		}
	}
}

// endless is a text that never comes to its end.
type endless struct{ head []byte }

func (e *endless) Read(b []byte) (int, error) {
	if n := copy(b, e.head); n > 0 {
		e.head = e.head[n:]
		return n, nil
	}
	return copy(b, bytes.Repeat([]byte("x"), len(b))), nil
}
