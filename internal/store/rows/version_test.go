package rows

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// The Defaults of the schema are those of a new job: otherwise every row would
// need options. When this fails because package domain has new Defaults, the
// stored ones must stay as they are and this test must say so.
func TestStoredDefaultsAreThoseOfNewJobs(t *testing.T) {
	want := domain.DefaultSpec()
	want.Timezone = "" // a column of its own
	if diff := cmp.Diff(want, Defaults); diff != "" {
		t.Errorf("Defaults differ (-domain +stored):\n%s", diff)
	}
	v := version()
	row, err := Encode(&v, nil)
	if err != nil || row.Options != "" || row.Tags != "" || row.Headers != "" || row.Body != "" {
		t.Errorf("a plain job is stored with %+v, error %v", row, err)
	}
}

// Every field of a spec has a place in the row: a new field that nobody
// stores fails here.
func TestEveryFieldOfASpecIsStored(t *testing.T) {
	columns := []string{"Schedule", "API", "Type", "Name", "Key", "Tags", "Timezone", "Headers", "Body"}
	option := make(map[string]bool)
	for f := range reflect.TypeFor[options]().Fields() {
		option[f.Name] = true
	}
	for f := range reflect.TypeFor[domain.Spec]().Fields() {
		isColumn := strings.Contains(" "+strings.Join(columns, " ")+" ", " "+f.Name+" ")
		if isColumn == option[f.Name] {
			t.Errorf("field %s: a column %t, an option %t, want one of them", f.Name, isColumn, option[f.Name])
		}
	}
}

func TestOptionsHoldOnlyWhatDiffers(t *testing.T) {
	v := version()
	v.Spec.Retry.MaxRetries = 0
	v.Spec.TLSSkipVerify = true
	row, err := Encode(&v, nil)
	want := Text(`{"retry":{"maxRetries":0,"delayMs":1000,"backoff":"LINEAR","maxDelayMs":3600000},` +
		`"tlsSkipVerify":true}`)
	if err != nil || row.Options != want {
		t.Errorf("options %s, want %s, error %v", row.Options, want, err)
	}
	is := domain.Version{Spec: Defaults}
	spec := &is.Spec
	if faults := row.decode(&is, nil); len(faults) > 0 || spec.Retry != v.Spec.Retry || !spec.TLSSkipVerify ||
		spec.TimeoutMs != 30_000 {
		t.Errorf("read back as %+v, faults %v", is, faults)
	}
}
