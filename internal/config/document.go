package config

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/charset"
	"go.yaml.in/yaml/v3"
)

// parseDocument reads the mapping in a YAML file, or returns the reason why there is
// none. A second document is refused, because its settings would be ignored silently.
func parseDocument(data []byte) (map[string]any, string) {
	var values map[string]any
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&values); err != nil && !errors.Is(err, io.EOF) {
		if name := charset.Foreign(data); name != "" { // UTF-16 is YAML too, when it has a mark
			return nil, "must be YAML in UTF-8: it is " + name
		}
		return nil, "must be YAML of the form `key: value`: " + yamlReason(err)
	}
	var more yaml.Node
	switch err := dec.Decode(&more); {
	case errors.Is(err, io.EOF):
		return values, ""
	case err != nil:
		return nil, "must be YAML of the form `key: value`: " + yamlReason(err)
	}
	return nil, "must be one YAML document: there is a second one after a line `---`"
}

// yamlReason puts the parser's message on one line. The message about a value of a wrong
// kind quotes the value.
func yamlReason(err error) string {
	msg := strings.Join(strings.Fields(err.Error()), " ")
	if strings.Contains(msg, "cannot unmarshal") {
		return "it is not a mapping"
	}
	return strings.TrimPrefix(msg, "yaml: ")
}
