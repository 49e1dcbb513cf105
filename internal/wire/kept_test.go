package wire

import (
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

func TestKeptSecrets(t *testing.T) {
	const a, b = "whsec_YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=",
		"whsec_YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI="
	doc := domain.NewSpecDoc()
	doc.Headers = map[string]string{"Authorization": "Bearer 1", "X-Own": "2", "Accept": "*/*"}
	doc.SecretNames, doc.Signing.Secrets = []string{"X-Own"}, []webhook.Secret{a, b}
	const all = "headers.Authorization headers.X-Own signing.secrets[0] signing.secrets[1]"
	for data, want := range map[string]string{
		`{}`:                                    all,
		`{"api":"https://evil.example"}`:        all,
		`{"headers":null,"signing":null}`:       "",
		`{"headers":{}}`:                        "signing.secrets[0] signing.secrets[1]",
		`{"signing":{"secrets":[]}}`:            "headers.Authorization headers.X-Own",
		`{"signing":{"secrets":["` + a + `"]}}`: "headers.Authorization headers.X-Own",
		`{"headers":{"Authorization":"********","X-Own":"2"},"signing":null}`:   "headers.Authorization",
		`{"headers":{"authorization":"********","X-Own":"new"},"signing":null}`: "headers.Authorization",
		`{"headers":{"Authorization":"Bearer 1","X-Own":"2"},"signing":null}`:   "",
		`{"headers":null,"signing":{"secrets":["` + a + `","********"]}}`:       "signing.secrets[0]",
		`{"headers":null,"signing":{"secrets":["********","********"]}}`: "signing.secrets[0] " +
			"signing.secrets[1]",
	} {
		before := doc
		if got := strings.Join(KeptSecrets(&doc, func(d *domain.SpecDoc) error { return Merge(d, []byte(data)) }),
			" "); got != want {
			t.Errorf("%s: %q, want %q", data, got, want)
		}
		if !slices.Equal(before.Signing.Secrets, doc.Signing.Secrets) || doc.Headers["Authorization"] != "Bearer 1" {
			t.Fatalf("%s: the document was changed", data)
		}
	}
}
