package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/wire"
)

// decodeFields decodes the members of an object whose form was checked into
// the fields of these names. null leaves a field alone. The error names every
// member that is unknown or of the wrong type.
func decodeFields(data []byte, fields map[string]any) error {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(data, &object); err != nil {
		return domain.InvalidAs(domain.FieldType, "", "must be a JSON object", nil)
	}
	e := &domain.Error{Code: domain.CodeInvalid}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		into, known := fields[name]
		if !known {
			e.Fields = append(e.Fields, domain.FieldError{Field: name, Code: domain.FieldUnknown,
				Message: "is not a field here: there are " + strings.Join(slices.Sorted(maps.Keys(fields)), ", ")})
			continue
		}
		if dst, ok := into.(*domain.DST); ok {
			e.Fields = append(e.Fields, decodeDST(object[name], dst)...)
			continue
		}
		if message := decodeField(object[name], into); message != "" {
			e.Fields = append(e.Fields, domain.FieldError{Field: name, Message: message,
				Code: codeOf(object[name], into)})
		}
	}
	if len(e.Fields) > 0 {
		return e
	}
	return nil
}

// codeOf says what is wrong with a value that decodeField refuses.
func codeOf(raw json.RawMessage, into any) domain.FieldCode {
	switch into.(type) {
	case *int, *reference.Instant:
		return wire.CodeOfInstant(raw) // an integer is one of the forms of an instant
	}
	return domain.FieldType
}

// decodeField decodes one value. It returns what is wrong with it; empty:
// nothing.
func decodeField(raw json.RawMessage, into any) (message string) {
	if string(bytes.TrimSpace(raw)) == "null" {
		return ""
	}
	switch to := into.(type) {
	case *int:
		n, message := wire.DecodeInteger(raw)
		if message == "" {
			*to = int(min(max(n, math.MinInt32), math.MaxInt32)) // each has narrower limits
		}
		return message
	case *reference.Instant:
		ms, message := wire.DecodeInstant(raw)
		if message == "" {
			*to = reference.Instant(ms)
		}
		return message
	}
	if json.Unmarshal(raw, into) != nil {
		return "must be a string, not " + wire.KindOf(raw)
	}
	return ""
}

// decodeDST decodes the member dst as that of a job.
func decodeDST(raw json.RawMessage, into *domain.DST) (faults []domain.FieldError) {
	doc := domain.NewSpecDoc()
	err := wire.Merge(&doc, fmt.Appendf(nil, `{"dst":%s}`, raw))
	if e, ok := errors.AsType[*domain.Error](err); ok {
		for _, f := range e.Fields { // the others are those of a job that has nothing but this
			if f.Field == "dst" || strings.HasPrefix(f.Field, "dst.") {
				faults = append(faults, f)
			}
		}
		return faults
	}
	*into = doc.DST
	return nil
}
