package sqlite

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// This file is the only way by which the secrets of jobs, of headers and of
// signing, go to the disk and come back.

// storedValue is a value as it is stored: a JSON string, or for a sealed one an
// object. No value that somebody chooses has the form of a sealed one.
type storedValue struct {
	text   string
	sealed bool // the text is that of a seal.Box
}

type sealedValue struct {
	Sealed string `json:"sealed"`
}

// MarshalJSON implements json.Marshaler.
func (v storedValue) MarshalJSON() ([]byte, error) {
	if v.sealed {
		return json.Marshal(sealedValue{v.text})
	}
	return json.Marshal(v.text)
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *storedValue) UnmarshalJSON(doc []byte) error {
	if v.sealed = len(doc) > 0 && doc[0] == '{'; !v.sealed {
		return json.Unmarshal(doc, &v.text)
	}
	// What Seal makes needs no escapes: without a second decoder a start with
	// many secrets is a third shorter.
	bare, ok := bytes.CutPrefix(doc, []byte(`{"sealed":"`))
	if bare, end := bytes.CutSuffix(bare, []byte(`"}`)); ok && end && bytes.IndexByte(bare, '\\') < 0 && bytes.IndexByte(bare, '"') < 0 {
		v.text = string(bare)
		return nil
	}
	var s sealedValue
	err := json.Unmarshal(doc, &s)
	v.text = s.Sealed
	return err
}

// stale reports whether a secret value has to be sealed anew.
func (v *storedValue) stale(box *seal.Box) bool { return !v.sealed || !box.IsCurrent(v.text) }

// open returns the value itself.
func (v *storedValue) open(box *seal.Box, place []byte) (string, error) {
	if !v.sealed {
		return v.text, nil
	}
	return box.Open(place, v.text)
}

// place is what a value of the row is bound to: what it is, and which one.
func (r *versionRow) place(kind, which string) []byte {
	return seal.Place(kind, string(r.jobID[:]), strconv.Itoa(r.number), which)
}

func (r *versionRow) headerPlace(name string) []byte { return r.place("job header", name) }

func (r *versionRow) signingPlace(i int) []byte {
	return r.place("job signing secret", strconv.Itoa(i))
}

// sealHeaders encodes the headers of a spec, the secret ones sealed.
func (r *versionRow) sealHeaders(spec *domain.Spec, box *seal.Box) error {
	secret := spec.SecretHeaders()
	if len(secret) == 0 {
		var err error
		r.headers, err = encodeJSON(spec.Headers) // sorts the names
		return err
	}
	stored := make(map[string]storedValue, len(spec.Headers))
	for name, value := range spec.Headers {
		stored[name] = storedValue{text: value}
	}
	for _, name := range secret {
		text, err := box.Seal(r.headerPlace(name), spec.Headers[name])
		if err != nil {
			return fmt.Errorf("header %s: %w", name, err)
		}
		stored[name] = storedValue{text, true}
	}
	var err error
	r.headers, err = encodeJSON(stored)
	return err
}

// openHeaders decodes the headers of a row. Rows without a sealed value pay a
// look for one.
func (r *versionRow) openHeaders(box *seal.Box) (map[string]string, error) {
	if r.headers == "" {
		return nil, nil
	}
	if !strings.Contains(string(r.headers), seal.Prefix) {
		var plain map[string]string
		err := decodeJSON(r.headers, &plain)
		return plain, err
	}
	var stored map[string]storedValue
	if err := decodeJSON(r.headers, &stored); err != nil {
		return nil, err
	}
	headers := make(map[string]string, len(stored))
	for _, name := range slices.Sorted(maps.Keys(stored)) { // the first fault is always the same
		value := stored[name]
		var err error
		if headers[name], err = value.open(box, r.headerPlace(name)); err != nil {
			return nil, fmt.Errorf("header %s of version %d of job %s %w", name, r.number, r.jobID, err)
		}
	}
	return headers, nil
}

// storedSigning is how a job's signing secrets lie in the options of a version.
type storedSigning struct {
	Secrets []storedValue `json:"secrets"`
}

func (r *versionRow) sealSigning(secrets []webhook.Secret, box *seal.Box) (*storedSigning, error) {
	s := new(storedSigning)
	for i, secret := range secrets {
		text, err := box.Seal(r.signingPlace(i), secret.Reveal())
		if err != nil {
			return nil, fmt.Errorf("signing secret %d: %w", i+1, err)
		}
		s.Secrets = append(s.Secrets, storedValue{text, true})
	}
	return s, nil
}

func (r *versionRow) openSigning(stored *storedSigning, box *seal.Box) ([]webhook.Secret, error) {
	if stored == nil {
		return nil, nil
	}
	var secrets []webhook.Secret
	for i := range stored.Secrets {
		text, err := stored.Secrets[i].open(box, r.signingPlace(i))
		if err != nil {
			return nil, fmt.Errorf("signing secret %d of version %d of job %s %w", i+1, r.number, r.jobID, err)
		}
		secrets = append(secrets, webhook.Secret(text))
	}
	return secrets, nil
}

// equal reports whether two rows say the same. Sealing a value twice gives two
// texts: those are compared by what is in them.
func (r *versionRow) equal(o *versionRow, box *seal.Box) (bool, error) {
	a, b := *r, *o
	a.headers, b.headers, a.options, b.options = "", "", "", ""
	if a != b {
		return false, nil
	}
	if r.headers == o.headers && r.options == o.options {
		return true, nil
	}
	mine, others := defaults, defaults
	if err := errors.Join(r.decode(&mine, box), o.decode(&others, box)); err != nil {
		return false, err
	}
	return reflect.DeepEqual(mine, others), nil
}

// reseal makes every secret value of the row sealed with the key that seals
// now. It reports whether the row has changed.
func (r *versionRow) reseal(box *seal.Box) (changed bool, err error) {
	var o options
	if r.options != "" && (r.headers != "" || strings.Contains(string(r.options), `"signing"`)) {
		if err := decodeJSON(r.options, &o); err != nil {
			return false, err
		}
	}
	headers, err := r.resealHeaders(&o, box)
	if err != nil {
		return false, err
	}
	signing, err := r.resealSigning(&o, box)
	return headers || signing, err
}

func (r *versionRow) resealHeaders(o *options, box *seal.Box) (changed bool, err error) {
	if r.headers == "" {
		return false, nil
	}
	var stored map[string]storedValue
	if err := decodeJSON(r.headers, &stored); err != nil {
		return false, err
	}
	var spec domain.Spec
	o.set(&spec)
	for name, value := range stored {
		changed = changed || value.sealed && value.stale(box) || !value.sealed && spec.IsSecret(name)
	}
	if !changed {
		return false, nil
	}
	if spec.Headers, err = r.openHeaders(box); err != nil {
		return false, err
	}
	return true, r.sealHeaders(&spec, box)
}

func (r *versionRow) resealSigning(o *options, box *seal.Box) (changed bool, err error) {
	if o.Signing == nil || !slices.ContainsFunc(o.Signing.Secrets, func(v storedValue) bool { return v.stale(box) }) {
		return false, nil
	}
	secrets, err := r.openSigning(o.Signing, box)
	if err != nil {
		return false, err
	}
	if o.Signing, err = r.sealSigning(secrets, box); err != nil {
		return false, err
	}
	r.options, err = encodeJSON(o)
	return true, err
}
