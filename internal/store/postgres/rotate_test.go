//go:build unix

package postgres_test

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/postgres"
)

// other is another encryption key.
const other = "OTg3NjU0MzIxMDk4NzY1NDMyMTA5ODc2NTQzMjEwOTg="

func keyID(t *testing.T, text string) string {
	t.Helper()
	k, err := seal.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return k.ID()
}

// openKeys opens a database with keys; the error is that of opening it.
func openKeys(t *testing.T, url string, keys ...string) (*postgres.Store, error) {
	t.Helper()
	s, err := postgres.Open(t.Context(), postgres.Config{URL: url, EncryptionKeys: keys,
		Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		t.Cleanup(func() { _ = s.Close() })
	}
	return s, err
}

func mustOpen(t *testing.T, url string, keys ...string) *postgres.Store {
	t.Helper()
	s, err := openKeys(t, url, keys...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func rotate(t *testing.T, url string, keys ...string) (store.Rotation, error) {
	t.Helper()
	return postgres.RotateEncryption(t.Context(), postgres.Config{URL: url, EncryptionKeys: keys,
		Log: slog.New(slog.DiscardHandler)})
}

// secretJob has a secret header; the others have none.
func secretJob(n byte) domain.Version {
	v := job(n)
	v.Spec.Headers = map[string]string{"Authorization": "Bearer canary", "X-Plain": "1"}
	return v
}

func wantSecret(t *testing.T, s store.Store, n byte) {
	t.Helper()
	j, err := s.Jobs().Get(t.Context(), job(n).JobID)
	if err != nil || j.Current.Spec.Headers["Authorization"] != "Bearer canary" || len(j.Current.Unread) > 0 {
		t.Errorf("job %d has %+v, unread %v, error %v", n, j.Current.Spec.Headers, j.Current.Unread, err)
	}
}

// TestRotationWaitsForEveryServer: secrets are sealed with a new key while servers run, once each of them seals with
// it. Before, nothing has changed: also a process with the old key alone still starts.
func TestRotationWaitsForEveryServer(t *testing.T) {
	t.Parallel()
	url := database(t)
	old := mustOpen(t, url, key)
	next := secretJob(1)
	next.Number, next.EffectiveFrom = 2, 5_000
	if err := old.Jobs().Create(t.Context(), []domain.Version{secretJob(1), job(2), secretJob(3)}); err != nil {
		t.Fatal(err)
	}
	if err := old.Jobs().Update(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	seen := func(s store.Store, token int64, name string) {
		if _, err := s.Nodes().Seen(t.Context(), store.Node{Token: token, Name: name, Role: "all"}); err != nil {
			t.Fatal(err)
		}
	}
	seen(old, 1, "alpha")
	refused := func(why string) {
		t.Helper()
		_, err := rotate(t, url, other, key)
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Fatalf("error %v, want one with %q", err, why)
		}
		if _, err := openKeys(t, url, key); err != nil {
			t.Fatalf("after a refusal a process with the old key does not start: %v", err)
		}
	}
	refused("server alpha seals with key " + keyID(t, key))
	both := mustOpen(t, url, key, other)
	seen(both, 1, "alpha") // it can open both, and seals with the old one
	refused("server alpha seals with key " + keyID(t, key))

	if err := old.Nodes().Remove(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	beats, _ := owned(t, old, 0, 1) // by a server without a row
	if _, err := old.Shards().Beat(t.Context(), beats, 3_000); err != nil {
		t.Fatal(err)
	}
	refused("it is not known with which key it seals")
	if err := old.Shards().Release(t.Context(), beats, 3_000); err != nil {
		t.Fatal(err)
	}
	fresh := mustOpen(t, url, other, key)
	seen(fresh, 2, "beta")
	done, err := rotate(t, url, other, key)
	if err != nil || done.Versions != 3 || done.KeyID != keyID(t, other) || done.Unread != 0 || done.KeyFile != "" ||
		!slices.Equal(done.Retired, []string{keyID(t, key)}) {
		t.Fatalf("rotation %+v, error %v", done, err)
	}
	wantSecret(t, fresh, 1)
	if again, err := rotate(t, url, other, key); err != nil || again.Versions != 0 {
		t.Errorf("a second rotation %+v, error %v", again, err)
	}
	alone := mustOpen(t, url, other)
	wantSecret(t, alone, 1)
	wantSecret(t, alone, 3)
	if _, err := openKeys(t, url, key); err == nil {
		t.Error("a process with the old key alone starts")
	}
}

// TestRotationLeavesWhatItCannotRead: the old keys are needed as long as anything is sealed with them.
func TestRotationLeavesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	url := database(t)
	err := mustOpen(t, url, key).Jobs().Create(t.Context(), []domain.Version{secretJob(1), secretJob(2)})
	if err != nil {
		t.Fatal(err)
	}
	execute(t, url, `UPDATE version SET headers = (SELECT v.headers FROM version v WHERE v.job_id <> version.job_id)
 WHERE job_id = '01000000-0000-7000-8000-000000000002'`) // sealed for another job
	done, err := rotate(t, url, other, key)
	if err != nil || done.Versions != 1 || done.Unread != 1 || len(done.Retired) > 0 {
		t.Errorf("rotation %+v, error %v", done, err)
	}
	wantSecret(t, mustOpen(t, url, other), 1)
}

// TestVerboseLogsStatements, and no argument of any.
func TestVerboseLogsStatements(t *testing.T) {
	t.Parallel()
	url := database(t)
	for _, verbose := range []bool{true, false} {
		var out bytes.Buffer
		s, err := postgres.Open(t.Context(), postgres.Config{URL: url, EncryptionKeys: []string{key}, Verbose: verbose,
			Log: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		if err != nil {
			t.Fatal(err)
		}
		v := secretJob(1)
		v.Spec.Name = "a name of somebody"
		err = s.Jobs().Create(t.Context(), []domain.Version{v})
		_, getErr := s.Jobs().Get(t.Context(), v.JobID)
		if err = errors.Join(err, getErr, s.Close()); err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"INSERT INTO version", "FROM version v WHERE v.job_id = $1"} {
			if strings.Contains(out.String(), part) != verbose {
				t.Errorf("verbose %v: the log has %q: %v", verbose, part, !verbose)
			}
		}
		if strings.Contains(out.String(), "somebody") || strings.Contains(out.String(), "canary") {
			t.Error("the log has arguments")
		}
	}
}
