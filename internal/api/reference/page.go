package reference

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/api/instants"
	"github.com/danielgtaylor/huma/v2"
)

//go:embed page.html.tmpl
var pageTemplate string

//go:embed page.css
var pageStyle string

// pagePolicy lets a page use its own style and nothing else: no script, no
// font, no picture, no other host.
var pagePolicy = func() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// Problem is a kind of problem that the API answers with, as the page explains it.
type Problem struct {
	Slug, Title, Meaning string
	Status               int
}

// Page returns the page that is made of the finished document. It explains the
// problems in their order.
func Page(doc *huma.OpenAPI, problems []Problem) ([]byte, error) {
	t, err := template.New("docs").Parse(pageTemplate)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, reader{doc, problems}.page())
	return b.Bytes(), err
}

// PagePolicy returns the Content-Security-Policy of the page.
func PagePolicy() string { return pagePolicy }

// Serve answers with a text and its tag, and lets a page use its own style.
func Serve(w http.ResponseWriter, contentType, tag string, content []byte) {
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Content-Type", contentType)
	h.Set("Content-Security-Policy", pagePolicy)
	_, _ = w.Write(content) // the client is gone: there is nobody to tell
}

// docsPage is the OpenAPI document as the template of /docs reads it.
type docsPage struct {
	Title, Version, Description string
	Style                       template.CSS
	Groups                      []docsGroup
	Schemas                     []docsSchema
	Problems                    []Problem
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
	Problems                                        []Problem
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

// reader makes the page of the document.
type reader struct {
	doc      *huma.OpenAPI
	problems []Problem
}

func (r reader) page() docsPage {
	doc := r.doc
	p := docsPage{
		Problems: r.problems, Title: doc.Info.Title, Version: doc.Info.Version, Description: doc.Info.Description,
		Style: template.CSS(pageStyle), //nolint:gosec // the page's own file
	}
	for _, tag := range doc.Tags {
		p.Groups = append(p.Groups, docsGroup{tag.Name, tag.Description, r.operations(tag.Name)})
	}
	schemas := doc.Components.Schemas.Map()
	for _, name := range sortedKeys(schemas) {
		s := schemas[name]
		p.Schemas = append(p.Schemas, docsSchema{name, s.Description, fieldRows(s)})
	}
	return p
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// operations returns the operations with the tag, by path, then in the order
// in which people think of methods.
func (r reader) operations(tag string) []docsOperation {
	var found []docsOperation
	for _, path := range sortedKeys(r.doc.Paths) {
		for _, op := range Operations(r.doc.Paths[path]) {
			if slices.Contains(op.Tags, tag) {
				found = append(found, r.operation(op, path))
			}
		}
	}
	return found
}

func (r reader) operation(op *huma.Operation, path string) docsOperation {
	d := docsOperation{ID: op.OperationID, Method: op.Method, Path: path, Summary: op.Summary,
		Description: op.Description}
	for _, p := range op.Parameters {
		row := rowOf(p.Name, p.Schema, p.Required)
		row.Meaning = strings.TrimSpace(row.Meaning + " In the " + p.In + ".")
		d.Parameters = append(d.Parameters, row)
	}
	if op.RequestBody != nil {
		for _, ct := range sortedKeys(op.RequestBody.Content) {
			d.Bodies = append(d.Bodies, docsBody{ct, bytesText(op.MaxBodyBytes),
				typeOf(op.RequestBody.Content[ct].Schema)})
		}
		if media := op.RequestBody.Content["application/json"]; media != nil {
			d.Example = exampleOf(media.Schema, r.doc)
		}
	}
	d.Answers, d.Problems = r.answers(op)
	return d
}

// answers tells what an operation answers with from the problems that it may
// refuse with: those are explained once, at the end of the page.
func (r reader) answers(op *huma.Operation) (answers []docsAnswer, problems []Problem) {
	for _, status := range sortedKeys(op.Responses) {
		response := op.Responses[status]
		if response.Content["application/problem+json"] != nil {
			for _, p := range r.problems {
				if strconv.Itoa(p.Status) == status {
					problems = append(problems, p)
				}
			}
			continue
		}
		answer := docsAnswer{Status: status, Meaning: response.Description}
		for _, ct := range sortedKeys(response.Content) {
			answer.Type = typeOf(response.Content[ct].Schema)
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
	for _, name := range sortedKeys(s.Properties) {
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
	if s.Extensions[instants.Extension] != nil {
		text = "instant"
	}
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
