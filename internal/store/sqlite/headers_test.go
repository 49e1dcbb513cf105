package sqlite

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
)

// FuzzVersionRow reads any text as the JSON of a stored version, as a damaged
// file may hold it: no panic, and what can be read is the same after it was
// sealed anew.
func FuzzVersionRow(f *testing.F) {
	box, err := seal.NewBox(seal.NewKey())
	if err != nil {
		f.Fatal(err)
	}
	good := versionRow{jobID: jobID(1), number: 1}
	spec := secretVersion(1).Spec
	if err := good.sealHeaders(&spec, box); err != nil {
		f.Fatal(err)
	}
	f.Add(string(good.headers), `{"secretHeaders":["X-Own"]}`, `["a"]`)
	f.Add(`{"Authorization":"plain"}`, "", "")
	f.Add(`{"A":{"sealed":"sealed:v1:00000000:AAAA"},"B":{"sealed":7}}`, `{"retry":{"maxRetries":1}}`, `[`)
	f.Add(`{"A":{"x":"sealed:v1:"}}`, `null`, `null`)
	f.Add(`[1]`, `{"secretHeaders":null,"method":"GET"}`, `{}`)
	f.Fuzz(func(t *testing.T, headers, options, tags string) {
		row := versionRow{jobID: jobID(1), number: 1, headers: text(headers), options: text(options), tags: text(tags)}
		var before, after domain.Spec
		readable := row.decode(&before, box) == nil
		if _, err := row.reseal(box); err != nil || !readable {
			return
		}
		if err := row.decode(&after, box); err != nil {
			t.Fatalf("sealed anew as %s: %v", row.headers, err)
		}
		was, err := json.Marshal(before)
		if err != nil {
			return // a body that is no JSON
		}
		is, err := json.Marshal(after)
		if err != nil || !bytes.Equal(was, is) {
			t.Errorf("%s became %s, error %v", was, is, err)
		}
	})
}

// TestPlainRowsNeedNoKey: a row without a secret is written and read without
// the box being asked, which a box that is not there shows.
func TestPlainRowsNeedNoKey(t *testing.T) {
	v := version(1)
	v.Spec.Headers = map[string]string{"Accept": "text/plain", "X-Team": "billing"}
	row, err := encodeVersion(&v, nil)
	if err != nil || row.headers != `{"Accept":"text/plain","X-Team":"billing"}` {
		t.Fatalf("stored as %s, error %v", row.headers, err)
	}
	spec := defaults
	if err := row.decode(&spec, nil); err != nil || len(spec.Headers) != 2 {
		t.Errorf("read as %v, error %v", spec.Headers, err)
	}
	if changed, err := row.reseal(nil); changed || err != nil {
		t.Errorf("sealed anew: %t, error %v", changed, err)
	}
}
