package wire

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

const (
	secretA webhook.Secret = "whsec_YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
	secretB webhook.Secret = "whsec_YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI="
	secretC webhook.Secret = "whsec_Y2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2M="
)

// A PUT that sends back what a GET has shown changes nothing; a mask that
// stands for nothing is refused; and no change shows what nobody has sent.
func TestMergeKeepsSecrets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text  string
		want  map[string]string // nil: refused
		fault string
	}{
		"nothing": {`{}`, map[string]string{"Authorization": "old", "X-Own": "mine", "Accept": "a"}, ""},
		"the masks": {`{"headers":{"Authorization":"********","X-Own":"********","Accept":"b"}}`,
			map[string]string{"Authorization": "old", "X-Own": "mine", "Accept": "b"}, ""},
		"in another case": {`{"headers":{"authorization":"********"}}`,
			map[string]string{"authorization": "old"}, ""},
		"a new value": {`{"headers":{"Authorization":"new"}}`, map[string]string{"Authorization": "new"}, ""},
		"removed":     {`{"headers":{"Accept":"a"}}`, map[string]string{"Accept": "a"}, ""},
		"reset":       {`{"headers":null}`, map[string]string{}, ""},
		"nothing to keep": {`{"headers":{"X-Api-Key":"********"}}`, nil,
			"headers.X-Api-Key: must be the value itself"},
		"moved to a name that is shown": {`{"headers":{"X-Other":"********"}}`, nil,
			"headers.X-Other: must be the value itself"},
		"moved to a name that was shown": {`{"headers":{"Accept":"********","X-Own":"********"}}`, nil,
			"headers.Accept: must be the value itself"},
		"moved to a secret name": {`{"headers":{"X-Own":"********","Cookie":"********"}}`, nil,
			"headers.Cookie: must be the value itself"},
		"no longer secret": {`{"secretHeaders":[]}`, nil, "secretHeaders: must go on to name X-Own"},
		"mask, not secret": {`{"secretHeaders":null,"headers":{"X-Own":"********"}}`, nil,
			"secretHeaders: must go on to name X-Own"},
		"sent anew": {`{"secretHeaders":[],"headers":{"X-Own":"shown"}}`,
			map[string]string{"X-Own": "shown"}, ""},
		"named from now on": {`{"secretHeaders":["X-Own","Accept"]}`,
			map[string]string{"Authorization": "old", "X-Own": "mine", "Accept": "a"}, ""},
		"named and kept": {`{"secretHeaders":["x-own"],"headers":{"X-Own":"********"}}`,
			map[string]string{"X-Own": "mine"}, ""},
		"named, mask of none": {`{"secretHeaders":["Accept","X-Own"],"headers":{"Accept":"********"}}`, nil,
			"headers.Accept: must be the value itself"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := domain.NewSpecDoc()
			d.Spec = validSpec()
			d.Headers = map[string]string{"Authorization": "old", "X-Own": "mine", "Accept": "a"}
			d.SecretNames = []string{"X-Own"}
			shared, before := d.Headers, maps.Clone(d.Headers)
			err := lay(&d, []byte(c.text), overOld)
			switch faults := fieldsOf(t, err); {
			case c.want == nil:
				if len(faults) != 1 || !strings.Contains(faults[0], c.fault) {
					t.Errorf("faults %q, want one with %q", faults, c.fault)
				}
			case err != nil || !maps.Equal(d.Headers, c.want):
				t.Errorf("headers %q, error %v, want %q", d.Headers, err, c.want)
			}
			if !maps.Equal(shared, before) {
				t.Error("the current version of the job has changed with its draft")
			}
			if strings.Contains(strings.Join(fieldsOf(t, err), ""), "mine") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

// A document is shown without its secrets, and takes what was shown.
func TestMaskedDocuments(t *testing.T) {
	t.Parallel()
	doc := domain.NewSpecDoc()
	doc.Spec = validSpec()
	doc.Signing.Secrets = []webhook.Secret{secretA, secretB}
	shown, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	masked := doc.Masked()
	if len(masked.Signing.Secrets) != 2 || masked.Signing.Secrets[0] != domain.Mask ||
		masked.Signing.Secrets[1] != domain.Mask || doc.Signing.Secrets[0] != secretA {
		t.Errorf("masked as %q", masked.Signing.Secrets)
	}
	if text := string(shown) + fmt.Sprintf("%v %+v %#v", doc, doc, doc); strings.Contains(text, string(secretA[6:])) ||
		strings.Contains(text, string(secretB[6:])) {
		t.Errorf("a secret is in %s", text)
	}
	same := doc
	if err := lay(&same, shown, overOld); err != nil || !reflect.DeepEqual(same, doc) {
		t.Errorf("what was shown changes the job: %v", err)
	}
	revealed, err := encode(&doc, true)
	if err != nil {
		t.Fatal(err)
	}
	fresh := domain.NewSpecDoc()
	err = lay(&fresh, revealed, overOld)
	if fresh.SecretsSent = false; err != nil || !reflect.DeepEqual(fresh, doc) {
		t.Errorf("%s is not the document: %v", revealed, err)
	}
	plain := domain.NewSpecDoc()
	revealed, err = encode(&plain, true)
	if err != nil || strings.Contains(string(revealed), "signing") {
		t.Errorf("a job without secrets: %s, %v", revealed, err)
	}
}

// A draft does not write into the secrets of the current version.
func TestDraftsDoNotTouchSecrets(t *testing.T) {
	t.Parallel()
	doc := domain.NewSpecDoc()
	doc.Signing.Secrets = []webhook.Secret{secretA, secretB}
	draft := doc
	if err := lay(&draft, []byte(`{"signing":{"secrets":["`+string(secretC)+`","********"]}}`), overOld); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(draft.Signing.Secrets, []webhook.Secret{secretC, secretA}) ||
		!reflect.DeepEqual(doc.Signing.Secrets, []webhook.Secret{secretA, secretB}) {
		t.Error("the wrong secrets, or the current version has changed")
	}
}

// A mask replaces a secret that is there; one that replaces nothing is a fault.
func TestMasksOfSigningSecrets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		had, sent []webhook.Secret
		want      []webhook.Secret // nil with a fault
		fault     string
	}{
		"kept": {[]webhook.Secret{secretA}, []webhook.Secret{domain.Mask}, []webhook.Secret{secretA}, ""},
		"both kept": {[]webhook.Secret{secretA, secretB}, []webhook.Secret{domain.Mask, domain.Mask},
			[]webhook.Secret{secretA, secretB}, ""},
		"one before": {[]webhook.Secret{secretA}, []webhook.Secret{secretC, domain.Mask},
			[]webhook.Secret{secretC, secretA}, ""},
		"the old one goes": {[]webhook.Secret{secretC, secretA}, []webhook.Secret{domain.Mask},
			[]webhook.Secret{secretC}, ""},
		"none left":       {[]webhook.Secret{secretA}, []webhook.Secret{}, nil, ""},
		"mask of nothing": {nil, []webhook.Secret{domain.Mask}, nil, "signing.secrets[0]: must be the value itself"},
		"one too many": {[]webhook.Secret{secretA}, []webhook.Secret{domain.Mask, domain.Mask}, nil,
			"signing.secrets[1]: must be the value itself"},
	} {
		doc := domain.NewSpecDoc()
		doc.Signing.Secrets = c.had
		var texts []string
		for _, secret := range c.sent {
			texts = append(texts, fmt.Sprintf("%q", secret.Reveal()))
		}
		err := lay(&doc, []byte(`{"signing":{"secrets":[`+strings.Join(texts, ",")+`]}}`), overOld)
		faults := fieldsOf(t, err)
		switch {
		case c.fault != "":
			if len(faults) != 1 || !strings.HasPrefix(faults[0], c.fault) ||
				!reflect.DeepEqual(doc.Signing.Secrets, c.had) {
				t.Errorf("%s: faults %q, %d secrets", name, faults, len(doc.Signing.Secrets))
			}
		case err != nil || !reflect.DeepEqual(doc.Signing.Secrets, c.want):
			t.Errorf("%s: %v, not the secrets that are meant", name, err)
		}
	}
}

// A secret that is sent is noted, whether it is the stored one or not; a mask is not one.
func TestSecretsSent(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{}`: false, `{"name":"x"}`: false, `{"headers":{"Authorization":"********"}}`: false, `{"headers":{}}`: false,
		`{"headers":{"Accept":"b"}}`: false, `{"signing":{"secrets":["********"]}}`: false, `{"signing":{}}`: false,
		`{"headers":{"Authorization":"old"}}`: true, `{"headers":{"authorization":"guess"}}`: true,
		`{"headers":{"X-Own":"mine"}}`: true, `{"signing":{"secrets":["` + string(secretA) + `"]}}`: true,
		`{"signing":{"secrets":["` + string(secretB) + `","********"]}}`: true,
	} {
		d := domain.NewSpecDoc()
		d.Spec = validSpec()
		d.Headers = map[string]string{"Authorization": "old", "X-Own": "mine", "Accept": "a"}
		d.SecretNames, d.Signing.Secrets = []string{"X-Own"}, []webhook.Secret{secretA}
		if err := lay(&d, []byte(text), overOld); err != nil || d.SecretsSent != want {
			t.Errorf("%s: %t and %v, want %t", text, d.SecretsSent, err, want)
		}
	}
	d := domain.NewSpecDoc() // a header that was stored with these eight characters can be sent back
	d.Spec = validSpec()
	d.Headers = map[string]string{"Accept": "********"}
	if err := lay(&d, []byte(`{"headers":{"Accept":"********"}}`), overOld); err != nil {
		t.Error(err)
	}
}

// A name that shows something else than it holds is refused, unless it is stored.
func TestNamesAreSeen(t *testing.T) {
	t.Parallel()
	const reversed, wide = "pay\u202eslip", "a\u200bb"
	old := domain.NewSpecDoc()
	old.Spec = validSpec()
	old.Name, old.Tags = reversed, []string{wide}
	for text, want := range map[string]string{
		`{"name":"x\u202ey"}`:      "name: must be printable text: it has U+202E",
		`{"tags":["a","b\ufeff"]}`: "tags[1]: must",
		`{"timeoutMs":5}`:          "", `{"name":"pay\u202eslip"}`: "", `{"tags":["c","a\u200bb"]}`: "",
		`{"name":"a\nb"}`: "name: must",
	} {
		d := old
		faults := fieldsOf(t, lay(&d, []byte(text), overOld))
		if want == "" && len(faults) > 0 || want != "" && (len(faults) != 1 || !strings.HasPrefix(faults[0], want)) {
			t.Errorf("%s: %q, want %q", text, faults, want)
		}
	}
}
