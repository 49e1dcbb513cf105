package wire

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

func TestCheckObject(t *testing.T) {
	nested := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	for _, tc := range []struct{ name, doc, detail string }{
		{"empty object", `{}`, ""},
		{"white space everywhere", " { \"a\" :\t[ 1 , { } ] ,\n\"b\" : null } ", ""},
		{"every kind of value", `{"a":1.5e-3,"b":true,"c":null,"d":"x","e":[],"f":{},"g":[[1],{"h":"]}"}]}`, ""},
		{"escapes", `{"a\"":1,"a":2,"\\":3,"\u00e9":4}`, ""},
		{"one name in two objects", `{"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":2}]}`, ""},
		{"as deep as allowed", nested(maxDepth - 1), ""},
		{"deeper", nested(maxDepth + 1), "nested deeper"},
		{"as wide as allowed", "{" + wide(maxMembers) + "}", ""},
		{"wider", "{" + wide(maxMembers+1) + "}", "more than 100"},
		{"wider inside", `{"x":{` + wide(maxMembers+1) + "}}", "more than 100"},
		{"the body may be wide", `{"body":{` + wide(10*maxMembers) + "}}", ""},
		{"the body may repeat names", `{"body":{"a":1,"a":2,"b":[{"c":1,"c":2}]}}`, ""},
		{"but only the job's own body", `{"x":{"body":{"a":1,"a":2}}}`, "x.body.a is there twice"},
		{"twice", `{"a":1,"b":2,"a":3}`, "a is there twice"},
		{"twice in a list", `{"l":[1,{"a":1,"a":3}]}`, "l[1].a is there twice"},
		{"twice, the empty name", `{"":1,"":3}`, "is there twice"},
		{"twice, escaped", `{"é":1,"\u00e9":3}`, "é is there twice"},
		{"whole characters", `{"a":"\ud83d\ude00","\uD83D\uDE00":["\u00e4","\\ud83d"]}`, ""},
		{"half of a character", `{"a":{"b":[[1,"x"],[2,"\ud83d"]]}}`, "a.b[1][1] holds half of a character"},
		{"half of a character, the other", `{"a":"\ude00\ud83d"}`, "a holds half of a character"},
		{"half of a character as a name", `{"\ud83d":1}`, "holds half of a character"},
		{"inside of the body it is the user's", `{"body":{"a":"\ud83d","\ud83d":["\ud83d"]}}`, ""},
		{"in a list, too", `{"body":["\ud83d"]}`, ""},
		{"a text body would be sent decoded", `{"body":"\ud83d"}`, "body holds half of a character"},
		{"body twice", `{"body":1,"body":3}`, "body is there twice"},
		{"line of a fault", "{\n\"a\": 1,\n\"b\" 2}", "line 3"},
	} {
		err := CheckObject([]byte(tc.doc))
		var p *Fault
		switch {
		case tc.detail == "" && err == nil:
		case tc.detail == "":
			t.Errorf("%s: %v", tc.name, err)
		case !errors.As(err, &p) || p.TooLong || !strings.Contains(p.Error(), tc.detail):
			t.Errorf("%s: %v, want %q", tc.name, err, tc.detail)
		}
	}
}

// A document can be built so that naive checks take quadratic time: long
// names above many members, many members, many deep ones. One 32 times as long would take
// 1,000 times as long then; the limit is six times from both.
func TestCheckObjectIsLinear(t *testing.T) {
	for name, document := range map[string]func(n int) string{
		"long name above many objects": func(n int) string {
			return `{"` + strings.Repeat("n", 7*n) + `":[` +
				strings.TrimSuffix(strings.Repeat(`{"a":1},`, n), ",") + `]}`
		},
		"wide body": func(n int) string { return `{"body":{` + wide(n) + `}}` },
		"long names side by side": func(n int) string {
			long := strings.Repeat("n", 7*n)
			return `{"a":{"` + long + `1":1,"` + long + `2":2}}`
		},
	} {
		short, long := []byte(document(4_000)), []byte(document(32*4_000))
		of := func(doc []byte) time.Duration {
			start := time.Now()
			if err := CheckObject(doc); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			return time.Since(start)
		}
		// The best of several times: something else may take the processor meanwhile.
		a, b := of(short), of(long)
		for try := 0; try < 50 && (try < 2 || b > 6*32*a); try++ {
			a, b = min(a, of(short)), min(b, of(long))
		}
		if b > 6*32*a {
			t.Errorf("%s: %v, and %v for 32 times as much", name, a, b)
		}
	}
}

func TestMergeTellsValuesBesideTypes(t *testing.T) {
	doc := domain.NewSpecDoc()
	before := fmt.Sprint(doc)
	err := Merge(&doc, []byte(`{"schedule":1,"api":"nope","type":"ATLEAST_ONCE","retry":{"maxRetries":"x"},`+
		`"timeoutMs":0}`))
	var e *domain.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	var got []string
	for _, f := range e.Fields {
		got = append(got, f.Field)
	}
	slices.Sort(got)
	if want := "[api retry.maxRetries schedule timeoutMs]"; fmt.Sprint(got) != want {
		t.Errorf("named %v, want %s", got, want)
	}
	if fmt.Sprint(doc) != before {
		t.Error("the document was changed")
	}
}

// wide returns so many members of an object.
func wide(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf(`"f%d":%d`, i, i)
	}
	return strings.Join(names, ",")
}
