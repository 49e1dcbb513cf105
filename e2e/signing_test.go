package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/client"
	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	serverSecret = "whsec_c2VydmVyLXNlY3JldC1zZXJ2ZXItc2VjcmV0LTEyMw=="
	jobSecret    = "whsec_am9iLXNlY3JldC1qb2Itc2VjcmV0LWpvYi1zZWNyZXQ="
	nextSecret   = "whsec_bmV4dC1zZWNyZXQtbmV4dC1zZWNyZXQtbmV4dC1zZWM="
)

// signedTarget answers 401 to what is not signed by the secret, as targets do.
func signedTarget(t *testing.T, secret string) string {
	t.Helper()
	wh, err := standard.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = wh.Verify(body, r.Header)
		}
		if err != nil || r.Header.Get("webhook-id") != r.Header.Get("Idempotency-Key") {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// Targets that verify with the library of the specification accept what the
// server signs, through a change of secrets and a restart; secrets are in no
// log.
func TestSignedCalls(t *testing.T) {
	t.Parallel()
	byServer, byJob, byNext := signedTarget(t, serverSecret), signedTarget(t, jobSecret), signedTarget(t, nextSecret)
	dir := t.TempDir()
	env := []string{"BELFRY_SIGNING_SECRET=" + serverSecret, "LOG_LEVEL=debug", "DB_VERBOSE=true"}
	p := serve(t, dir, env...)
	want := func(id, status string) {
		t.Helper()
		if e := p.ended(id); e.Status != status {
			t.Errorf("%s, want %s: %s", e.Status, status, said(e))
		}
	}
	create := func(api string, secrets ...string) string {
		t.Helper()
		spec := byHand(api)
		if len(secrets) > 0 {
			spec.Signing = &client.Signing{Secrets: secrets}
		}
		made, err := p.api.Jobs.Create(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		return made.JobID
	}
	plain, own, wrong := create(byServer), create(byJob, jobSecret), create(byServer, jobSecret)
	want(plain, "SUCCESS")
	want(own, "SUCCESS")
	want(wrong, "FAILED") // the job's secret signs, not the server's

	change := func(secrets ...string) {
		t.Helper()
		if _, err := p.api.Jobs.Update(t.Context(), own, 0,
			client.Change{"signing": client.Signing{Secrets: secrets}}); err != nil {
			t.Fatal(err)
		}
	}
	change(nextSecret, "********")
	want(own, "SUCCESS") // the target still knows the old secret only
	before := p.log()
	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	p = serve(t, dir, env...)
	want(own, "SUCCESS")
	if _, err := p.api.Jobs.Update(t.Context(), own, 0, client.Change{"api": byNext}); err != nil {
		t.Fatal(err)
	}
	want(own, "SUCCESS") // and this one the new secret only
	change("********")
	want(own, "SUCCESS")

	job, err := p.api.Jobs.Get(t.Context(), own)
	if err != nil || job.Spec.Signing == nil || strings.Join(job.Spec.Signing.Secrets, " ") != "********" {
		t.Errorf("%+v, %v", job.Spec.Signing, err)
	}
	for _, secret := range []string{serverSecret, jobSecret, nextSecret} {
		if strings.Contains(before+p.log(), strings.TrimPrefix(secret, "whsec_")) {
			t.Errorf("%s is in the log", secret)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "jobs.db")); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the file that holds secrets can be read by others: %v, %v", info.Mode(), err)
	}
}

// TestSignedPerNamespace: what one namespace has signed, the targets of another one do not
// accept; the default one keeps the undivided secret beside its own until that is ended.
func TestSignedPerNamespace(t *testing.T) {
	t.Parallel()
	secretOf := func(namespace string) string {
		t.Helper()
		code, out := runOut(t, cleanEnv("BELFRY_SIGNING_SECRET="+serverSecret), "signing-secret", namespace)
		if code != 0 {
			t.Fatalf("belfry signing-secret %s: %d", namespace, code)
		}
		return strings.TrimSpace(out)
	}
	targets := map[string]string{
		"undivided": signedTarget(t, serverSecret), "default": signedTarget(t, secretOf("default")),
		"pay": signedTarget(t, secretOf("pay")),
	}
	accepts := func(p *process, namespace, target string) bool {
		t.Helper()
		spec := byHand(targets[target])
		spec.Namespace = namespace
		made, err := p.api.Jobs.Create(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		return p.ended(made.JobID).Status == "SUCCESS"
	}
	for _, tc := range []struct {
		setting string
		taken   map[string]string // by namespace
	}{
		{"", map[string]string{"default": "undivided default", "pay": "pay"}},
		{"BELFRY_SIGNING_UNDIVIDED=none", map[string]string{"default": "default", "pay": "pay"}},
	} {
		p := serve(t, t.TempDir(), "BELFRY_SIGNING_SECRET="+serverSecret, tc.setting)
		for namespace, taken := range tc.taken {
			for target := range targets {
				want := strings.Contains(" "+taken+" ", " "+target+" ")
				if got := accepts(p, namespace, target); got != want {
					t.Errorf("%q: a call of %s at a target with the secret %q: %t", tc.setting, namespace, target, got)
				}
			}
		}
	}
}
