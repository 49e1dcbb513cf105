package reference

import (
	"encoding/json"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

// Text30 returns the finished document in OpenAPI 3.0.3, for programs that do not read 3.1 or read a part of it. It
// says
// the same of every path, and a little less of values: an instant is an integer or a date-time, without its bounds, and
// a $ref has no description of its own.
func Text30(doc *huma.OpenAPI) ([]byte, error) {
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	var tree map[string]any
	if err := json.Unmarshal(text, &tree); err != nil {
		return nil, err
	}
	lower(tree)
	tree["openapi"] = "3.0.3"
	return json.MarshalIndent(tree, "", " ")
}

// lower rewrites what 3.0 says in other words. Examples are not looked into: what they have is data.
func lower(node any) {
	switch v := node.(type) {
	case []any:
		for _, one := range v {
			lower(one)
		}
	case map[string]any:
		lowerSchema(v)
		for name, one := range v {
			if name == "examples" && isMedia(v) || name == "example" || name == "default" {
				continue
			}
			lower(one)
		}
	}
}

// isMedia reports whether an object is a media type: the only one that has examples by name.
func isMedia(v map[string]any) bool { _, is := v["schema"]; return is }

// lowerSchema rewrites one object, which may be a schema.
func lowerSchema(v map[string]any) {
	if ref, is := v["$ref"].(string); is {
		clear(v)
		v["$ref"] = ref
		return
	}
	if types, is := v["type"].([]any); is {
		v["nullable"] = slices.Contains(types, any("null"))
		v["type"] = types[0]
	}
	if enum, is := v["enum"].([]any); is {
		v["enum"] = slices.DeleteFunc(enum, func(one any) bool { return one == nil })
	}
	if examples, is := v["examples"].([]any); is && len(examples) > 0 {
		delete(v, "examples")
		v["example"] = examples[0]
	}
	all, is := v["anyOf"].([]any)
	if !is {
		return
	}
	rest := slices.DeleteFunc(slices.Clone(all), func(one any) bool {
		schema, _ := one.(map[string]any)
		return schema["type"] == "null"
	})
	if len(rest) < len(all) {
		v["nullable"] = true
	}
	delete(v, "anyOf")
	if isInstant(rest) {
		v["oneOf"] = []any{
			map[string]any{"type": "integer", "format": "int64"},
			map[string]any{"type": "string", "format": "date-time"},
		}
		return
	}
	if len(rest) == 1 {
		v["allOf"] = rest
		return
	}
	v["anyOf"] = rest
}

// isInstant reports whether alternatives are those of [InstantSchema].
func isInstant(all []any) bool {
	last, _ := all[len(all)-1].(map[string]any)
	return last["format"] == "date-time"
}
