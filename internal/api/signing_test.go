package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// Secrets that are looked for in answers.
const (
	canary1 = "whsec_Y2FuYXJ5LW51bWJlci1vbmUtY2FuYXJ5LW9uZQ=="
	canary2 = "whsec_Y2FuYXJ5LW51bWJlci10d28tY2FuYXJ5LXR3bw=="
)

// secretsOf returns what the store has of a job.
func (f *fixture) secretsOf(t *testing.T, id string) []webhook.Secret {
	t.Helper()
	return f.job(t, id).Current.Spec.Signing.Secrets
}

// TestSecretsLeaveOnlyByAnExportThatAsksForThem looks for them in every answer.
func TestSecretsLeaveOnlyByAnExportThatAsksForThem(t *testing.T) {
	h := ofAdmin(t, newFixture(t))
	signed := strings.Replace(minimal, "{", `{"signing":{"secrets":["`+canary1+`","`+canary2+`"]},`, 1)
	id := create(t, h, signed)
	for _, res := range []answer{
		call(t, h, "POST", "/jobs", signed),
		call(t, h, "GET", "/jobs/"+id, ""),
		call(t, h, "GET", "/jobs", ""),
		call(t, h, "GET", "/jobs?text=whsec", ""),
		call(t, h, "GET", "/jobs/export", ""),
		call(t, h, "GET", "/jobs/export?withSecrets=false", ""),
		call(t, h, "PUT", "/jobs/"+id, `{"name":"x"}`),
		call(t, h, "PUT", "/jobs/"+id, `{"signing":{"secrets":["`+canary1+`","`+canary1+`"]}}`),
		call(t, h, "PUT", "/jobs/"+id, `{"signing":{"secrets":["`+canary1+`x"]}}`),
		call(t, h, "PUT", "/jobs/"+id, `{"signing":{"secrets":"`+canary1+`"}}`),
		call(t, h, "PUT", "/jobs/"+id, `{"signing":{"secrets":{"`+canary1+`":1}}}`),
		call(t, h, "POST", "/jobs/import", `[`+strings.Replace(signed, canary2, canary2+"!", 1)+`]`),
	} {
		for _, canary := range []string{canary1, canary2} {
			if strings.Contains(res.text, strings.TrimPrefix(canary, "whsec_")) {
				t.Errorf("%s is in the answer %d %s", canary, res.StatusCode, res.text)
			}
		}
	}
	if text := call(t, h, "GET", "/jobs/"+id, "").text; !strings.Contains(text,
		`"signing":{"secrets":["********","********"]}`) {
		t.Errorf("%s does not say how many there are", text)
	}
	asked := call(t, h, "POST", "/jobs/export?withSecrets=true", "").text
	if !strings.Contains(asked, `"signing":{"secrets":["`+canary1+`","`+canary2+`"]}`) ||
		strings.Contains(asked, "***") {
		t.Errorf("the export is %s", asked)
	}
	call(t, h, "GET", "/jobs/export?withSecrets=1", "").problem(t, http.StatusBadRequest)
}

// TestMasksKeepSecrets: what was shown can be sent back, and secrets can be
// changed one by one.
func TestMasksKeepSecrets(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	id := create(t, h, minimal)
	for i, step := range []struct {
		change string
		want   []webhook.Secret
	}{
		{`"signing":{"secrets":["` + canary1 + `"]}`, []webhook.Secret{canary1}},
		{`"name":"x"`, []webhook.Secret{canary1}},
		{`"signing":{}`, []webhook.Secret{canary1}},
		{`"signing":{"secrets":["********"]}`, []webhook.Secret{canary1}},
		{`"signing":{"secrets":["` + canary2 + `","********"]}`, []webhook.Secret{canary2, canary1}},
		{`"signing":{"secrets":["********","********"]}`, []webhook.Secret{canary2, canary1}},
		{`"signing":{"secrets":["********"]}`, []webhook.Secret{canary2}},
		{`"signing":{"secrets":[]}`, nil},
		{`"signing":{"secrets":["` + canary1 + `"]}`, []webhook.Secret{canary1}},
		{`"signing":{"secrets":null}`, nil},
		{`"signing":{"secrets":["` + canary1 + `"]}`, []webhook.Secret{canary1}},
		{`"signing":null`, nil},
	} {
		res := call(t, h, "PUT", "/jobs/"+id, "{"+step.change+"}")
		if got := f.secretsOf(t, id); res.StatusCode != http.StatusOK || !slices.Equal(got, step.want) {
			t.Errorf("step %d, %s: %d, %d secrets, not those that were meant", i, step.change, res.StatusCode, len(got))
		}
	}
	for _, masks := range []string{`"********"`, `"` + canary1 + `","********"`} {
		p := call(t, h, "PUT", "/jobs/"+id, `{"signing":{"secrets":[`+masks+`]}}`)
		problem := p.problem(t, http.StatusUnprocessableEntity)
		if want := fmt.Sprintf("signing.secrets[%d]", strings.Count(masks, ",")); !slices.Equal(problem.fields(),
			[]string{want}) {
			t.Errorf("%s: %v, want %s", masks, problem.fields(), want)
		}
	}
	// What an export has masked is refused by name, and not made unsigned.
	create(t, h, strings.Replace(minimal, "{", `{"signing":{"secrets":["`+canary1+`"]},`, 1))
	report := imported(t, newAPI(t, newFixture(t)), call(t, h, "GET", "/jobs/export", "").text, ndjson)
	if report.Imported != 1 || report.Refused != 1 || !strings.Contains(fmt.Sprintf("%+v", *report.Results[1].Error),
		"signing.secrets[0]") {
		t.Errorf("%+v", report)
	}
}
