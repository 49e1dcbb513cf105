package sqlite

import (
	"bytes"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/wire"
)

// FuzzVersionRow reads any text as the JSON of a stored version, as a damaged
// file may hold it: no panic, and what can be read is the same after it was
// sealed anew.
func FuzzVersionRow(f *testing.F) {
	box, err := seal.NewBox(seal.NewKey())
	if err != nil {
		f.Fatal(err)
	}
	v := secretVersion(1)
	good, err := encodeVersion(&v, box)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(good.headers), string(good.options), `["a"]`)
	f.Add("", `{"signing":{"secrets":["plain",{"sealed":"sealed:v1:00000000:AAAA"},{"sealed":7},null]}}`, "")
	f.Add("", `{"signing":{"secrets":["plain","also plain"]},"secretHeaders":null}`, "")
	f.Add("", `{"signing":{}}`, "")
	f.Add(`{"Authorization":"plain"}`, "", "")
	f.Add(`{"A":{"sealed":"sealed:v1:00000000:AAAA"},"B":{"sealed":7}}`, `{"retry":{"maxRetries":1}}`, `[`)
	f.Add(`{"A":{"x":"sealed:v1:"}}`, `null`, `null`)
	f.Add(`[1]`, `{"secretHeaders":null,"method":"GET"}`, `{}`)
	f.Fuzz(func(t *testing.T, headers, options, tags string) {
		row := versionRow{jobID: v.JobID, number: v.Number, headers: text(headers), options: text(options),
			tags: text(tags)}
		var before, after domain.Spec
		readable := len(row.decode(&before, box)) == 0
		if _, err := row.reseal(box); err != nil || !readable {
			return
		}
		if faults := row.decode(&after, box); len(faults) > 0 {
			t.Fatalf("sealed anew as %s, %s: %v", row.headers, row.options, faults)
		}
		was, err := wire.Revealed(&domain.Version{Spec: before}).MarshalJSON()
		if err != nil {
			return // a body that is no JSON
		}
		is, err := wire.Revealed(&domain.Version{Spec: after}).MarshalJSON()
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
	if faults := row.decode(&spec, nil); len(faults) > 0 || len(spec.Headers) != 2 {
		t.Errorf("read as %v, faults %v", spec.Headers, faults)
	}
	if changed, err := row.reseal(nil); changed || err != nil {
		t.Errorf("sealed anew: %t, error %v", changed, err)
	}
}
