package api

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// preferParam documents the header Prefer (RFC 7240) of routes whose answer may be large.
type preferParam string

// Schema implements huma.SchemaProvider.
func (preferParam) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: "string", Examples: []any{"return=minimal"},
		Description: "return=minimal: the short answer, and Preference-Applied says so. Other preferences are " +
			"not looked at.",
	}
}

// The preferences that are known, as Preference-Applied names them.
const (
	returnMinimal = "return=minimal"
	returnWhole   = "return=representation"
)

// preferredReturn returns which of two answers a request prefers (RFC 7240, section 4.2);
// empty: it does not say. Of several that differ the first counts.
func preferredReturn(r *http.Request) string {
	for _, line := range r.Header.Values("Prefer") {
		for one := range strings.SplitSeq(line, ",") {
			one, _, _ = strings.Cut(one, ";") // parameters of a preference
			name, value, _ := strings.Cut(one, "=")
			if !strings.EqualFold(strings.TrimSpace(name), "return") {
				continue
			}
			switch value = strings.Trim(strings.TrimSpace(value), `"`); {
			case strings.EqualFold(value, "minimal"):
				return returnMinimal
			case strings.EqualFold(value, "representation"):
				return returnWhole
			}
		}
	}
	return ""
}
