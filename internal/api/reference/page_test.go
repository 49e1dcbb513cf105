package reference

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

func TestDocsWords(t *testing.T) {
	lo, hi, n := 1.0, 5.0, 9
	for _, tc := range []struct {
		schema *huma.Schema
		typ    docsType
		limits string
	}{
		{nil, docsType{"none", ""}, ""},
		{&huma.Schema{}, docsType{"any JSON", ""}, ""},
		{&huma.Schema{Ref: "#/components/schemas/Job"}, docsType{"Job", "Job"}, ""},
		{&huma.Schema{Type: "string", Format: "uuid"}, docsType{"uuid", ""}, ""},
		{&huma.Schema{Type: "string", Format: "date-time", MaxLength: &n}, docsType{"string", ""},
			"At most 9 characters"},
		{&huma.Schema{Type: "integer", Nullable: true, Minimum: &lo, Maximum: &hi}, docsType{"integer or null", ""},
			"From 1 to 5"},
		{&huma.Schema{Type: "integer", Minimum: &lo}, docsType{"integer", ""}, "At least 1"},
		{&huma.Schema{Type: "string", Enum: []any{"A", "B"}}, docsType{"string", ""}, "A, B"},
		{&huma.Schema{Type: "array", Items: &huma.Schema{Ref: "#/x/Job"}, MaxItems: &n},
			docsType{"array of Job", "Job"}, "At most 9"},
		{&huma.Schema{Type: "object"}, docsType{"object", ""}, ""},
		{&huma.Schema{Type: "object", AdditionalProperties: &huma.Schema{Type: "string"}, MaxProperties: &n},
			docsType{"object of string", ""}, "At most 9"},
	} {
		if got := typeOf(tc.schema); got != tc.typ {
			t.Errorf("%+v, want %+v", got, tc.typ)
		}
		if tc.schema != nil && limitsOf(tc.schema) != tc.limits {
			t.Errorf("%q, want %q", limitsOf(tc.schema), tc.limits)
		}
	}
	if got := []string{bytesText(1 << 20), bytesText(64 << 20), bytesText(1000), jsonText("x"), jsonText([]int{1}),
		jsonText(func() {})}; got[0] != "1 MiB" ||
		got[1] != "64 MiB" || got[2] != "1000 bytes" || got[3] != "x" || got[4] != "[1]" || got[5] == "" {
		t.Errorf("%q", got)
	}
}

// TestPolicyAllowsTheStyle: the hash in the policy is that of the style in the page.
func TestPolicyAllowsTheStyle(t *testing.T) {
	doc := Config().OpenAPI
	page, err := Page(doc, []Problem{{"canary", "A title", "A meaning", 400}})
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "<style>")
	style, _, found := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	if !found || !strings.Contains(PagePolicy(), "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
		t.Errorf("%s does not allow the style of the page", PagePolicy())
	}
	if !strings.Contains(string(page), `id="problem-canary"`) {
		t.Error("the problem is not explained")
	}
}
