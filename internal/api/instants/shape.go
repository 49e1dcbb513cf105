package instants

import (
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Format marks an integer of a schema as an instant in Unix milliseconds. The document has
// [Extension] in its place: see [Mark].
const Format = "unix-ms"

// Extension marks instants in the finished document. The format of an integer there is int64,
// since generators of clients know that one.
const Extension = "x-instant"

// Shape says where a JSON document has instants: it is one itself, or in members, or in
// each element of an array or value of a map. nil: nowhere.
type Shape struct {
	instant bool
	members map[string]*Shape
	each    *Shape
}

// ShapeOf reads the shape off a schema.
func ShapeOf(r huma.Registry, s *huma.Schema) *Shape {
	return (&reading{r, map[string]bool{}}).shape(s)
}

// reading follows references, each one once at a time.
type reading struct {
	registry huma.Registry
	inside   map[string]bool
}

func (rd *reading) shape(s *huma.Schema) *Shape {
	switch {
	case s == nil:
		return nil
	case s.Ref != "":
		if rd.inside[s.Ref] { // a document that holds itself has no end
			return nil
		}
		rd.inside[s.Ref] = true
		defer delete(rd.inside, s.Ref)
		return rd.shape(rd.registry.SchemaFromRef(s.Ref))
	case isInstant(s):
		return &Shape{instant: true}
	}
	out := new(Shape)
	for _, list := range [][]*huma.Schema{s.AllOf, s.AnyOf, s.OneOf} {
		for _, one := range list {
			out.join(rd.shape(one))
		}
	}
	for name, property := range s.Properties {
		out.add(name, rd.shape(property))
	}
	if of, ok := s.AdditionalProperties.(*huma.Schema); ok {
		out.joinEach(rd.shape(of))
	}
	out.joinEach(rd.shape(s.Items))
	if out.instant || out.members != nil || out.each != nil {
		return out
	}
	return nil
}

// isInstant reports whether a schema is that of an instant: marked, or one that takes both
// forms.
func isInstant(s *huma.Schema) bool {
	if s.Format == Format || s.Extensions[Extension] != nil {
		return true
	}
	number, text := false, false
	for _, one := range s.AnyOf {
		number = number || one.Type == huma.TypeInteger
		text = text || one.Format == "date-time"
	}
	return number && text
}

func (s *Shape) add(name string, of *Shape) {
	if of == nil {
		return
	}
	if s.members == nil {
		s.members = map[string]*Shape{}
	}
	if known := s.members[name]; known != nil {
		known.join(of)
		return
	}
	s.members[name] = of
}

func (s *Shape) joinEach(of *Shape) {
	switch {
	case of == nil:
	case s.each == nil:
		s.each = of
	default:
		s.each.join(of)
	}
}

// join adds what another shape has.
func (s *Shape) join(other *Shape) {
	if other == nil {
		return
	}
	s.instant = s.instant || other.instant
	for name, of := range other.members {
		s.add(name, of)
	}
	s.joinEach(other.each)
}

// Paths returns the places of the instants, such as executions[].startedAt.
func (s *Shape) Paths() []string { return s.paths("") }

func (s *Shape) paths(at string) (all []string) {
	if s == nil {
		return nil
	}
	if s.instant {
		all = append(all, strings.TrimPrefix(at, "."))
	}
	for name, of := range s.members {
		all = append(all, of.paths(at+"."+name)...)
	}
	return append(all, s.each.paths(at+"[]")...)
}

// Mark replaces [Format] in the schemas of a finished document.
func Mark(schemas map[string]*huma.Schema) {
	for _, s := range schemas {
		mark(s)
	}
}

func mark(s *huma.Schema) {
	if s == nil {
		return
	}
	if s.Format == Format {
		s.Format, s.Extensions = "int64", map[string]any{Extension: Format}
	}
	for _, property := range s.Properties {
		mark(property)
	}
	if of, ok := s.AdditionalProperties.(*huma.Schema); ok {
		mark(of)
	}
	mark(s.Items)
	for _, list := range [][]*huma.Schema{s.AllOf, s.AnyOf, s.OneOf} {
		for _, one := range list {
			mark(one)
		}
	}
}
