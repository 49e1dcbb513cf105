package rows

import (
	"bytes"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/webhook"
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
	v := secretVersion()
	good, err := Encode(&v, box)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(good.Headers), string(good.Options), `["a"]`)
	f.Add("", `{"signing":{"secrets":["plain",{"sealed":"sealed:v1:00000000:AAAA"},{"sealed":7},null]}}`, "")
	f.Add("", `{"signing":{"secrets":["plain","also plain"]},"secretHeaders":null}`, "")
	f.Add("", `{"signing":{}}`, "")
	f.Add(`{"Authorization":"plain"}`, "", "")
	f.Add(`{"A":{"sealed":"sealed:v1:00000000:AAAA"},"B":{"sealed":7}}`, `{"retry":{"maxRetries":1}}`, `[`)
	f.Add(`{"A":{"x":"sealed:v1:"}}`, `null`, `null`)
	f.Add(`[1]`, `{"secretHeaders":null,"method":"GET"}`, `{}`)
	f.Fuzz(func(t *testing.T, headers, options, tags string) {
		row := Version{JobID: v.JobID, Number: v.Number, Headers: Text(headers), Options: Text(options),
			Tags: Text(tags)}
		var before, after domain.Version
		readable := len(row.decode(&before, box)) == 0
		if _, err := row.Reseal(box); err != nil || !readable {
			return
		}
		if faults := row.decode(&after, box); len(faults) > 0 {
			t.Fatalf("sealed anew as %s, %s: %v", row.Headers, row.Options, faults)
		}
		was, err := wire.Revealed(&before).MarshalJSON()
		if err != nil {
			return // a body that is no JSON
		}
		is, err := wire.Revealed(&after).MarshalJSON()
		if err != nil || !bytes.Equal(was, is) {
			t.Errorf("%s became %s, error %v", was, is, err)
		}
	})
}

// TestPlainRowsNeedNoKey: a row without a secret is written and read without
// the box being asked, which a box that is not there shows.
func TestPlainRowsNeedNoKey(t *testing.T) {
	v := version()
	v.Spec.Headers = map[string]string{"Accept": "text/plain", "X-Team": "billing"}
	row, err := Encode(&v, nil)
	if err != nil || row.Headers != `{"Accept":"text/plain","X-Team":"billing"}` {
		t.Fatalf("stored as %s, error %v", row.Headers, err)
	}
	is := domain.Version{Spec: Defaults}
	if faults := row.decode(&is, nil); len(faults) > 0 || len(is.Spec.Headers) != 2 {
		t.Errorf("read as %v, faults %v", is.Spec.Headers, faults)
	}
	if changed, err := row.Reseal(nil); changed || err != nil {
		t.Errorf("sealed anew: %t, error %v", changed, err)
	}
}

func version() domain.Version {
	spec := domain.DefaultSpec()
	spec.Schedule, spec.API, spec.Type = "* * * * * *", "http://127.0.0.1:4444/ok", domain.AtLeastOnce
	return domain.Version{
		JobID: domain.NewJobID(1), Number: 1, EffectiveFrom: 1, EffectiveTo: domain.Forever, CreatedAt: 1,
		Active: true, Spec: spec,
	}
}

// secretVersion has a secret in a header that is secret by its name, one in a header that the
// job names, and one for signing.
func secretVersion() domain.Version {
	v := version()
	v.Spec.Headers = map[string]string{"Authorization": "Bearer 1", "X-Own": "own", "Accept": "text/plain"}
	v.Spec.SecretNames = []string{"x-own"}
	v.Spec.Signing.Secrets = []webhook.Secret{webhook.Prefix + "00000000000000000001"}
	return v
}
