package domain

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/webhook"
)

const (
	secretA webhook.Secret = "whsec_YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
	secretB webhook.Secret = "whsec_YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI="
	secretC webhook.Secret = "whsec_Y2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2M="
)

func TestSigningIsChecked(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		secrets []webhook.Secret
		want    string // the one fault
	}{
		"none":       {nil, ""},
		"one":        {[]webhook.Secret{secretA}, ""},
		"two":        {[]webhook.Secret{secretA, secretB}, ""},
		"three":      {[]webhook.Secret{secretA, secretB, secretC}, "signing.secrets: must be at most 2"},
		"twice":      {[]webhook.Secret{secretA, secretA}, "signing.secrets[1]: is there twice"},
		"wrong":      {[]webhook.Secret{secretA, "secret"}, "signing.secrets[1]: must be whsec_"},
		"empty":      {[]webhook.Secret{""}, "signing.secrets[0]: must be whsec_"},
		"only shown": {[]webhook.Secret{webhook.Mask, secretA}, "signing.secrets[0]: must be whsec_"},
	} {
		s := validSpec()
		s.Signing.Secrets = tc.secrets
		got := fieldsOf(t, s.Validate())
		if tc.want == "" && len(got) != 0 || tc.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], tc.want)) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// A document is shown without its secrets, and takes what was shown.
func TestMaskedDocuments(t *testing.T) {
	t.Parallel()
	doc := NewSpecDoc()
	doc.Spec = validSpec()
	doc.Signing.Secrets = []webhook.Secret{secretA, secretB}
	shown, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	masked := doc.Masked()
	if len(masked.Signing.Secrets) != 2 || masked.Signing.Secrets[0] != Mask || masked.Signing.Secrets[1] != Mask || doc.Signing.Secrets[0] != secretA {
		t.Errorf("masked as %q", masked.Signing.Secrets)
	}
	if text := string(shown) + fmt.Sprintf("%v %+v %#v", doc, doc, doc); strings.Contains(text, string(secretA[6:])) || strings.Contains(text, string(secretB[6:])) {
		t.Errorf("a secret is in %s", text)
	}
	same := doc
	if err := same.Merge(shown); err != nil || !reflect.DeepEqual(same, doc) {
		t.Errorf("what was shown changes the job: %v", err)
	}
	revealed, err := doc.RevealedJSON()
	if err != nil {
		t.Fatal(err)
	}
	fresh := NewSpecDoc()
	if err := fresh.Merge(revealed); err != nil || !reflect.DeepEqual(fresh, doc) {
		t.Errorf("%s is not the document: %v", revealed, err)
	}
	plain := NewSpecDoc()
	revealed, err = plain.RevealedJSON()
	if err != nil || strings.Contains(string(revealed), "signing") {
		t.Errorf("a job without secrets: %s, %v", revealed, err)
	}
}

// A draft does not write into the secrets of the current version.
func TestDraftsDoNotTouchSecrets(t *testing.T) {
	t.Parallel()
	doc := NewSpecDoc()
	doc.Signing.Secrets = []webhook.Secret{secretA, secretB}
	draft := doc
	if err := draft.Merge([]byte(`{"signing":{"secrets":["` + string(secretC) + `","********"]}}`)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(draft.Signing.Secrets, []webhook.Secret{secretC, secretA}) || !reflect.DeepEqual(doc.Signing.Secrets, []webhook.Secret{secretA, secretB}) {
		t.Error("the wrong secrets, or the current version has changed")
	}
}

// A mask stands for a secret that is there, or for nothing: that is a fault.
func TestMasksOfSigningSecrets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		had, sent []webhook.Secret
		want      []webhook.Secret // nil with a fault
		fault     string
	}{
		"kept":             {[]webhook.Secret{secretA}, []webhook.Secret{Mask}, []webhook.Secret{secretA}, ""},
		"both kept":        {[]webhook.Secret{secretA, secretB}, []webhook.Secret{Mask, Mask}, []webhook.Secret{secretA, secretB}, ""},
		"one before":       {[]webhook.Secret{secretA}, []webhook.Secret{secretC, Mask}, []webhook.Secret{secretC, secretA}, ""},
		"the old one goes": {[]webhook.Secret{secretC, secretA}, []webhook.Secret{Mask}, []webhook.Secret{secretC}, ""},
		"none left":        {[]webhook.Secret{secretA}, []webhook.Secret{}, nil, ""},
		"mask of nothing":  {nil, []webhook.Secret{Mask}, nil, "signing.secrets[0]: must be the value itself"},
		"one too many":     {[]webhook.Secret{secretA}, []webhook.Secret{Mask, Mask}, nil, "signing.secrets[1]: must be the value itself"},
	} {
		doc := NewSpecDoc()
		doc.Signing.Secrets = c.had
		var texts []string
		for _, secret := range c.sent {
			texts = append(texts, fmt.Sprintf("%q", secret.Reveal()))
		}
		err := doc.Merge([]byte(`{"signing":{"secrets":[` + strings.Join(texts, ",") + `]}}`))
		faults := fieldsOf(t, err)
		switch {
		case c.fault != "":
			if len(faults) != 1 || !strings.HasPrefix(faults[0], c.fault) || !reflect.DeepEqual(doc.Signing.Secrets, c.had) {
				t.Errorf("%s: faults %q, %d secrets", name, faults, len(doc.Signing.Secrets))
			}
		case err != nil || !reflect.DeepEqual(doc.Signing.Secrets, c.want):
			t.Errorf("%s: %v, not the secrets that are meant", name, err)
		}
	}
}
