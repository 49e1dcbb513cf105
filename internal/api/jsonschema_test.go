package api

import (
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/belfry-scheduler/belfry/internal/api/instants"
	"github.com/belfry-scheduler/belfry/internal/api/reference"
)

// schemas judges JSON by the schemas of the document: as much of JSON Schema
// (draft 2020-12, of OpenAPI 3.1) as they use. A word that it does not know fails
// the test, so that no rule of the document is passed over.
type schemas struct {
	t     *testing.T
	named object
}

// annotations say nothing about which values are right. Of the formats, uri is
// one: what is taken beyond it (a host of another script) is written as one.
var annotations = []string{"description", "default", "examples", "title", "$schema", "readOnly", instants.Extension,
	reference.LinesKey}

// resolve follows a reference.
func (s schemas) resolve(schema object) object {
	if ref, ok := schema["$ref"].(string); ok {
		return s.named[ref[strings.LastIndexByte(ref, '/')+1:]].(object)
	}
	return schema
}

// takes reports whether a value is right. Numbers are json.Number.
func (s schemas) takes(schema object, v any) bool {
	schema = s.resolve(schema)
	for word, rule := range schema {
		if slices.Contains(annotations, word) {
			continue
		}
		check, known := schemaWords[word]
		if !known {
			s.t.Fatalf("the document uses %q, which this test does not know", word)
		}
		if !check(s, schema, rule, v) {
			return false
		}
	}
	return true
}

var schemaWords map[string]func(s schemas, schema object, rule, v any) bool

func init() { // not initialised in place: they call takes
	schemaWords = map[string]func(s schemas, schema object, rule, v any) bool{
		"type": func(_ schemas, _ object, rule, v any) bool { return isOfType(rule, v) },
		"enum": func(_ schemas, _ object, rule, v any) bool {
			return slices.ContainsFunc(rule.([]any), func(w any) bool { return equalJSON(w, v) })
		},
		"minimum":       number(func(v, rule *big.Rat) bool { return v.Cmp(rule) >= 0 }),
		"maximum":       number(func(v, rule *big.Rat) bool { return v.Cmp(rule) <= 0 }),
		"minLength":     size(func(n, rule int) bool { return n >= rule }, textLength),
		"maxLength":     size(func(n, rule int) bool { return n <= rule }, textLength),
		"minItems":      size(func(n, rule int) bool { return n >= rule }, arrayLength),
		"maxItems":      size(func(n, rule int) bool { return n <= rule }, arrayLength),
		"maxProperties": size(func(n, rule int) bool { return n <= rule }, objectLength),
		"uniqueItems": func(_ schemas, _ object, rule, v any) bool {
			all, _ := v.([]any)
			for i := range all {
				if rule.(bool) && slices.ContainsFunc(all[:i], func(w any) bool { return equalJSON(w, all[i]) }) {
					return false
				}
			}
			return true
		},
		"pattern": func(_ schemas, _ object, rule, v any) bool {
			text, is := v.(string)
			return !is || compiled(rule.(string)).MatchString(text)
		},
		"format": func(s schemas, _ object, rule, v any) bool {
			text, is := v.(string)
			return !is || isOfFormat(s.t, rule.(string), text)
		},
		"anyOf": func(s schemas, _ object, rule, v any) bool {
			return slices.ContainsFunc(rule.([]any), func(one any) bool { return s.takes(one.(object), v) })
		},
		"items": func(s schemas, _ object, rule, v any) bool {
			all, _ := v.([]any)
			return !slices.ContainsFunc(all, func(item any) bool { return !s.takes(rule.(object), item) })
		},
		"properties":           func(s schemas, schema object, _, v any) bool { return s.takesMembers(schema, v) },
		"additionalProperties": func(s schemas, schema object, _, v any) bool { return s.takesMembers(schema, v) },
		"required": func(_ schemas, _ object, rule, v any) bool {
			members, is := v.(object)
			return !is || !slices.ContainsFunc(rule.([]any),
				func(name any) bool { _, there := members[name.(string)]; return !there })
		},
	}
}

// patterns has the compiled patterns of the schemas: compiling one takes longer than all
// else that is done with a value.
var patterns sync.Map

func compiled(pattern string) *regexp.Regexp {
	if known, ok := patterns.Load(pattern); ok {
		return known.(*regexp.Regexp)
	}
	re := regexp.MustCompile(pattern)
	patterns.Store(pattern, re)
	return re
}

func (s schemas) takesMembers(schema object, v any) bool {
	members, _ := v.(object)
	known, _ := schema["properties"].(object)
	for name, value := range members {
		rule, ok := known[name].(object)
		if !ok {
			switch others := schema["additionalProperties"].(type) {
			case object:
				rule = others
			case bool:
				if !others {
					return false
				}
			}
		}
		if rule != nil && !s.takes(rule, value) {
			return false
		}
	}
	return true
}

func isOfType(rule, v any) bool {
	names, several := rule.([]any)
	if !several {
		names = []any{rule}
	}
	n, isNumber := v.(json.Number)
	if !isNumber {
		return slices.Contains(names, any(typeName(v)))
	}
	return slices.Contains(names, any("number")) || ratOf(n).IsInt() && slices.Contains(names, any("integer"))
}

// ratOf is the exact value of a number.
func ratOf(n json.Number) *big.Rat {
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		panic("no number: " + string(n))
	}
	return r
}

func number(compare func(v, rule *big.Rat) bool) func(schemas, object, any, any) bool {
	return func(_ schemas, _ object, rule, v any) bool {
		n, is := v.(json.Number)
		return !is || compare(ratOf(n), ratOf(rule.(json.Number)))
	}
}

func size(compare func(n, rule int) bool, length func(any) (int, bool)) func(schemas, object, any, any) bool {
	return func(_ schemas, _ object, rule, v any) bool {
		n, is := length(v)
		most, err := rule.(json.Number).Int64()
		return err == nil && (!is || compare(n, int(most)))
	}
}

func textLength(v any) (int, bool) { text, is := v.(string); return utf8.RuneCountInString(text), is }

func arrayLength(v any) (int, bool) { all, is := v.([]any); return len(all), is }

func objectLength(v any) (int, bool) { members, is := v.(object); return len(members), is }

func equalJSON(a, b any) bool {
	x, isX := a.(json.Number)
	y, isY := b.(json.Number)
	if isX && isY {
		return ratOf(x).Cmp(ratOf(y)) == 0
	}
	return asJSON(a) == asJSON(b)
}

var (
	uuidForm     = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
	dateTimeForm = regexp.MustCompile(`^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$`)
)

func isOfFormat(t *testing.T, format, text string) bool {
	switch format {
	case "uuid":
		return uuidForm.MatchString(text)
	case "date-time":
		_, err := time.Parse(time.RFC3339, strings.ToUpper(text))
		return err == nil && dateTimeForm.MatchString(text)
	case "date":
		_, err := time.Parse(time.DateOnly, text)
		return err == nil
	case "uri", "uri-reference", "int64", "int32": // of the integers minimum and maximum say more
		return true
	}
	t.Fatalf("the document uses the format %q, which this test does not know", format)
	return false
}

// parseJSON reads a value with its numbers as they are written.
func parseJSON(t *testing.T, text string) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%.200s: %v", text, err)
	}
	return v
}

// TestTheSchemasAreJudged: the judge itself, by hand.
func TestTheSchemasAreJudged(t *testing.T) {
	s := schemas{t,
		object{"A": object{"type": "object", "properties": object{"n": object{"type": []any{"integer", "null"}}},
			"additionalProperties": false, "required": []any{"n"}}}}
	rule := parseJSON(t, `{"type":"array","maxItems":2,"uniqueItems":true,"items":{"anyOf":[{"$ref":"#/components/schemas/A"},
		{"type":"integer","minimum":2,"maximum":5,"enum":[3,4,9]},{"type":"string","minLength":1,"maxLength":2,"pattern":"^ä"},
		{"type":"object","additionalProperties":{"type":"boolean"},"maxProperties":1}]}}`).(object)
	for text, want := range map[string]bool{
		`[]`: true, `[3]`: true, `[3.0,4e0]`: true, `[3,3.0]`: false, `[2]`: false, `[9]`: false, `[3.5]`: false,
		`[3,4,{"n":1}]`: false,
		`[{"n":1}]`:     true, `[{"n":null}]`: true, `[{"n":1.5}]`: false, `[{}]`: true, `[{"n":1,"m":2}]`: false,
		`[{"m":true}]`:          true,
		`[{"m":true,"k":true}]`: false, `["ä"]`: true, `["äb"]`: true, `["äbc"]`: false, `[""]`: false, `["x"]`: false,
		`null`: false, `{}`: false,
	} {
		if got := s.takes(rule, parseJSON(t, text)); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	for text, want := range map[string]bool{
		"2026-01-01T00:00:00Z": true, "2026-01-01t00:00:00.5+02:00": true, "2026-02-30T00:00:00Z": false,
		"2026-01-01": false, "2026-01-01 00:00:00Z": false,
	} {
		if isOfFormat(t, "date-time", text) != want {
			t.Errorf("%s: want %v", text, want)
		}
	}
}
