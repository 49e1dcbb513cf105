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
