package e2e

import (
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/client"
)

// TestSecretsAreNotSentElsewhere: an editor cannot have the secrets of a job sent to a
// server of his own; who knows them, has just set them or is an admin and says so, can.
func TestSecretsAreNotSentElsewhere(t *testing.T) {
	t.Parallel()
	key := strings.Repeat("k", 32)
	p := serve(t, t.TempDir(), "HOST=127.0.0.1", "BELFRY_API_KEYS="+key)
	admin, err := client.New(p.url, key)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	made, err := admin.Keys.Create(t.Context(), client.NewKey{Name: "mallory", Role: "editor"})
	if err != nil {
		t.Fatal(err)
	}
	editor, err := client.New(p.url, made.Text)
	if err != nil {
		t.Fatal(err)
	}
	defer editor.Close()
	spec := byHand("https://api.example.com/hook")
	spec.Headers = map[string]string{"Authorization": "Bearer canary"}
	job, err := admin.Jobs.Create(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	evil := client.Change{"api": "https://evil.example/hook"}
	if _, err := editor.Jobs.Update(t.Context(), job.JobID, 0, evil); err == nil ||
		!strings.Contains(err.Error(), "another origin than https://api.example.com/hook") ||
		!strings.Contains(err.Error(), "sent anew") {
		t.Errorf("an editor: %v", err)
	}
	if _, err := admin.Jobs.Update(t.Context(), job.JobID, 0, evil); err != nil {
		t.Errorf("who has just set the secret: %v", err)
	}
	evil["headers"] = map[string]string{"Authorization": "Bearer other"}
	evil["api"] = "https://third.example/hook"
	if _, err := editor.Jobs.Update(t.Context(), job.JobID, 0, evil); err != nil {
		t.Errorf("with a secret of its own: %v", err)
	}
	back := client.Change{"api": "https://api.example.com/hook"}
	if _, err := admin.Jobs.Update(t.Context(), job.JobID, 0, back); err == nil {
		t.Error("an admin who does not say so")
	}
	if _, err := admin.Jobs.UpdateKeepingSecrets(t.Context(), job.JobID, 0, back); err != nil {
		t.Errorf("an admin who says so: %v", err)
	}
}
