package wire

import (
	"encoding/json"
	"testing"
)

// TestMergePatchOfRFC7396 is the table of appendix A, and what a text keeps of itself.
func TestMergePatchOfRFC7396(t *testing.T) {
	for _, c := range []struct{ target, patch, want string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`["a","b"]`, `["c","d"]`, `["c","d"]`},
		{`{"a":"b"}`, `["c"]`, `["c"]`},
		{`{"a":"foo"}`, `null`, `null`},
		{`{"a":"foo"}`, `"bar"`, `"bar"`},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		{``, `{"a":null}`, `{}`},
		// What does not change stays as it is written.
		{`{ "a" : 1.50 }`, `{}`, `{ "a" : 1.50 }`},
		{`{ "a" : 1.50 }`, `{"a":1.5}`, `{ "a" : 1.50 }`},
		{`{ "a" : {"x": [1 ,2]} , "b":0}`, `{"b":1,"c":null}`, `{"a":{"x": [1 ,2]},"b":1}`},
		{`{"\ud83d":1,"y":2,"y":3}`, `{"z":"}]"}`, `{"\ud83d":1,"y":2,"y":3,"z":"}]"}`},
		{`{"y":2,"y":3,"z":0}`, `{"y":null}`, `{"z":0}`},
	} {
		if got := string(mergePatch(json.RawMessage(c.target), json.RawMessage(c.patch))); got != c.want {
			t.Errorf("%s over %s is %s, want %s", c.patch, c.target, got, c.want)
		}
	}
}

func TestSameJSON(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`{"a":1,"b":[2,{"c":"d"}]}`, ` { "b" : [ 2.0 , {"c":"\u0064"} ] , "a":1e0 } `, true},
		{`"<&>"`, `"\u003c\u0026\u003e"`, true},
		{`"ü"`, `"\u00fc"`, true},
		{`"\ud800"`, `"\ud801"`, false}, // no character
		{`true`, `true`, true}, {`true`, `false`, false}, {`null`, `0`, false}, {`1`, `"1"`, false},
		{`{}`, `[]`, false}, {`{"a":1}`, `{"a":2}`, false}, {`{"a":1}`, `{"b":1}`, false}, {`[1,2]`, `[2,1]`, false},
		{`[1]`, `[1,1]`, false}, {`12345678901234567`, `12345678901234568`, false}, {`1e400`, `1e401`, false},
		{`{"y":1,"y":2}`, `{"y":2}`, false}, {`{"y":1,"y":2}`, `{"y":1, "y":2}`, true},
		{`{"y":1,"y":2}`, `{"y":2,"y":1}`, false}, {`""`, ``, false}, {``, ``, true},
	} {
		if got := sameJSON([]byte(c.a), []byte(c.b)); got != c.want || sameJSON([]byte(c.b), []byte(c.a)) != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, got)
		}
	}
}
