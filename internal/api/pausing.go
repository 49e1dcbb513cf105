package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/charset"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

// pauseRequest is the body of a pause, which may be absent.
type pauseRequest struct {
	Reason string            `json:"reason,omitempty" maxLength:"200" pattern:"^\\s*[^\\x00-\\x1f\\x7f]*\\s*$" doc:"Why, for people." example:"The target is being moved"`
	Until  reference.Instant `json:"until,omitempty" doc:"When the job is active again by itself, Unix milliseconds or RFC 3339: later than now. 0 or absent: once somebody resumes it."`
}

// pauseBody documents the body of a pause.
func pauseBody(rt *router) *huma.RequestBody {
	rt.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[pauseRequest](), true, "")
	body := reference.JSONBody("PauseRequest")
	body.Required = false
	return body
}

// pauseOf reads what is said of a pause; nil: nothing.
func pauseOf(r *http.Request, now int64) (*domain.Pause, error) {
	data, err := wholeBody(r)
	if err != nil {
		return nil, err
	}
	if text := string(bytes.TrimSpace(charset.Trim(data))); text == "" || text == "null" {
		return nil, nil //nolint:nilnil // nothing is said
	}
	if data, err = readBody(r); err != nil {
		return nil, err
	}
	p, err := decodePause(data, "")
	if err != nil {
		return nil, err
	}
	if p == (domain.Pause{}) {
		return nil, nil //nolint:nilnil // nothing is said
	}
	return &p, checkPause(&p, now, "")
}

// decodePause decodes what is said of a pause, from members of a body with a prefix.
func decodePause(data []byte, prefix string) (p domain.Pause, err error) {
	var object map[string]json.RawMessage
	if json.Unmarshal(data, &object) != nil || object == nil {
		return p, domain.InvalidAs(domain.FieldType, strings.TrimSuffix(prefix, "."),
			"must be an object, not "+wire.KindOf(data), nil)
	}
	var until reference.Instant
	err = decodeFields(data, map[string]any{"reason": &p.Reason, "until": &until})
	p.Reason, p.Until = strings.TrimSpace(p.Reason), int64(until)
	var faults domain.Error
	if e, ok := errors.AsType[*domain.Error](err); ok {
		faults = *e
	}
	for i := range faults.Fields {
		faults.Fields[i].Field = prefix + faults.Fields[i].Field
	}
	for _, name := range []string{"reason", "until"} {
		if string(bytes.TrimSpace(object[name])) == "null" {
			faults.Code = domain.CodeInvalid
			faults.Fields = append(faults.Fields, domain.FieldError{Field: prefix + name, Code: domain.FieldType,
				Message: "must not be null: leave it out"})
		}
	}
	if len(faults.Fields) > 0 {
		return p, &faults
	}
	return p, nil
}

// checkPause checks what is said of a pause that begins now, in members of a body with a prefix.
func checkPause(p *domain.Pause, now int64, prefix string) error {
	err := p.Validate(false)
	if e, ok := errors.AsType[*domain.Error](err); ok {
		for i := range e.Fields { // as the document of a job has them
			e.Fields[i].Field = prefix + strings.ToLower(strings.TrimPrefix(e.Fields[i].Field, "paused"))
		}
	}
	if err == nil && domain.DecidePauseEnd(false, p.Until, 0, now, false) == domain.PauseIsPast {
		err = domain.InvalidAs(domain.FieldRange, prefix+"until", "must be later than now", p.Until)
	}
	return err
}
