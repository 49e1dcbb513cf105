package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
	"github.com/belfry-scheduler/belfry/internal/store/sqlite/files"
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

const canary = "canary7f3a91" // base64, too

// secretVersion returns version 1 of job n with a canary in a header that is
// secret by its name, one in a header that the job names, and one in its signing
// secret.
func secretVersion(n int) domain.Version {
	v := version(n)
	v.Spec.Headers = map[string]string{
		"Authorization": fmt.Sprintf("Bearer %s-%d", canary, n), "X-Own": canary + "-own", "Accept": "text/plain",
	}
	v.Spec.SecretNames = []string{"x-own"}
	v.Spec.Signing.Secrets = []webhook.Secret{webhook.Secret(fmt.Sprintf("%s%s%020d", webhook.Prefix, canary, n))}
	return v
}

// wantReadable asserts that the jobs 0 to n-1 have their secrets.
func wantReadable(t *testing.T, s *Store, n int) {
	t.Helper()
	for i := range n {
		job, err := s.Jobs().Get(t.Context(), jobID(i))
		want := secretVersion(i).Spec
		if err != nil || !reflect.DeepEqual(job.Current.Spec, want) {
			t.Fatalf("job %d: %v, error %v, want %v", i, job.Current.Spec, err, want)
		}
	}
}

// wantNoCanary asserts that no file of a folder holds the canary.
func wantNoCanary(t *testing.T, folder string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte(canary)) {
			t.Errorf("%s holds a secret", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

const selectValues = `
SELECT h.type, h.value FROM version v, json_each(v.headers) h WHERE h.key <> 'Accept' UNION ALL
SELECT s.type, s.value FROM version v, json_each(v.options, '$.signing.secrets') s`

// storedKeys returns how many sealed values there are of each key, and how
// many secrets are plain under "".
func storedKeys(t *testing.T, path string) map[string]int {
	t.Helper()
	found := map[string]int{}
	c, err := openConn(path, reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = c.query(selectValues, func(s *sqlite.Stmt) error {
		if s.ColumnText(0) != "object" {
			found[""]++
			return nil
		}
		found[strings.TrimPrefix(s.ColumnText(1), `{"sealed":"`+seal.Prefix)[:8]]++
		return nil
	})
	if err = errors.Join(err, c.Close()); err != nil {
		t.Fatal(err)
	}
	return found
}

func TestSecretsAreSealedOnDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	s := openStore(t, path)
	create(t, s, secretVersion(0))
	next := secretVersion(0)
	next.Number, next.EffectiveFrom = 2, noon+1
	if err := s.Jobs().Update(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	if err := s.Jobs().Update(t.Context(), next); err != nil {
		t.Errorf("a repeat: %v", err)
	}
	for name, change := range map[string]func(*domain.Spec){
		"header":         func(s *domain.Spec) { s.Headers = map[string]string{"Authorization": "other"} },
		"signing secret": func(s *domain.Spec) { s.Signing.Secrets = []webhook.Secret{"whsec_other"} },
		"no secret":      func(s *domain.Spec) { s.Signing.Secrets = nil },
	} {
		other := next
		change(&other.Spec)
		if err := s.Jobs().Update(t.Context(), other); domain.ErrorCode(err) != domain.CodeConflict {
			t.Errorf("the same version with another %s: %v, want a conflict", name, err)
		}
	}
	wantReadable(t, s, 1)
	wantNoCanary(t, filepath.Dir(path)) // the log is not in the file yet
	closeStore(t, s)
	wantNoCanary(t, filepath.Dir(path))
	if got := storedKeys(t, path); len(got) != 1 || got[s.sealer.box.KeyID()] != 6 {
		t.Errorf("stored %v, want 6 values of key %s", got, s.sealer.box.KeyID())
	}
	wantReadable(t, openStore(t, path), 1)
}

// plainStore makes a database of n jobs as a Belfry without keys left it.
func plainStore(t *testing.T, n int) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "jobs.db")
	s := openStore(t, path)
	s.background.running.Wait() // what seals plain rows at the start is over
	for i := range n {
		create(t, s, secretVersion(i))
		spec := secretVersion(i).Spec
		doc, err := rows.EncodeJSON(spec.Headers)
		if err != nil {
			t.Fatal(err)
		}
		err = s.db.write(t.Context(), 1, func(c *conn) (tally, error) {
			return tally{}, c.exec(`UPDATE version SET headers = ?, options = json_set(options, `+
				`'$.signing.secrets[0]', ?) WHERE job_id = ?`,
				doc, spec.Signing.Secrets[0].Reveal(), jobID(i))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	closeStore(t, s)
	if err := os.Remove(s.cfg.keyFile()); err != nil {
		t.Fatal(err)
	}
	if got := storedKeys(t, path); got[""] != 3*n {
		t.Fatalf("stored %v, want plain values", got)
	}
	return path
}

func TestPlainRowsAreReadAndSealedAtTheNextStart(t *testing.T) {
	path := plainStore(t, 3)
	s := openStore(t, path)
	wantReadable(t, s, 3) // sealed by now, or not
	s.background.running.Wait()
	wantReadable(t, s, 3)
	closeStore(t, s)
	if got := storedKeys(t, path); got[s.sealer.box.KeyID()] != 9 || len(got) != 1 {
		t.Errorf("stored %v", got)
	}
	s = openStore(t, path)
	s.background.running.Wait()
	if n, err := s.sealer.sealAll(t.Context()); n != 0 || err != nil {
		t.Errorf("sealed %d versions again, error %v", n, err)
	}
}

func TestRotation(t *testing.T) {
	path := plainStore(t, 3)
	first, err := RotateEncryption(t.Context(), Config{Path: path}, false)
	if err != nil || first.Versions != 3 || first.KeyFile == "" {
		t.Fatalf("%+v, error %v", first, err)
	}
	wantNoCanary(t, filepath.Dir(path)) // nothing is left in free pages either
	second, err := RotateEncryption(t.Context(), Config{Path: path}, true)
	if err != nil || second.Versions != 3 || len(second.Retired) != 1 || second.Retired[0] != first.KeyID {
		t.Fatalf("%+v, error %v", second, err)
	}
	if keys, err := seal.ReadFile(filepath.Join(filepath.Dir(path), files.KeyFile)); err != nil || len(keys) != 2 {
		t.Errorf("the kept keys: %v, error %v", keys, err)
	}
	third, err := RotateEncryption(t.Context(), Config{Path: path}, false)
	if err != nil || len(third.Retired) != 2 {
		t.Fatalf("%+v, error %v", third, err)
	}
	if keys, err := seal.ReadFile(filepath.Join(filepath.Dir(path), files.KeyFile)); err != nil || len(keys) != 1 ||
		keys[0].ID() != third.KeyID {
		t.Errorf("keys %v, error %v", keys, err)
	}
	if got := storedKeys(t, path); got[third.KeyID] != 9 || len(got) != 1 {
		t.Errorf("stored %v, want values of %s", got, third.KeyID)
	}
	wantReadable(t, openStore(t, path), 3)
	if _, err := RotateEncryption(t.Context(), Config{Path: path}, false); err == nil {
		t.Error("the key of a database that is in use was rotated")
	}
}

// A key of the configuration goes over the file; what the file's key sealed
// is sealed anew in the background.
func TestKeyOfTheConfiguration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	s := openStore(t, path)
	create(t, s, secretVersion(0))
	closeStore(t, s)
	k := seal.NewKey()
	s, err := Open(t.Context(), Config{Path: path, EncryptionKeys: []string{k.Reveal()}})
	if err != nil {
		t.Fatal(err)
	}
	s.background.running.Wait()
	wantReadable(t, s, 1)
	closeStore(t, s)
	if got := storedKeys(t, path); got[k.ID()] != 3 || len(got) != 1 {
		t.Errorf("stored %v, want values of %s", got, k.ID())
	}
	next := seal.NewKey()
	r, err := RotateEncryption(t.Context(), Config{Path: path, EncryptionKeys: []string{next.Reveal(), k.Reveal()}},
		false)
	if err != nil || r.KeyID != next.ID() || r.Versions != 1 || r.KeyFile != "" {
		t.Errorf("%+v, error %v", r, err)
	}
	_, err = Open(t.Context(), Config{Path: path, EncryptionKeys: []string{"short"}})
	if domain.ErrorCode(err) != domain.CodeInvalid || strings.Contains(err.Error(), "short") {
		t.Errorf("a wrong key: %v", err)
	}
}

// Wherever a rotation is killed, everything can be read, and the next one ends
// it. The steps are those of RotateEncryption.
func TestKilledRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	s := openStore(t, path)
	for i := range 4 {
		create(t, s, secretVersion(i))
	}
	oldKey, newKey := s.sealer.box.Keys()[0], seal.NewKey()
	closeStore(t, s)
	if err := seal.WriteFile(s.cfg.keyFile(), newKey, oldKey); err != nil {
		t.Fatal(err)
	}
	for sealed := range 5 { // so many rows were sealed when it was killed
		s, err := Open(t.Context(), Config{Path: path, purpose: rotating})
		if err != nil {
			t.Fatal(err)
		}
		wantReadable(t, s, 4)
		if sealed < 4 {
			var chunk []rows.Version
			err := s.db.read(t.Context(), func(c *conn) (err error) {
				chunk, err = readSecrets(c, &rows.Version{})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if n, err := s.sealer.sealChunk(t.Context(), chunk[sealed:sealed+1]); n != 1 || err != nil {
				t.Fatalf("sealed %d, error %v", n, err)
			}
		}
		closeStore(t, s)
	}
	r, err := RotateEncryption(t.Context(), Config{Path: path}, false)
	if err != nil || r.Versions != 4 {
		t.Fatalf("%+v, error %v", r, err)
	}
	wantReadable(t, openStore(t, path), 4)
}

// readTimeline opens the store and returns why a version cannot be read.
func readTimeline(t *testing.T, path string, keys ...string) error {
	s, err := Open(t.Context(), Config{Path: path, EncryptionKeys: keys})
	if err != nil {
		return err
	}
	defer closeStore(t, s)
	var unread error
	err = s.Jobs().Timeline(t.Context(), store.ShardSet{}, 0, store.WholeVersions, func(v domain.Version) error {
		for _, f := range v.Unread {
			unread = errors.Join(unread, errors.New(f.Field+": "+f.Reason))
		}
		return nil
	})
	return errors.Join(err, unread)
}

func TestSecretsThatDoNotOpen(t *testing.T) {
	setup := func(t *testing.T) (path string) {
		path = filepath.Join(t.TempDir(), "jobs.db")
		s := openStore(t, path)
		create(t, s, secretVersion(0), secretVersion(1))
		closeStore(t, s)
		return path
	}
	t.Run("no key", func(t *testing.T) {
		path := setup(t)
		file := filepath.Join(filepath.Dir(path), files.KeyFile)
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		wantRefused(t, path, file, "BELFRY_ENCRYPTION_KEY")
		if _, err := os.Stat(file); err == nil {
			t.Error("a key was made that opens nothing")
		}
	})
	t.Run("another key", func(t *testing.T) {
		path := setup(t)
		if err := os.Remove(filepath.Join(filepath.Dir(path), files.KeyFile)); err != nil {
			t.Fatal(err)
		}
		key := seal.NewKey()
		if err := readTimeline(t, path, key.Reveal()); !errors.Is(err, seal.ErrUnknownKey) ||
			!strings.Contains(err.Error(), key.ID()) {
			t.Errorf("error %v", err)
		}
		if _, err := RotateEncryption(t.Context(), Config{Path: path, EncryptionKeys: []string{key.Reveal()}},
			false); !errors.Is(err, seal.ErrUnknownKey) {
			t.Errorf("a rotation: %v", err)
		}
	})
	t.Run("a copied value", func(t *testing.T) {
		path := setup(t)
		sql(t, path, `UPDATE version SET headers = (SELECT max(headers) FROM version)`)
		if err := readTimeline(t, path); !damaged(err) || strings.Contains(err.Error(), canary) {
			t.Errorf("error %v, want ErrDamaged", err)
		}
	})
	t.Run("a copied signing secret", func(t *testing.T) {
		path := setup(t)
		sql(t, path, `UPDATE version SET options = (SELECT max(options) FROM version)`)
		if err := readTimeline(t, path); !damaged(err) ||
			!strings.Contains(err.Error(), "signing.secrets[0] of version 1") {
			t.Errorf("error %v, want ErrDamaged", err)
		}
	})
	t.Run("signing secrets in another order", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "jobs.db")
		s := openStore(t, path)
		v := version(0)
		v.Spec.Signing.Secrets = []webhook.Secret{"whsec_new", "whsec_old"}
		create(t, s, v)
		closeStore(t, s)
		sql(t, path, `UPDATE version SET options = json_set(options, '$.signing.secrets[0]', `+
			`options->'$.signing.secrets[1]')`)
		if err := readTimeline(t, path); !damaged(err) {
			t.Errorf("error %v, want ErrDamaged", err)
		}
	})
	t.Run("a damaged value", func(t *testing.T) {
		path := setup(t)
		sql(t, path, `UPDATE version SET headers = replace(headers, 'sealed:v1', 'sealed:v2') || ' '`)
		if err := readTimeline(t, path); err != nil { // v2 is not even looked for: the fast path meets an object
			if !strings.Contains(err.Error(), "headers: ") { // it is set aside, by name
				t.Errorf("error %v", err)
			}
		} else {
			t.Error("a value of an unknown form was taken")
		}
	})
	t.Run("a key file for all to read", func(t *testing.T) {
		path := setup(t)
		if err := os.Chmod(filepath.Join(filepath.Dir(path), files.KeyFile), 0o644); err != nil {
			t.Fatal(err)
		}
		wantRefused(t, path, "chmod 600")
	})
}

// A header that looks like a sealed one is what it says.
func TestHeaderThatLooksSealed(t *testing.T) {
	s := newStore(t)
	v := version(0)
	fake := seal.Prefix + s.sealer.box.KeyID() + ":AAAA"
	v.Spec.Headers = map[string]string{"X-Plain": fake, "X-Json": `{"sealed":"` + fake + `"}`, "X-Key": fake}
	create(t, s, v)
	job, err := s.Jobs().Get(t.Context(), jobID(0))
	if err != nil || fmt.Sprint(job.Current.Spec.Headers) != fmt.Sprint(v.Spec.Headers) {
		t.Errorf("%v, error %v", job.Current.Spec.Headers, err)
	}
	if n, err := s.sealer.sealAll(t.Context()); n != 0 || err != nil {
		t.Errorf("sealed %d again, error %v", n, err)
	}
}

// Closing ends the sealing in the background.
func TestCloseEndsTheSealing(t *testing.T) {
	path := plainStore(t, 3)
	ctx, cancel := context.WithCancel(t.Context())
	s, err := Open(ctx, Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	cancel() // that of Open bounds opening alone
	closeStore(t, s)
	s = openStore(t, path)
	s.background.running.Wait()
	wantReadable(t, s, 3)
}

func BenchmarkTimelineWithSecrets(b *testing.B) {
	for name, headers := range map[string]map[string]string{
		"none": nil, "plain": {"Accept": "text/plain"},
		"secret": {"Authorization": "Bearer 0123456789abcdef0123456789abcdef"},
	} {
		b.Run(name, func(b *testing.B) {
			s := openStore(b, filepath.Join(b.TempDir(), "jobs.db"))
			var all []domain.Version
			for n := range 10_000 {
				v := version(n)
				v.Spec.Headers = headers
				all = append(all, v)
			}
			if err := s.Jobs().Create(b.Context(), all); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Jobs().Timeline(b.Context(), store.ShardSet{}, 0, store.WholeVersions,
					func(domain.Version) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSealScan(b *testing.B) {
	s := openStore(b, filepath.Join(b.TempDir(), "jobs.db"))
	for from := 0; from < 50_000; from += 10_000 {
		var all []domain.Version
		for n := range 10_000 {
			all = append(all, version(from+n))
		}
		if err := s.Jobs().Create(b.Context(), all); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if n, err := s.sealer.sealAll(b.Context()); n != 0 || err != nil {
			b.Fatal(n, err)
		}
	}
}

// damaged reports whether an error says that a sealed value does not open.
func damaged(err error) bool {
	return err != nil && strings.Contains(err.Error(), seal.ErrDamaged.Error())
}
