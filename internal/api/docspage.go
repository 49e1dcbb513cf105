package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// docsPage is the OpenAPI document as the template of /docs reads it.
type docsPage struct {
	Title, Version, Description string
	Style                       template.CSS
	Groups                      []docsGroup
	Schemas                     []docsSchema
	Problems                    []docsProblem
}

type docsGroup struct {
	Name, Description string
	Operations        []docsOperation
}

type docsOperation struct {
	ID, Method, Path, Summary, Description, Example string
	Parameters                                      []docsRow
	Bodies                                          []docsBody
	Answers                                         []docsAnswer
	Problems                                        []docsProblem
}

type docsBody struct {
	ContentType, Limit string
	Type               docsType
}

type docsAnswer struct {
	Status, Meaning string
	Type            docsType
}

type docsSchema struct {
	Name, Description string
	Fields            []docsRow
}

type docsRow struct {
	Name, Meaning, Limits, Default, Example string
	Needed                                  bool
	Type                                    docsType
}

// docsType is a type in words, and the schema it leads to, if any.
type docsType struct{ Text, Ref string }

type docsProblem struct {
	Slug, Title, Meaning string
	Status               int
}

func docsPageOf(doc *huma.OpenAPI) docsPage {
	page := docsPage{
		Title: doc.Info.Title, Version: doc.Info.Version, Description: doc.Info.Description,
		Style: template.CSS(docsStyle), //nolint:gosec // the page's own file
	}
	for _, tag := range doc.Tags {
		page.Groups = append(page.Groups, docsGroup{tag.Name, tag.Description, operationsOf(doc, tag.Name)})
	}
	schemas := doc.Components.Schemas.Map()
	for _, name := range sortedNames(schemas) {
		s := schemas[name]
		page.Schemas = append(page.Schemas, docsSchema{name, s.Description, fieldRows(s)})
	}
	for _, k := range kinds {
		page.Problems = append(page.Problems, docsProblem{k.slug, k.title, k.meaning, k.status})
	}
	return page
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// operationsOf returns the operations with the tag, by path, then in the order
// in which people think of methods.
func operationsOf(doc *huma.OpenAPI, tag string) []docsOperation {
	var found []docsOperation
	for _, path := range sortedNames(doc.Paths) {
		for _, op := range methodsOf(doc.Paths[path]) {
			if slices.Contains(op.Tags, tag) {
				found = append(found, operationOf(op, path, doc))
			}
		}
	}
	return found
}

func methodsOf(item *huma.PathItem) []*huma.Operation {
	all := []*huma.Operation{item.Post, item.Get, item.Put, item.Patch, item.Delete}
	return slices.DeleteFunc(all, func(op *huma.Operation) bool { return op == nil })
}

func operationOf(op *huma.Operation, path string, doc *huma.OpenAPI) docsOperation {
	d := docsOperation{ID: op.OperationID, Method: op.Method, Path: path, Summary: op.Summary,
		Description: op.Description}
	for _, p := range op.Parameters {
		row := rowOf(p.Name, p.Schema, p.Required)
		row.Meaning = strings.TrimSpace(row.Meaning + " In the " + p.In + ".")
		d.Parameters = append(d.Parameters, row)
	}
	if op.RequestBody != nil {
		for _, ct := range sortedNames(op.RequestBody.Content) {
			d.Bodies = append(d.Bodies, docsBody{ct, bytesText(op.MaxBodyBytes),
				typeOf(op.RequestBody.Content[ct].Schema)})
		}
		if media := op.RequestBody.Content["application/json"]; media != nil {
			d.Example = exampleOf(media.Schema, doc)
		}
	}
	d.Answers, d.Problems = answersOf(op)
	return d
}

// answersOf tells what an operation answers with from the problems that it may
// refuse with: those are explained once, at the end of the page.
func answersOf(op *huma.Operation) (answers []docsAnswer, problems []docsProblem) {
	for _, status := range sortedNames(op.Responses) {
		r := op.Responses[status]
		if r.Content["application/problem+json"] != nil {
			for _, k := range kinds {
				if strconv.Itoa(k.status) == status {
					problems = append(problems, docsProblem{k.slug, k.title, k.meaning, k.status})
				}
			}
			continue
		}
		answer := docsAnswer{Status: status, Meaning: r.Description}
		for _, ct := range sortedNames(r.Content) {
			answer.Type = typeOf(r.Content[ct].Schema)
		}
		answers = append(answers, answer)
	}
	return answers, problems
}

func bytesText(n int64) string {
	if n >= 1<<20 && n%(1<<20) == 0 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}

func fieldRows(s *huma.Schema) []docsRow {
	var rows []docsRow
	for _, name := range sortedNames(s.Properties) {
		rows = append(rows, rowOf(name, s.Properties[name], slices.Contains(s.Required, name)))
	}
	slices.SortStableFunc(rows, func(a, b docsRow) int { // what is required comes first
		switch {
		case a.Needed == b.Needed:
			return 0
		case a.Needed:
			return -1
		}
		return 1
	})
	return rows
}

func rowOf(name string, s *huma.Schema, needed bool) docsRow {
	row := docsRow{Name: name, Meaning: s.Description, Needed: needed, Type: typeOf(s), Limits: limitsOf(s)}
	if s.Default != nil {
		row.Default = jsonText(s.Default)
	}
	if len(s.Examples) > 0 {
		row.Example = jsonText(s.Examples[0])
	}
	return row
}

func jsonText(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

func typeOf(s *huma.Schema) docsType {
	switch {
	case s == nil:
		return docsType{Text: "none"}
	case s.Ref != "":
		name := s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
		return docsType{name, name}
	case s.Type == huma.TypeArray:
		items := typeOf(s.Items)
		return docsType{"array of " + items.Text, items.Ref}
	case s.Type == huma.TypeObject:
		if values, ok := s.AdditionalProperties.(*huma.Schema); ok {
			of := typeOf(values)
			return docsType{"object of " + of.Text, of.Ref}
		}
		return docsType{Text: "object"}
	case s.AnyOf != nil:
		return oneOfTypes(s.AnyOf)
	case s.Type == "":
		return docsType{Text: "any JSON"}
	}
	text := s.Type
	if s.Format == "uuid" || s.Format == "uri" {
		text = s.Format
	}
	if s.Nullable {
		text += " or null"
	}
	return docsType{Text: text}
}

// oneOfTypes names the types of alternatives, each once.
func oneOfTypes(all []*huma.Schema) docsType {
	var words []string
	ref := ""
	for _, s := range all {
		one := typeOf(s)
		if s.Format == "date-time" {
			one.Text = "RFC 3339"
		}
		if ref = cmp.Or(ref, one.Ref); !slices.Contains(words, one.Text) {
			words = append(words, one.Text)
		}
	}
	return docsType{strings.Join(words, " or "), ref}
}

func limitsOf(s *huma.Schema) string {
	var limits []string
	if len(s.Enum) > 0 {
		var words []string
		for _, v := range s.Enum {
			if v == nil { // the type says so
				continue
			}
			words = append(words, fmt.Sprint(v))
		}
		limits = append(limits, strings.Join(words, ", "))
	}
	switch {
	case s.Minimum != nil && s.Maximum != nil:
		limits = append(limits, fmt.Sprintf("From %.0f to %.0f", *s.Minimum, *s.Maximum))
	case s.Minimum != nil:
		limits = append(limits, fmt.Sprintf("At least %.0f", *s.Minimum))
	}
	if s.MaxLength != nil {
		limits = append(limits, fmt.Sprintf("At most %d characters", *s.MaxLength))
	}
	if s.MaxItems != nil {
		limits = append(limits, fmt.Sprintf("At most %d", *s.MaxItems))
	}
	if s.MaxProperties != nil {
		limits = append(limits, fmt.Sprintf("At most %d", *s.MaxProperties))
	}
	return strings.Join(limits, ". ")
}

// exampleOf makes an example document of the examples of its required fields.
func exampleOf(s *huma.Schema, doc *huma.OpenAPI) string {
	if s.Ref != "" {
		s = doc.Components.Schemas.SchemaFromRef(s.Ref)
	}
	if s == nil || len(s.Required) == 0 {
		return ""
	}
	example := map[string]any{}
	for _, name := range s.Required {
		if p := s.Properties[name]; p != nil && len(p.Examples) > 0 {
			example[name] = p.Examples[0]
		}
	}
	b, err := json.MarshalIndent(example, "", "  ")
	if err != nil {
		return ""
	}
	return string(b)
}
