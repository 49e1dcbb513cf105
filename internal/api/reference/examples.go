package reference

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// ExamplesFile is where the examples are, from the root of the module.
const ExamplesFile = "internal/api/reference/examples.json"

//go:embed examples.json
var examplesText []byte

// Example is a request and the answer to it, as the document shows them. Tests play all of them, in their order,
// against a server: the answer of one may be what the next one asks for.
type Example struct {
	Operation string            `json:"operation"`         // the operationId
	Summary   string            `json:"summary"`           // what it shows
	Request   string            `json:"request"`           // the method and the target, with query
	Headers   map[string]string `json:"headers,omitempty"` // beside Content-Type
	Type      string            `json:"type,omitempty"`    // the Content-Type; empty: application/json, if there is a body
	Body      json.RawMessage   `json:"body,omitempty"`    // of another type than JSON: a JSON string
	Status    int               `json:"status"`            // of the answer
	Part      bool              `json:"part,omitempty"`    // the answer shown is some members of it, or its beginning
	Answer    json.RawMessage   `json:"answer,omitempty"`  // of another type than JSON: a JSON string
}

// ContentType returns the type of the body; empty: there is none.
func (e *Example) ContentType() string {
	switch {
	case len(e.Body) == 0:
		return ""
	case e.Type == "":
		return jsonType
	}
	return e.Type
}

const jsonType = "application/json"

// Examples returns the examples of the document.
func Examples() ([]Example, error) {
	var all []Example
	if err := json.Unmarshal(examplesText, &all); err != nil {
		return nil, fmt.Errorf("%s: %w", ExamplesFile, err)
	}
	return all, nil
}

// addExamples lays the examples into the operations. One of an operation or of a status that there is not is left out,
// and a test says so.
func addExamples(doc *huma.OpenAPI) error {
	all, err := Examples()
	if err != nil {
		return err
	}
	of := map[string]*huma.Operation{}
	for _, item := range doc.Paths {
		for _, op := range Operations(item) {
			of[op.OperationID] = op
		}
	}
	for i := range all {
		op := of[all[i].Operation]
		if op == nil {
			continue
		}
		if op.RequestBody != nil && all[i].Status < http.StatusBadRequest { // a wrong request is none
			show(op.RequestBody.Content[all[i].ContentType()], &all[i], all[i].Body)
		}
		if response := op.Responses[strconv.Itoa(all[i].Status)]; response != nil {
			for _, media := range response.Content {
				show(media, &all[i], all[i].Answer)
			}
		}
	}
	return nil
}

// show adds one example to a body.
func show(media *huma.MediaType, e *Example, text json.RawMessage) {
	var value any
	if media == nil || len(text) == 0 || json.Unmarshal(text, &value) != nil {
		return
	}
	if media.Examples == nil {
		media.Examples = map[string]*huma.Example{}
	}
	media.Examples[exampleName(e.Summary)] = &huma.Example{Summary: e.Summary, Description: e.Request, Value: value}
	media.Example = nil
}

// exampleName makes a key of a summary.
func exampleName(summary string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(summary), func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9')
	}), "-")
}
