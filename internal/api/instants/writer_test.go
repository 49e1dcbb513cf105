package instants

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"pgregory.net/rapid"
)

// jobShape is the shape of a list of jobs: spec has an instant, and a body that may hold
// anything.
var jobShape = func() *Shape {
	instant := &huma.Schema{Type: "integer", Format: Format}
	spec := &huma.Schema{Properties: map[string]*huma.Schema{
		"startAt": instant, "body": {}, "headers": {AdditionalProperties: &huma.Schema{Type: "string"}},
	}}
	job := &huma.Schema{AllOf: []*huma.Schema{
		{Properties: map[string]*huma.Schema{"at": instant, "count": {Type: "integer", Format: "int64"}}},
		{Properties: map[string]*huma.Schema{"spec": spec, "next": {Type: "array", Items: instant}}},
	}}
	return ShapeOf(huma.NewMapRegistry("#/", nil), &huma.Schema{Properties: map[string]*huma.Schema{
		"jobs":   {Type: "array", Items: job},
		"byName": {AdditionalProperties: job},
		"both":   {AnyOf: []*huma.Schema{{Type: "integer"}, {Type: "string", Format: "date-time"}}},
	}})
}()

func written(t *testing.T, shape *Shape, text string, size int) string {
	t.Helper()
	var out bytes.Buffer
	w := NewWriter(&out, shape)
	for part := range slices.Chunk([]byte(text), size) {
		if n, err := w.Write(part); n != len(part) || err != nil {
			t.Fatalf("%d of %d bytes, %v", n, len(part), err)
		}
	}
	return out.String()
}

// TestInstantsAreWrittenAsText is the truth table, with every cut of each document.
func TestInstantsAreWrittenAsText(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                                   `{}`,
		`{"jobs":[]}`:                          `{"jobs":[]}`,
		`{"jobs":null}`:                        `{"jobs":null}`,
		`{"jobs":"x"}`:                         `{"jobs":"x"}`,
		`{"both":0}`:                           `{"both":"1970-01-01T00:00:00.000Z"}`,
		`{"both":"1"}`:                         `{"both":"1"}`,
		`{"both":null}`:                        `{"both":null}`,
		`{"other":[[1]],"both":1767225600123}`: `{"other":[[1]],"both":"2026-01-01T00:00:00.123Z"}`,
		`{"jobs":[{"at":1767225600000,"count":1767225600000,"next":[1,` +
			`2]}]}`: `{"jobs":[{"at":"2026-01-01T00:00:00.000Z",` +
			`"count":1767225600000,"next":["1970-01-01T00:00:00.001Z","1970-01-01T00:00:00.002Z"]}]}`,
		`{"byName":{"a":{"at":0},"b":{"at":-1}}}`: `{"byName":{"a":{"at":"1970-01-01T00:00:00.000Z"},` +
			`"b":{"at":"1969-12-31T23:59:59.999Z"}}}`,
		// What is a user's.
		`{"jobs":[{"spec":{"body":{"at":5,"startAt":6,"spec":{"startAt":7},"x":"\"at\":8}"},` +
			`"startAt":9}}]}`: `{"jobs":[{"spec":` +
			`{"body":{"at":5,"startAt":6,"spec":{"startAt":7},"x":"\"at\":8}"},` +
			`"startAt":"1970-01-01T00:00:00.009Z"}}]}`,
		`{"jobs":[{"spec":{"body":[{"at":5}],"headers":{"at":"5",` +
			`"startAt":"\\"}}}]}`: `{"jobs":[{"spec":{"body":[{"at":5}],` +
			`"headers":{"at":"5","startAt":"\\"}}}]}`,
		`{"jobs":[{"spec":{"body":"{\"at\":1}"}}]}`: `{"jobs":[{"spec":{"body":"{\"at\":1}"}}]}`,
		// What is no instant.
		`{"both":1.5}`: `{"both":1.5}`, `{"both":1e3}`: `{"both":1e3}`, `{"both":true}`: `{"both":true}`,
		`{"both":253402300800000}`:                `{"both":253402300800000}`,
		`{"both":253402300799999}`:                `{"both":"9999-12-31T23:59:59.999Z"}`,
		`{"both":-62167219200000}`:                `{"both":"0000-01-01T00:00:00.000Z"}`,
		`{"both":9223372036854775807}`:            `{"both":9223372036854775807}`,
		`{"both":-9223372036854775808}`:           `{"both":-9223372036854775808}`,
		`{"both":123456789012345678901234567890}`: `{"both":123456789012345678901234567890}`,
		`{"bo\u0074h":1,"` + strings.Repeat("x", 100) + `":1,"both\\":1}`: `{"bo\u0074h":1,"` +
			strings.Repeat("x", 100) +
			`":1,"both\\":1}`,
		// White space, and documents one after the other.
		" {\n \"both\" : 1 ,\t\"a\":[ ] , \"jobs\" : [ { \"at\" : 2 } , {} ]\r}\n": " {\n \"both\" : " +
			`"1970-01-01T00:00:00.001Z"` + " ,\t\"a\":[ ] , \"jobs\" : [ { \"at\" : " + `"1970-01-01T00:00:00.002Z"` +
			" } , {} ]\r}\n",
		"{\"both\":1}\n{\"both\":2}\n": `{"both":"1970-01-01T00:00:00.001Z"}` + "\n" +
			`{"both":"1970-01-01T00:00:00.002Z"}` + "\n",
		"1767225600000 {\"both\":1}": `1767225600000 {"both":"1970-01-01T00:00:00.001Z"}`,
		`"x"{"both":1}`:              `"x"{"both":"1970-01-01T00:00:00.001Z"}`,
	} {
		for size := 1; size <= len(text); size++ {
			if got := written(t, jobShape, text, size); got != want {
				t.Fatalf("%s, %d bytes at a time:\n%s, want\n%s", text, size, got, want)
			}
		}
	}
}

// TestWithoutAShapeNothingChanges, and no instant of another schema is one.
func TestWithoutAShapeNothingChanges(t *testing.T) {
	const text = `{"both":1,"jobs":[{"at":1}]}`
	if got := written(t, nil, text, 3); got != text {
		t.Error(got)
	}
	r := huma.NewMapRegistry("#/components/schemas/", nil)
	if s := ShapeOf(r, &huma.Schema{Properties: map[string]*huma.Schema{"n": {Type: "integer"}}}); s != nil {
		t.Errorf("%v", s.Paths())
	}
	r.Map()["Tree"] = &huma.Schema{Properties: map[string]*huma.Schema{
		"at": {Format: Format}, "child": {Ref: "#/components/schemas/Tree"},
	}}
	if got := ShapeOf(r, &huma.Schema{Ref: "#/components/schemas/Tree"}).Paths(); !slices.Equal(got, []string{"at"}) {
		t.Errorf("a document that holds itself: %v", got)
	}
}

func TestPaths(t *testing.T) {
	got := jobShape.Paths()
	slices.Sort(got)
	want := []string{"both", "byName[].at", "byName[].next[]", "byName[].spec.startAt", "jobs[].at", "jobs[].next[]",
		"jobs[].spec.startAt"}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestMark: what is marked in Go is an int64 with a mark in the document.
func TestMark(t *testing.T) {
	at := &huma.Schema{Type: "integer", Format: Format, Nullable: true}
	s := &huma.Schema{AnyOf: []*huma.Schema{{Items: &huma.Schema{AdditionalProperties: &huma.Schema{
		Properties: map[string]*huma.Schema{"at": at}}}}}}
	before := ShapeOf(nil, s).Paths()
	Mark(map[string]*huma.Schema{"X": s})
	if at.Format != "int64" || at.Extensions[Extension] != Format || !slices.Equal(before, ShapeOf(nil, s).Paths()) {
		t.Errorf("%+v", at)
	}
}

// failing takes some bytes.
type failing struct{ room int }

func (f *failing) Write(b []byte) (int, error) {
	if f.room -= len(b); f.room < 0 {
		return 0, errors.New("gone")
	}
	return len(b), nil
}

// TestTheReaderGoesAway: the error of the writer below is returned, with fewer bytes than
// were to be written.
func TestTheReaderGoesAway(t *testing.T) {
	text := []byte(`{"jobs":[{"at":1,"spec":{"body":"` + strings.Repeat("x", 3*bufferBytes) + `"}}]}`)
	for _, room := range []int{0, bufferBytes + 100, 2 * bufferBytes} {
		if n, err := NewWriter(&failing{room}, jobShape).Write(text); err == nil || n > len(text) {
			t.Errorf("room for %d bytes: %d, %v", room, n, err)
		}
	}
}

// TestItHoldsABoundedBuffer, however long a string, a name or a number is.
func TestItHoldsABoundedBuffer(t *testing.T) {
	long := strings.Repeat("7", 1<<20)
	for _, text := range []string{
		`{"jobs":[{"spec":{"body":"` + long + `"}}]}`, `{"` + long + `":1}`, `{"both":` + long + `}`,
		`{"x":` + strings.Repeat("[", 1<<20) + strings.Repeat("]", 1<<20) + `}`,
	} {
		var out bytes.Buffer
		w := NewWriter(&out, jobShape)
		if _, err := w.Write([]byte(text)); err != nil || out.String() != text {
			t.Errorf("%.30s: %v, %d of %d bytes", text, err, out.Len(), len(text))
		}
		if held := cap(w.out) + cap(w.token) + cap(w.stack)*16; held > 4*bufferBytes {
			t.Errorf("%.30s: holds %d bytes", text, held)
		}
	}
}

// TestRandomDocuments compares with what a decoder makes of the same document.
func TestRandomDocuments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := drawValue(t, jobShape, 4)
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(inText(doc, jobShape))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		w := NewWriter(&out, jobShape)
		for part := range slices.Chunk(text, rapid.IntRange(1, 50).Draw(t, "size")) {
			if _, err := w.Write(part); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(out.Bytes(), want) {
			t.Fatalf("%s\nbecame %s\nwant   %s", text, out.Bytes(), want)
		}
	})
}

// drawValue draws a document: often of the shape, and often of another.
func drawValue(t *rapid.T, shape *Shape, depth int) any {
	kinds := 7
	if depth == 0 {
		kinds = 5
	}
	switch rapid.IntRange(0, kinds).Draw(t, "kind") {
	case 0:
		return nil
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2:
		return rapid.String().Draw(t, "text")
	case 3:
		f := rapid.Float64Range(-5, 5).Draw(t, "fraction")
		if f == math.Trunc(f) {
			f += 0.5 // otherwise it is written as an integer is
		}
		return f
	case 4, 5:
		return rapid.Int64().Draw(t, "number") >> rapid.IntRange(0, 63).Draw(t, "shift")
	case 6:
		var all []any
		for range rapid.IntRange(0, 3).Draw(t, "length") {
			all = append(all, drawValue(t, eachOf(shape), depth-1))
		}
		return all
	default:
		names := []string{"jobs", "byName", "both", "at", "count", "spec", "next", "startAt", "body",
			"headers", `a"b`, `\`}
		all := map[string]any{}
		for range rapid.IntRange(0, 4).Draw(t, "members") {
			name := rapid.SampledFrom(names).Draw(t, "name")
			all[name] = drawValue(t, memberOf(shape, name), depth-1)
		}
		return all
	}
}

func eachOf(s *Shape) *Shape {
	if s == nil {
		return nil
	}
	return s.each
}

func memberOf(s *Shape, name string) *Shape {
	if s == nil {
		return nil
	}
	if of, known := s.members[name]; known {
		return of
	}
	return s.each
}

func inText(v any, shape *Shape) any {
	switch v := v.(type) {
	case int64:
		if text, ok := Text(v); ok && shape != nil && shape.instant {
			return text
		}
	case []any:
		var all []any
		for _, e := range v {
			all = append(all, inText(e, eachOf(shape)))
		}
		return all
	case map[string]any:
		all := map[string]any{}
		for name, e := range v {
			all[name] = inText(e, memberOf(shape, name))
		}
		return all
	}
	return v
}

// FuzzWriter: whatever comes, it ends, and without a shape it comes out as it was.
func FuzzWriter(f *testing.F) {
	for _, text := range []string{`{"both":1}`, `]}],`, `{"jobs":[{"at":-0}`, `"\`, `{"a" 1}{{`, "}\n{", ",",
		`{"both":--}`} {
		f.Add([]byte(text), uint8(3))
	}
	f.Fuzz(func(t *testing.T, text []byte, size uint8) {
		var plain, shaped bytes.Buffer
		for _, w := range []*Writer{NewWriter(&plain, nil), NewWriter(&shaped, jobShape)} {
			for part := range slices.Chunk(text, int(size)+1) {
				if _, err := w.Write(part); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !bytes.Equal(plain.Bytes(), text) {
			t.Fatalf("%q became %q", text, plain.Bytes())
		}
		if json.Valid(text) && !json.Valid(shaped.Bytes()) && !isNumber(text) {
			t.Fatalf("%q became %q", text, shaped.Bytes())
		}
	})
}

func isNumber(text []byte) bool {
	var n json.Number
	return json.Unmarshal(text, &n) == nil
}

func TestText(t *testing.T) {
	for ms, want := range map[int64]string{
		time.Date(2026, 11, 30, 0, 35, 58, 123_000_000, time.UTC).UnixMilli(): "2026-11-30T00:35:58.123Z",
		0: "1970-01-01T00:00:00.000Z", minText - 1: "", maxText + 1: "",
	} {
		if got, ok := Text(ms); got != want || ok != (want != "") {
			t.Errorf("%d: %q", ms, got)
		}
	}
}

func BenchmarkWriter(b *testing.B) {
	var page bytes.Buffer
	page.WriteString(`{"jobs":[`)
	for i := range 1000 {
		fmt.Fprintf(&page, `{"at":1767225600000,"count":5,"spec":{"startAt":1767225600000,`+
			`"body":{"text":"%0200d"}}},`, i)
	}
	b.SetBytes(int64(page.Len()))
	for b.Loop() {
		if _, err := NewWriter(&failing{1 << 60}, jobShape).Write(page.Bytes()); err != nil {
			b.Fatal(err)
		}
	}
}
