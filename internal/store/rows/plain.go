package rows

import (
	"strings"

	"github.com/belfry-scheduler/belfry/internal/seal"
)

// Plain returns the row with its secrets in plain text, so that it can be compared with a row
// whose secrets another key has sealed. It is never stored. What cannot be opened is as it was.
func (r *Version) Plain(box *seal.Box) Version {
	plain := *r
	if headers, err := r.openHeaders(box); err == nil && len(headers) > 0 {
		if doc, err := EncodeJSON(headers); err == nil {
			plain.Headers = doc
		}
	}
	if !strings.Contains(string(r.Options), `"signing"`) {
		return plain
	}
	var o options
	if err := decodeJSON(r.Options, &o); err != nil || o.Signing == nil {
		return plain
	}
	secrets, err := r.openSigning(o.Signing, box)
	if err != nil {
		return plain
	}
	o.Signing = new(storedSigning)
	for _, s := range secrets {
		o.Signing.Secrets = append(o.Signing.Secrets, storedText{text: s.Reveal()})
	}
	if doc, err := EncodeJSON(o); err == nil {
		plain.Options = doc
	}
	return plain
}
