package api

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// TestSecretsStayAtTheirOrigin: who does not know the secrets of a job cannot have them
// sent elsewhere, by whatever change.
func TestSecretsStayAtTheirOrigin(t *testing.T) {
	k := newKeyed(t)
	editor, other := withKey{k, k.keys[domain.RoleEditor]}, withKey{k, k.keys[domain.RoleAdmin]}
	const api = "https://api.example.com/hook"
	doc := laidOver(`"api":"` + api + `","headers":{"Authorization":"Bearer canary-1","Accept":"*/*"}`)
	id := create(t, other, doc)
	const evil = `"api":"https://evil.example/hook"`
	for _, tc := range []struct {
		name, change, query string
		status              int
	}{
		{"another host", `{` + evil + `}`, "", 422},
		{"another scheme", `{"api":"http://api.example.com/hook"}`, "", 422},
		{"another port", `{"api":"https://api.example.com:8443/hook"}`, "", 422},
		{"the mask", `{` + evil + `,"headers":{"Authorization":"********"}}`, "", 422},
		{"the mask under a name of another case", `{` + evil + `,"headers":{"authorization":"********"}}`, "", 422},
		{"the mask under another name", `{` + evil + `,"headers":{"X-Token":"********"}}`, "", 422},
		{"another method as well", `{` + evil + `,"method":"GET"}`, "", 422},
		{"without verification", `{"tlsSkipVerify":true}`, "", 422},
		{"as an admin would", `{` + evil + `}`, "?keepSecrets=true", 403},
		{"another path", `{"api":"https://API.example.com:443/other"}`, "", 200},
		{"without secrets", `{` + evil + `,"headers":{"Accept":"*/*"}}`, "", 200},
	} {
		res := call(t, editor, "PUT", "/jobs/"+id+tc.query, tc.change)
		if res.StatusCode != tc.status {
			t.Errorf("%s: %d %s, want %d", tc.name, res.StatusCode, res.text, tc.status)
		}
		if strings.Contains(res.text, "canary") {
			t.Errorf("%s: the answer has the secret: %s", tc.name, res.text)
		}
	}
	id = create(t, other, doc)
	call(t, editor, "PATCH", "/jobs/"+id, `{`+evil+`}`, "Content-Type: application/merge-patch+json").problem(t, 422)
	res := call(t, editor, "PUT", "/jobs/"+id, `{`+evil+`}`)
	if p := res.problem(t, http.StatusUnprocessableEntity); p.Errors[0].Field != "api" ||
		!strings.Contains(p.Errors[0].Message, "headers.Authorization") ||
		!strings.Contains(p.Errors[0].Message, "keepSecrets=true") {
		t.Errorf("the answer does not say what to do: %s", res.text)
	}
	for _, change := range []struct {
		name, text, query string
		who               http.Handler
	}{
		{"the secret sent anew", `{` + evil + `,"headers":{"Authorization":"Bearer canary-2"}}`, "", editor},
		{"by who set it", `{"api":"https://third.example/hook"}`, "", editor},
		{"by an admin who says so", `{` + evil + `}`, "?keepSecrets=true", other},
	} {
		if res := call(t, change.who, "PUT", "/jobs/"+id+change.query, change.text); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", change.name, res.StatusCode, res.text)
		}
	}
	call(t, other, "PUT", "/jobs/"+id, `{"api":"https://fourth.example/hook"}`).problem(t, 422) // an admin who does not
	k.f.clock.step(time.Hour + time.Minute)
	call(t, editor, "PUT", "/jobs/"+id, `{"api":"https://fourth.example/hook"}`).problem(t, 422) // later than an hour
}

// weighedChanges notes the most bytes that a page of the trail had.
type weighedChanges struct {
	store.Changes

	most int
}

func (w *weighedChanges) List(ctx context.Context, q store.ChangeQuery) ([]domain.Change, error) {
	found, err := w.Changes.List(ctx, q)
	bytes := 0
	for i := range found {
		bytes += found[i].Size()
	}
	w.most = max(w.most, bytes)
	return found, err
}

// TestMovesReadFewBytes: to find out who has set a secret, a request reads no more of the trail
// than it may, whatever the bodies of the job were.
func TestMovesReadFewBytes(t *testing.T) {
	f := newFixture(t)
	w := &weighedChanges{Changes: f.store.Changes()}
	h := withKey{newAPI(t, f, func(c *Config) { c.Store, c.Keys = storeWith{c.Store, w}, ring(t, f, key1) }), key1}
	id := create(t, h, laidOver(`"headers":{"Authorization":"Bearer canary-1"}`))
	for i := range entriesRead {
		body := `{"body":"` + strings.Repeat(string(rune('a'+i)), 100_000) + `"}`
		if res := call(t, h, "PUT", "/jobs/"+id, body); res.StatusCode != http.StatusOK {
			t.Fatal(res.text)
		}
	}
	call(t, h, "PUT", "/jobs/"+id, `{"api":"https://evil.example/hook"}`).problem(t, 422)
	if w.most == 0 || w.most > entriesBytes+100<<10 {
		t.Errorf("%d bytes were read", w.most)
	}
}

// storeWith is a store with another trail.
type storeWith struct {
	store.Store

	changes store.Changes
}

func (s storeWith) Changes() store.Changes { return s.changes }

// TestMovedSigningSecrets: a rotation does not make an old secret one's own.
func TestMovedSigningSecrets(t *testing.T) {
	k := newKeyed(t)
	editor := withKey{k, k.keys[domain.RoleEditor]}
	const old, own = "whsec_YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=",
		"whsec_YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI="
	id := create(t, withKey{k, k.keys[domain.RoleAdmin]}, laidOver(`"signing":{"secrets":["`+old+`"]}`))
	res := call(t, editor, "PUT", "/jobs/"+id, `{"signing":{"secrets":["`+own+`","********"]}}`)
	if res.StatusCode != http.StatusOK {
		t.Fatal(res.text)
	}
	p := call(t, editor, "PUT", "/jobs/"+id, `{"api":"https://evil.example/hook"}`).problem(t, 422)
	if !strings.Contains(p.Errors[0].Message, "(signing.secrets[1])") {
		t.Errorf("the secrets that have to be sent are others: %s", p.Errors[0].Message)
	}
}

// TestCertificatesOfNamespaces: names are told only to those who may use them.
func TestCertificatesOfNamespaces(t *testing.T) {
	h := newAPI(t, newFixture(t), func(c *Config) {
		c.ClientCertificates.MayPresent = func(certificate, namespace string) bool {
			return certificate == "acme" || namespace == "pay"
		}
	})
	https := func(cert, namespace string) string {
		return laidOver(`"api":"https://example.com/","clientCertificate":"` + cert + `","namespace":"` +
			namespace + `"`)
	}
	for _, tc := range []struct {
		cert, namespace string
		status          int
	}{{"acme", "default", 201}, {"acme", "pay", 201}, {"bank", "pay", 201}, {"bank", "default", 422},
		{"bnak", "default", 422}} {
		res := call(t, h, "POST", "/jobs", https(tc.cert, tc.namespace))
		if res.StatusCode != tc.status {
			t.Errorf("%s in %s: %d %s", tc.cert, tc.namespace, res.StatusCode, res.text)
		}
		if tc.status == 422 && strings.Contains(strings.ReplaceAll(res.text, `"value":"bank"`, ""), "bank") {
			t.Errorf("%s in %s: the answer names a certificate of others: %s", tc.cert, tc.namespace, res.text)
		}
		var b importBody
		call(t, h, "POST", "/jobs/import", "["+https(tc.cert, tc.namespace)+"]").into(t, 200, &b)
		if (b.Imported == 1) != (tc.status == 201) {
			t.Errorf("import of %s in %s: %+v", tc.cert, tc.namespace, b)
		}
	}
	id := create(t, h, laidOver(`"api":"https://example.com/"`))
	call(t, h, "PUT", "/jobs/"+id, `{"clientCertificate":"bank"}`).problem(t, 422)
}
