package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestCertificatesOfThisServer: a job names one that the server has. One that
// the server has lost does not stand in the way of other changes.
func TestCertificatesOfThisServer(t *testing.T) {
	f := newFixture(t)
	h, bare := newAPI(t, f), newAPI(t, f, func(c *Config) { c.ClientCertificates.Names = nil })
	with := func(name string) string { return strings.Replace(minimal, "{", `{"clientCertificate":"`+name+`",`, 1) }

	id := create(t, h, with("bank"))
	p := call(t, h, "POST", "/jobs", with("none")).problem(t, http.StatusUnprocessableEntity)
	if !slices.Equal(p.fields(), []string{"clientCertificate"}) ||
		!strings.Contains(p.Errors[0].Message, "it has acme, bank") {
		t.Errorf("%+v", p)
	}
	p = call(t, bare, "POST", "/jobs", with("bank")).problem(t, http.StatusUnprocessableEntity)
	if !strings.Contains(p.Errors[0].Message, "has no client certificates") {
		t.Errorf("%+v", p)
	}
	for _, step := range []struct {
		h      http.Handler
		change string
		status int
	}{
		{h, `{"clientCertificate":"none"}`, 422},
		{h, `{"clientCertificate":"acme"}`, 200},
		{bare, `{"name":"x"}`, 200},
		{bare, `{"clientCertificate":"acme"}`, 200},
		{bare, `{"clientCertificate":"bank"}`, 422},
		{bare, `{"clientCertificate":null}`, 200},
		{bare, `{"clientCertificate":"acme"}`, 422},
	} {
		if res := call(t, step.h, "PUT", "/jobs/"+id, step.change); res.StatusCode != step.status {
			t.Errorf("%s: %d, want %d: %s", step.change, res.StatusCode, step.status, res.text)
		}
	}
	report := imported(t, h, with("none")+"\n"+with("bank")+"\n", ndjson)
	if report.Imported != 1 || report.Refused != 1 || report.Results[0].Error == nil {
		t.Errorf("%+v", report)
	}
}
