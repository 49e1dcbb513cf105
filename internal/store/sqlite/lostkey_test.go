package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// sealElsewhere seals the secrets of job n with a key that the store does not have.
func sealElsewhere(t *testing.T, path string, n int, key seal.Key) {
	t.Helper()
	box, err := seal.NewBox(key)
	if err != nil {
		t.Fatal(err)
	}
	v := secretVersion(n)
	row, err := rows.Encode(&v, box)
	if err != nil {
		t.Fatal(err)
	}
	c, err := openConn(path, writer, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = c.exec(`UPDATE version SET headers = ?, options = ? WHERE job_id = ?`, row.Headers, row.Options, row.JobID)
	if err = errors.Join(err, c.Close()); err != nil {
		t.Fatal(err)
	}
}

// A text that looks like a sealed value is none: a database without secrets takes
// any key.
func TestKeyIDsOfADocument(t *testing.T) {
	for doc, want := range map[string]string{
		``: "[]", `{"A":"b"}`: "[]", `{"X":"sealed:v1:0011aabb:AAAA"}`: "[]",
		`{"X":"{\"sealed\":\"sealed:v1:0011aabb:AAAA\"}"}`: "[]",
		`{"X":{"sealed":"sealed:v1:0011aabb:AAAA"}}`:       "[0011aabb]", `{"X":{"sealed":"sealed:v1:0011aabb"}}`: "[]",
		`{"X":{"sealed":"sealed:v1:k1:A"},"Y":"z"}{"signing":{"secrets":[{"sealed":"sealed:v1:k2:B"},` +
			`{"sealed":"sealed:v1:k3:C"}]}}`: "[k1 k2 k3]",
	} {
		if got := fmt.Sprint(slices.Collect(sealedWith(doc))); got != want {
			t.Errorf("%s: %s, want %s", doc, got, want)
		}
	}
	path := filepath.Join(t.TempDir(), "jobs.db")
	s := openStore(t, path)
	v := version(0)
	v.Spec.Headers = map[string]string{"X-Plain": seal.Prefix + "0011aabb:AAAA",
		"X-Json": sealedMark + `0011aabb:AAAA"}`}
	create(t, s, v)
	closeStore(t, s)
	if err := os.Remove(s.cfg.keyFile()); err != nil {
		t.Fatal(err)
	}
	openStore(t, path)
}

// A version whose key is lost cannot be read, and the others can.
func TestLostKey(t *testing.T) {
	t.Parallel()
	path, lost := filepath.Join(t.TempDir(), "jobs.db"), seal.NewKey()
	first := openStore(t, path)
	create(t, first, secretVersion(0), secretVersion(1))
	closeStore(t, first)
	sealElsewhere(t, path, 0, lost)
	err := readTimeline(t, path)
	for _, part := range []string{"headers: headers.Authorization of version 1", "signing: signing.secrets[0]",
		"its key is " + lost.ID()} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v, want one that says %q", err, part)
		}
	}
	s := openStore(t, path)
	s.background.running.Wait()
	if s.sealer.unsealed != 1 {
		t.Errorf("%d versions cannot be sealed anew, want 1", s.sealer.unsealed)
	}
	for i, want := range []int{2, 0} {
		if job, err := s.Jobs().Get(t.Context(), jobID(i)); err != nil || len(job.Current.Unread) != want {
			t.Errorf("job %d: %v, error %v", i, job.Current.Unread, err)
		}
	}
	if list, err := s.Jobs().List(t.Context(), store.JobQuery{Limit: 9}); err != nil || len(list.Jobs) != 2 {
		t.Errorf("a list: %v, error %v", list, err)
	}
	closeStore(t, s)
	if r, err := RotateEncryption(t.Context(), Config{Path: path}, false); err != nil || r.Versions != 1 ||
		r.Unread != 1 || len(r.Retired) != 0 {
		t.Errorf("a rotation: %+v, error %v", r, err)
	}
	if err := readTimeline(t, path, lost.Reveal()); err != nil { // it is put back
		t.Errorf("with the key: %v", err)
	}
}
