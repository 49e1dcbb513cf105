package sqlite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
)

// storedText is a text as it is stored: a JSON string, or for a sealed one an
// object. No text that somebody chooses has the form of a sealed one.
type storedText struct {
	text   string
	sealed bool // it is that of a seal.Box
}

type sealedText struct {
	Sealed string `json:"sealed"`
}

// MarshalJSON implements json.Marshaler.
func (h storedText) MarshalJSON() ([]byte, error) {
	if h.sealed {
		return json.Marshal(sealedText{h.text})
	}
	return json.Marshal(h.text)
}

// UnmarshalJSON implements json.Unmarshaler.
func (h *storedText) UnmarshalJSON(doc []byte) error {
	if h.sealed = len(doc) > 0 && doc[0] == '{'; !h.sealed {
		return json.Unmarshal(doc, &h.text)
	}
	// What Seal makes needs no escapes: without a second decoder a start with
	// many secrets is a third shorter.
	bare, ok := bytes.CutPrefix(doc, []byte(`{"sealed":"`))
	if bare, end := bytes.CutSuffix(bare, []byte(`"}`)); ok && end && bytes.IndexByte(bare, '\\') < 0 && bytes.IndexByte(bare, '"') < 0 {
		h.text = string(bare)
		return nil
	}
	var s sealedText
	err := json.Unmarshal(doc, &s)
	h.text = s.Sealed
	return err
}

// place is what a sealed text is bound to: the version, and the field's path in
// the job's document.
func (r *versionRow) place(field string) []byte {
	return seal.Place("job", string(r.jobID[:]), strconv.Itoa(r.number), field)
}

// sealText seals a secret of the row.
func (r *versionRow) sealText(box *seal.Box, field, secret string) (storedText, error) {
	text, err := box.Seal(r.place(field), secret)
	if err != nil {
		return storedText{}, fmt.Errorf("%s: %w", field, err)
	}
	return storedText{text, true}, nil
}

// openText returns what a stored text says.
func (r *versionRow) openText(box *seal.Box, field string, stored storedText) (string, error) {
	if !stored.sealed {
		return stored.text, nil
	}
	text, err := box.Open(r.place(field), stored.text)
	if err != nil {
		return "", fmt.Errorf("%s of version %d of job %s %w", field, r.number, r.jobID, err)
	}
	return text, nil
}

// sealHeaders encodes the headers of a spec, the secret ones sealed.
func (r *versionRow) sealHeaders(spec *domain.Spec, box *seal.Box) error {
	secret := spec.SecretHeaders()
	if len(secret) == 0 {
		var err error
		r.headers, err = encodeJSON(spec.Headers) // sorts the names
		return err
	}
	stored := make(map[string]storedText, len(spec.Headers))
	for name, value := range spec.Headers {
		stored[name] = storedText{text: value}
	}
	for _, name := range secret {
		var err error
		if stored[name], err = r.sealText(box, "headers."+name, spec.Headers[name]); err != nil {
			return err
		}
	}
	var err error
	r.headers, err = encodeJSON(stored)
	return err
}

// hasSealed reports whether a value of the row may be sealed. It is what a row
// without one pays.
func (r *versionRow) hasSealed() bool { return strings.Contains(string(r.headers), seal.Prefix) }

// openHeaders decodes the headers of a row.
func (r *versionRow) openHeaders(box *seal.Box) (map[string]string, error) {
	if r.headers == "" {
		return nil, nil
	}
	if !r.hasSealed() {
		var plain map[string]string
		err := decodeJSON(r.headers, &plain)
		return plain, err
	}
	var stored map[string]storedText
	if err := decodeJSON(r.headers, &stored); err != nil {
		return nil, err
	}
	headers := make(map[string]string, len(stored))
	for _, name := range slices.Sorted(maps.Keys(stored)) { // the first fault is always the same
		var err error
		if headers[name], err = r.openText(box, "headers."+name, stored[name]); err != nil {
			return nil, err
		}
	}
	return headers, nil
}

// equal reports whether two rows say the same. Sealing a value twice gives two
// texts: those are compared by what is in them.
func (r *versionRow) equal(o *versionRow, box *seal.Box) (bool, error) {
	a, b := *r, *o
	a.headers, b.headers = "", ""
	if a != b || r.headers == o.headers {
		return a == b, nil
	}
	mine, err := r.openHeaders(box)
	if err != nil {
		return false, err
	}
	others, err := o.openHeaders(box)
	return maps.Equal(mine, others), err
}

// reseal makes every secret value of the row sealed with the key that seals
// now. It reports whether the row has changed.
func (r *versionRow) reseal(box *seal.Box) (changed bool, err error) {
	if r.headers == "" {
		return false, nil
	}
	var stored map[string]storedText
	if err := decodeJSON(r.headers, &stored); err != nil {
		return false, err
	}
	var spec domain.Spec
	if err := r.decodeOptions(&spec); err != nil {
		return false, err
	}
	stale := false
	for name, value := range stored {
		stale = stale || value.sealed && !box.IsCurrent(value.text) || !value.sealed && spec.IsSecret(name)
	}
	if !stale {
		return false, nil
	}
	if spec.Headers, err = r.openHeaders(box); err != nil {
		return false, err
	}
	return true, r.sealHeaders(&spec, box)
}
