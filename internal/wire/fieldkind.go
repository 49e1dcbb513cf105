package wire

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/target"
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// specField gives access to one field of the document.
type specField struct {
	decode  func(json.RawMessage, *domain.SpecDoc) error // replaces the value whole
	reset   func(dst, from *domain.SpecDoc)              // copies the default
	members map[string]specField                         // of an object that is merged field by field
	patch   func(json.RawMessage, *domain.SpecDoc) error // lays a merge patch over it; nil: decode
}

// field makes a specField of an accessor. It decodes into a fresh value:
// encoding/json would merge into a map and write into the memory of a slice,
// which the current version of the job shares.
func field[T any](get func(*domain.SpecDoc) *T) specField {
	return specField{
		decode: func(raw json.RawMessage, d *domain.SpecDoc) error {
			if known, err := decodeKnown(raw, get(d)); known {
				return err
			}
			var value T
			err := json.Unmarshal(raw, &value)
			*get(d) = value
			return err
		},
		reset: func(dst, from *domain.SpecDoc) { *get(dst) = *get(from) },
	}
}

// nested makes a specField of an object that is merged field by field.
func nested[T any](get func(*domain.SpecDoc) *T, members map[string]specField) specField {
	f := field(get)
	f.members = members
	return f
}

// decodeKnown decodes what encoding/json accepts too strictly (integers) or too loosely
// (null instead of a text), or for which it takes ten times as long.
func decodeKnown(raw json.RawMessage, into any) (known bool, err error) {
	switch to := into.(type) {
	case *string:
		if text, plain := plainText(raw); plain {
			*to = text
			return true, nil
		}
	case *domain.Guarantee:
		if text, plain := plainText(raw); plain {
			*to = domain.Guarantee(text)
			return true, nil
		}
	case *int64:
		n, fault := DecodeInteger(raw)
		*to = n
		return true, faultOf(codeOfInteger(raw), fault)
	case *int:
		n, fault := DecodeInteger(raw)
		if fault == "" && int64(int(n)) != n {
			fault = "must be " + wholeNumber + " within the limits"
		}
		*to = int(n)
		return true, faultOf(codeOfInteger(raw), fault)
	case *[]string:
		if err := arrayOfTexts(raw); err != nil {
			return true, err
		}
		var value []string
		err := json.Unmarshal(raw, &value)
		if *to = value; len(value) == 0 { // as it is when it is absent
			*to = nil
		}
		return true, err
	case *map[string]string:
		if *to, err = decodeHeaders(raw); len(*to) == 0 {
			*to = nil
		}
		return true, err
	}
	return false, nil
}

// trimmed is a text field without white space at its ends: what a shell's $(...) or a
// form has added there is removed.
func trimmed(get func(*domain.SpecDoc) *string) specField {
	f := field(get)
	decode := f.decode
	f.decode = func(raw json.RawMessage, d *domain.SpecDoc) error {
		err := decode(raw, d)
		*get(d) = strings.TrimSpace(*get(d))
		return err
	}
	return f
}

// targetField is a URL, whose host is stored in its ASCII form.
func targetField() specField {
	f := trimmed(func(d *domain.SpecDoc) *string { return &d.API })
	decode := f.decode
	f.decode = func(raw json.RawMessage, d *domain.SpecDoc) error {
		err := decode(raw, d)
		d.API = target.ASCII(d.API)
		return err
	}
	return f
}

// word is a text field for which later code would treat an empty text as the default.
// Only null and absence mean the default; an empty text is a mistake.
func word[T ~string](get func(*domain.SpecDoc) *T, words string) specField {
	f := field(get)
	decode := f.decode
	f.decode = func(raw json.RawMessage, d *domain.SpecDoc) error {
		err := decode(raw, d)
		if err == nil && *get(d) == "" {
			return domain.InvalidAs(domain.FieldChoice, "", "must be "+words, "")
		}
		return err
	}
	return f
}

// keyField is the key of a job. An empty text is none that was chosen: null or absence say
// that there is none.
func keyField() specField {
	f := field(func(d *domain.SpecDoc) *string { return &d.Key })
	decode := f.decode
	f.decode = func(raw json.RawMessage, d *domain.SpecDoc) error {
		err := decode(raw, d)
		if err == nil && d.Key == "" {
			return domain.InvalidAs(domain.FieldFormat, "", domain.JobKeyRule, "")
		}
		return err
	}
	return f
}

// instantField is an instant; zero: none.
func instantField(get func(*domain.SpecDoc) *int64) specField {
	f := field(get)
	f.decode = func(raw json.RawMessage, d *domain.SpecDoc) error {
		ms, fault := DecodeInstant(raw)
		*get(d) = ms
		return faultOf(CodeOfInstant(raw), fault)
	}
	return f
}

// headersField is the headers of a call. A merge patch replaces or removes those that it
// names.
func headersField() specField {
	f := field(func(d *domain.SpecDoc) *map[string]string { return &d.Headers })
	f.patch = func(raw json.RawMessage, d *domain.SpecDoc) error {
		var all map[string]json.RawMessage
		if err := json.Unmarshal(raw, &all); err != nil {
			return f.decode(raw, d) // which says what is wrong
		}
		next := maps.Clone(d.Headers) // the map may be the one of the version that is current
		for known := range next {
			if d.IsSecret(known) { // a value that was not sent: see keepHeaders
				next[known] = domain.Mask
			}
		}
		for name, value := range all {
			for known := range next {
				if strings.EqualFold(known, name) && (known != name || isNull(value)) {
					delete(next, known)
				}
			}
		}
		maps.DeleteFunc(all, func(_ string, value json.RawMessage) bool { return isNull(value) })
		set, err := decodeHeaders(mustEncode(all))
		if next == nil {
			next = set
		}
		maps.Copy(next, set)
		d.Headers = next
		if len(next) == 0 {
			d.Headers = nil
		}
		return err
	}
	return f
}

// mustEncode writes members that were read.
func mustEncode(all map[string]json.RawMessage) json.RawMessage {
	text, _ := json.Marshal(all) // valid JSON always encodes
	return text
}

// bodyField is the body of a call. One that is the same JSON value as before stays as it is
// written.
func bodyField() specField {
	f := field(func(d *domain.SpecDoc) *json.RawMessage { return &d.Body })
	decode := f.decode
	f.decode = func(raw json.RawMessage, d *domain.SpecDoc) error {
		if len(d.Body) > 0 && json.Valid(d.Body) && sameJSON(d.Body, raw) {
			return nil
		}
		return decode(raw, d)
	}
	f.patch = func(raw json.RawMessage, d *domain.SpecDoc) error {
		if len(d.Body) > 0 && !json.Valid(d.Body) { // what is stored cannot be read
			return decode(mergePatch(nil, raw), d)
		}
		return decode(mergePatch(d.Body, raw), d)
	}
	return f
}

// tagsField removes the white space around each tag.
func tagsField() specField {
	f := field(func(d *domain.SpecDoc) *[]string { return &d.Tags })
	decode := f.decode
	f.decode = func(raw json.RawMessage, d *domain.SpecDoc) error {
		err := decode(raw, d)
		for i, tag := range d.Tags {
			d.Tags[i] = strings.TrimSpace(tag)
		}
		return err
	}
	return f
}

// secretsField removes the white space around each secret.
func secretsField() specField {
	f := field(func(d *domain.SpecDoc) *[]webhook.Secret { return &d.Signing.Secrets })
	decode := f.decode
	f.decode = func(raw json.RawMessage, d *domain.SpecDoc) error {
		if err := arrayOfTexts(raw); err != nil {
			return err
		}
		err := decode(raw, d)
		for i, secret := range d.Signing.Secrets {
			d.Signing.Secrets[i] = webhook.Secret(strings.TrimSpace(secret.Reveal()))
		}
		return err
	}
	return f
}

// faultOf returns an error about the field itself; nil for an empty message.
func faultOf(code domain.FieldCode, message string) error {
	if message == "" {
		return nil
	}
	return domain.InvalidAs(code, "", message, nil)
}

// maxElementFaults is how many elements of an array are named: an answer names no more, and a
// body of 1 MiB has half a million.
const maxElementFaults = 100

// arrayOfTexts refuses what is no array, and each value in it that is no text.
func arrayOfTexts(raw json.RawMessage) error {
	switch kind := jsonKind(raw); kind {
	case "array":
		return elements(raw, "null is none")
	case "string":
		return faultOf(domain.FieldType, "must be an array of strings, not a string: put it in brackets")
	default:
		return faultOf(domain.FieldType, "must be an array of strings, not "+withArticle(kind))
	}
}

// elements refuses each value of an array that is no text, by name: encoding/json would read
// null as an empty one.
func elements(raw json.RawMessage, hint string) error {
	var all []json.RawMessage
	_ = json.Unmarshal(raw, &all) // the caller reports a value that is not an array
	var fe faults
	for i, item := range all {
		if len(fe) == maxElementFaults {
			break
		}
		place := fmt.Sprintf("[%d]", i)
		switch kind := jsonKind(item); kind {
		case "string":
		case "null":
			fe.addAs(domain.FieldType, place, "must be a string, not null: "+hint)
		case "number", "bool":
			fe.addAs(domain.FieldType, place, "must be a string, not "+withArticle(kind)+": write it in quotes")
		default:
			fe.addAs(domain.FieldType, place, "must be a string, not "+withArticle(kind))
		}
	}
	return fe.err()
}

// decodeHeaders refuses each value that is not a text, by name. White space around a
// value is not part of it (RFC 9110, section 5.5).
func decodeHeaders(raw json.RawMessage) (map[string]string, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, err
	}
	var fe faults
	headers := make(map[string]string, len(all))
	for _, name := range sortedKeys(all) {
		var value string
		switch kind := jsonKind(all[name]); {
		case kind == "null":
			fe.addAs(domain.FieldType, "."+name, "must be a string, not null: leave the header out")
		case json.Unmarshal(all[name], &value) != nil:
			fe.addAs(domain.FieldType, "."+name, "must be a string, not "+withArticle(kind)+`: write it in quotes`)
		}
		headers[name] = strings.Trim(value, " \t\r\n")
	}
	return headers, fe.err()
}

// plainText reads a JSON string without escapes (printable ASCII without a backslash),
// which is the usual case. A decoder would take ten times as long.
func plainText(raw json.RawMessage) (text string, plain bool) {
	n := len(raw)
	if n < 2 || raw[0] != '"' || raw[n-1] != '"' {
		return "", false
	}
	for _, c := range raw[1 : n-1] {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return "", false
		}
	}
	return string(raw[1 : n-1]), true
}
