package rows

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
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// This file is the only way by which the secrets of jobs, of headers and of
// signing, go to the disk and come back.

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
func (v storedText) MarshalJSON() ([]byte, error) {
	if v.sealed {
		return json.Marshal(sealedText{v.text})
	}
	return json.Marshal(v.text)
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *storedText) UnmarshalJSON(doc []byte) error {
	if v.sealed = len(doc) > 0 && doc[0] == '{'; !v.sealed {
		return json.Unmarshal(doc, &v.text)
	}
	// What Seal makes needs no escapes: without a second decoder a start with
	// many secrets is a third shorter.
	bare, ok := bytes.CutPrefix(doc, []byte(`{"sealed":"`))
	if bare, end := bytes.CutSuffix(bare, []byte(`"}`)); ok && end && bytes.IndexByte(bare, '\\') < 0 &&
		bytes.IndexByte(bare, '"') < 0 {
		v.text = string(bare)
		return nil
	}
	var s sealedText
	err := json.Unmarshal(doc, &s)
	v.text = s.Sealed
	return err
}

// stale reports whether a secret has to be sealed anew.
func (v *storedText) stale(box *seal.Box) bool { return !v.sealed || !box.IsCurrent(v.text) }

// place is what a sealed text is bound to: the version, and the field's path in
// the job's document.
func (r *Version) place(field string) []byte {
	return seal.Place("job", string(r.JobID[:]), strconv.Itoa(r.Number), field)
}

// sealText seals a secret of the row.
func (r *Version) sealText(box *seal.Box, field, secret string) (storedText, error) {
	text, err := box.Seal(r.place(field), secret)
	if err != nil {
		return storedText{}, fmt.Errorf("%s: %w", field, err)
	}
	return storedText{text, true}, nil
}

// openText returns what a stored text says.
func (r *Version) openText(box *seal.Box, field string, stored storedText) (string, error) {
	if !stored.sealed {
		return stored.text, nil
	}
	text, err := box.Open(r.place(field), stored.text)
	if err != nil {
		return "", fmt.Errorf("%s of version %d of job %s %w", field, r.Number, r.JobID, err)
	}
	return text, nil
}

func headerField(name string) string { return "headers." + name }

func signingField(i int) string { return "signing.secrets[" + strconv.Itoa(i) + "]" }

// sealHeaders encodes the headers of a spec, the secret ones sealed.
func (r *Version) sealHeaders(spec *domain.Spec, box *seal.Box) error {
	secret := spec.SecretHeaders()
	if len(secret) == 0 {
		var err error
		r.Headers, err = EncodeJSON(spec.Headers) // sorts the names
		return err
	}
	stored := make(map[string]storedText, len(spec.Headers))
	for name, value := range spec.Headers {
		stored[name] = storedText{text: value}
	}
	for _, name := range secret {
		var err error
		if stored[name], err = r.sealText(box, headerField(name), spec.Headers[name]); err != nil {
			return err
		}
	}
	var err error
	r.Headers, err = EncodeJSON(stored)
	return err
}

// openHeaders decodes the headers of a row. Rows without a sealed value pay a
// look for one.
func (r *Version) openHeaders(box *seal.Box) (map[string]string, error) {
	if r.Headers == "" {
		return nil, nil
	}
	if !strings.Contains(string(r.Headers), seal.Prefix) {
		var plain map[string]string
		err := decodeJSON(r.Headers, &plain)
		return plain, err
	}
	var stored map[string]storedText
	if err := decodeJSON(r.Headers, &stored); err != nil {
		return nil, err
	}
	headers := make(map[string]string, len(stored))
	for _, name := range slices.Sorted(maps.Keys(stored)) { // the first fault is always the same
		var err error
		if headers[name], err = r.openText(box, headerField(name), stored[name]); err != nil {
			return nil, err
		}
	}
	return headers, nil
}

// storedSigning is how a job's signing secrets lie in the options of a version.
type storedSigning struct {
	Secrets []storedText `json:"secrets"`
}

func (r *Version) sealSigning(secrets []webhook.Secret, box *seal.Box) (*storedSigning, error) {
	s := new(storedSigning)
	for i, secret := range secrets {
		text, err := r.sealText(box, signingField(i), secret.Reveal())
		if err != nil {
			return nil, err
		}
		s.Secrets = append(s.Secrets, text)
	}
	return s, nil
}

func (r *Version) openSigning(stored *storedSigning, box *seal.Box) ([]webhook.Secret, error) {
	if stored == nil {
		return nil, nil
	}
	var secrets []webhook.Secret
	for i, secret := range stored.Secrets {
		text, err := r.openText(box, signingField(i), secret)
		if err != nil {
			return nil, err
		}
		secrets = append(secrets, webhook.Secret(text))
	}
	return secrets, nil
}

// Reseal makes every secret value of the row sealed with the key that seals
// now. It reports whether the row has changed.
func (r *Version) Reseal(box *seal.Box) (changed bool, err error) {
	var o options
	if r.Options != "" && (r.Headers != "" || strings.Contains(string(r.Options), `"signing"`)) {
		if err := decodeJSON(r.Options, &o); err != nil {
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

func (r *Version) resealHeaders(o *options, box *seal.Box) (changed bool, err error) {
	if r.Headers == "" {
		return false, nil
	}
	var stored map[string]storedText
	if err := decodeJSON(r.Headers, &stored); err != nil {
		return false, err
	}
	var v domain.Version
	o.set(&v)
	spec := &v.Spec
	for name, value := range stored {
		changed = changed || value.sealed && value.stale(box) || !value.sealed && spec.IsSecret(name)
	}
	if !changed {
		return false, nil
	}
	if spec.Headers, err = r.openHeaders(box); err != nil {
		return false, err
	}
	return true, r.sealHeaders(spec, box)
}

func (r *Version) resealSigning(o *options, box *seal.Box) (changed bool, err error) {
	if o.Signing == nil || !slices.ContainsFunc(o.Signing.Secrets, func(v storedText) bool { return v.stale(box) }) {
		return false, nil
	}
	secrets, err := r.openSigning(o.Signing, box)
	if err != nil {
		return false, err
	}
	if o.Signing, err = r.sealSigning(secrets, box); err != nil {
		return false, err
	}
	r.Options, err = EncodeJSON(o)
	return true, err
}
