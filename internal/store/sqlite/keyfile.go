package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store/sqlite/files"
)

func (c *Config) keyFile() string { return filepath.Join(filepath.Dir(c.Path), files.KeyFile) }

// loadKeys returns the encryption keys, the one that seals first: those of the
// configuration, then those of the key file.
func (c *Config) loadKeys() (keys []seal.Key, err error) {
	for i, text := range c.EncryptionKeys {
		k, err := seal.ParseKey(text)
		if err != nil {
			return nil, domain.Invalid("BELFRY_ENCRYPTION_KEY", fmt.Sprintf("key %d %v", i+1, err), nil)
		}
		keys = append(keys, k)
	}
	filed, err := seal.ReadFile(c.keyFile())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, domain.Unavailable(err, "cannot read the encryption keys")
	}
	for _, k := range filed {
		if !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// keyFile is the key file beside the database.
type keyFile struct {
	path  string
	log   *slog.Logger
	made  bool // by this start
	filed bool // it was there when the keys had been loaded
	gone  bool // check has logged this; on the writer's goroutine
}

// check logs once that the key file is gone. This process does not need it any more, but
// the next one does, unless the key was moved into the environment.
func (k *keyFile) check() {
	if k.gone || !k.filed {
		return
	}
	if _, err := os.Stat(k.path); errors.Is(err, fs.ErrNotExist) {
		k.gone = true
		k.log.Error("the file of the encryption key is missing: put its copy back, or set BELFRY_ENCRYPTION_KEY, "+
			"before the next start; without the key the secrets of jobs are lost", "file", k.path)
	}
}

const selectSealed = `
SELECT secrets, NULL FROM alert_setting WHERE instr(secrets, ?1)
 UNION ALL
SELECT headers, options FROM version WHERE instr(headers, ?1) OR instr(options, ?1)`

// sealedMark is in every document that holds a sealed value, and ends right before
// the id of its key. No text of a document has it: quotes are escaped there.
const sealedMark = `{"sealed":"` + seal.Prefix

// checkKeys checks whether the keys are those of the database. If they open none of its
// secrets, they are the wrong keys and the start is refused: the operator can supply the
// right ones, and would otherwise find every job with a secret set aside. If they open
// some, only the versions whose secrets they do not open are set aside. The check ends
// at the first value that the keys open. Those of settings about alerts come first: there are few of them.
func (c *Config) checkKeys(ctx context.Context, db *jobsDB, keys []seal.Key) error {
	var missing string // id of a key
	errFound := errors.New("found")
	err := db.read(ctx, func(conn *conn) error {
		return conn.query(selectSealed, func(row *sqlite.Stmt) error {
			for id := range sealedWith(row.ColumnText(0) + row.ColumnText(1)) {
				if slices.ContainsFunc(keys, func(k seal.Key) bool { return k.ID() == id }) {
					return errFound
				}
				missing = id
			}
			return nil
		}, sealedMark)
	})
	switch {
	case errors.Is(err, errFound):
		return nil
	case err != nil || missing == "":
		return err
	case len(keys) == 0:
		return domain.Unavailable(nil, "%s holds sealed secrets, and their key is missing: put %s back, or set "+
			"BELFRY_ENCRYPTION_KEY",
			c.Path, c.keyFile())
	}
	var ids []string
	for _, k := range keys {
		ids = append(ids, k.ID())
	}
	return domain.Unavailable(seal.ErrUnknownKey, "none of the sealed secrets in %s opens with key %s: they need key "+
		"%s, of %s or BELFRY_ENCRYPTION_KEY",
		c.Path, strings.Join(ids, ", "), missing, c.keyFile())
}

// sealedWith yields the ids of the keys that the values of a document need.
func sealedWith(doc string) iter.Seq[string] {
	return func(yield func(string) bool) {
		parts := strings.Split(doc, sealedMark)
		for _, part := range parts[1:] {
			if id, _, ok := strings.Cut(part, ":"); ok && !yield(id) {
				return
			}
		}
	}
}

// openBox makes the box of the database's secrets. Without any key it makes one,
// unless there are values that the new key would not open.
func (c *Config) openBox(ctx context.Context, db *jobsDB) (*seal.Box, *keyFile, error) {
	file := &keyFile{path: c.keyFile(), log: c.Log}
	keys, err := c.loadKeys()
	if err != nil {
		return nil, nil, err
	}
	if err := c.checkKeys(ctx, db, keys); err != nil {
		return nil, nil, err
	}
	if len(keys) == 0 {
		keys = []seal.Key{seal.NewKey()}
		if err := seal.WriteFile(file.path, keys...); err != nil {
			return nil, nil, domain.Unavailable(err, "cannot write the encryption key")
		}
		file.made = true
	}
	file.filed = files.InUse(file.path)
	box, err := seal.NewBox(keys...)
	return box, file, err
}
