package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
)

// keyFileName is the key file beside the database.
const keyFileName = "encryption.key"

func (c *Config) keyFile() string { return filepath.Join(filepath.Dir(c.Path), keyFileName) }

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

const selectSealed = `SELECT headers, options FROM version WHERE instr(headers, ?1) OR instr(options, ?1)`

// sealedMark is in every document that holds a sealed value, and ends right before
// the id of its key. No text of a document has it: quotes are escaped there.
const sealedMark = `{"sealed":"` + seal.Prefix

// checkKeys checks whether the keys are those of the database. If they open none of its
// secrets, they are the wrong keys and the start is refused: the operator can supply the
// right ones, and would otherwise find every job with a secret set aside. If they open
// some, only the versions whose secrets they do not open are set aside. The check ends
// at the first value that the keys open.
func (s *Store) checkKeys(ctx context.Context, keys []seal.Key) error {
	var missing string // id of a key
	errFound := errors.New("found")
	err := s.readers.with(ctx, func(c *conn) error {
		return c.query(selectSealed, func(row *sqlite.Stmt) error {
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
			s.cfg.Path, s.cfg.keyFile())
	}
	var ids []string
	for _, k := range keys {
		ids = append(ids, k.ID())
	}
	return domain.Unavailable(seal.ErrUnknownKey, "none of the sealed secrets in %s opens with key %s: they need key "+
		"%s, of %s or BELFRY_ENCRYPTION_KEY",
		s.cfg.Path, strings.Join(ids, ", "), missing, s.cfg.keyFile())
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

// MadeKey returns the file of the encryption key when this start has made it, or
// "". Whoever runs the server should keep a copy.
func (s *Store) MadeKey() string { return s.madeKey }

// openBox makes the box of the store's secrets. Without any key it makes one,
// unless there are values that the new key would not open.
func (s *Store) openBox(ctx context.Context) error {
	keys, err := s.cfg.loadKeys()
	if err != nil {
		return err
	}
	if err := s.checkKeys(ctx, keys); err != nil {
		return err
	}
	if len(keys) == 0 {
		keys = []seal.Key{seal.NewKey()}
		if err := seal.WriteFile(s.cfg.keyFile(), keys...); err != nil {
			return domain.Unavailable(err, "cannot write the encryption key")
		}
		s.madeKey = s.cfg.keyFile()
	}
	s.keyFiled = inUse(s.cfg.keyFile())
	s.box, err = seal.NewBox(keys...)
	return err
}

// sealRows seals every secret of the jobs database with the key that seals
// now, in small transactions: whenever it is ended, everything can be read. It
// returns how many versions it has changed.
func (s *Store) sealRows(ctx context.Context) (changed int, err error) {
	for after := (versionRow{}); ; {
		var chunk []versionRow
		err := s.readers.with(ctx, func(c *conn) (err error) {
			chunk, err = readSecrets(c, &after)
			return err
		})
		if err != nil || len(chunk) == 0 {
			return changed, err
		}
		after = chunk[len(chunk)-1]
		n, err := s.sealChunk(ctx, chunk)
		changed += n
		if err != nil {
			return changed, err
		}
	}
}

const selectSecrets = `
SELECT job_id, number, headers, options FROM version
WHERE (job_id, number) > (?, ?) AND (headers IS NOT NULL OR options IS NOT NULL)
 ORDER BY job_id, number LIMIT 0 + ?`

// readSecrets reads the next versions: what decides about their secrets.
func readSecrets(c *conn, after *versionRow) (chunk []versionRow, err error) {
	err = c.query(selectSecrets, func(s *sqlite.Stmt) error {
		chunk = append(chunk, versionRow{
			jobID: columnJobID(s, 0), number: s.ColumnInt(1), headers: text(s.ColumnText(2)),
			options: text(s.ColumnText(3)),
		})
		return nil
	}, after.jobID, after.number, timelineChunk)
	return chunk, err
}

const updateSecrets = `
UPDATE version SET headers = ?, options = ? WHERE job_id = ? AND number = ? AND headers IS ? AND options IS ?`

// unsealedTold is how many versions that cannot be read are logged one by one: a
// lost key may concern a million.
const unsealedTold = 10

// sealBatch is how many rows are changed in one operation: some 20 ms.
const sealBatch = 500

func (s *Store) sealChunk(ctx context.Context, chunk []versionRow) (changed int, err error) {
	var before, after []versionRow
	for i := range chunk {
		row := chunk[i]
		stale, err := row.reseal(s.box)
		if err != nil { // its job is set aside, and stays as it is
			if s.unsealed++; s.unsealed <= unsealedTold {
				s.cfg.Log.Warn("the secrets of a version cannot be read: they stay as they are", "jobId",
					row.jobID.String(),
					"version", row.number, "error", err)
			}
			continue
		}
		if stale {
			before, after = append(before, chunk[i]), append(after, row)
		}
	}
	for len(after) > 0 {
		n := min(sealBatch, len(after))
		old, next := before[:n], after[:n]
		before, after = before[n:], after[n:]
		err := s.writer.do(ctx, n, func(c *conn) (tally, error) {
			for i := range next {
				n, o := &next[i], &old[i]
				if err := c.exec(updateSecrets, n.headers, n.options, n.jobID, n.number, o.headers,
					o.options); err != nil {
					return tally{}, err
				}
			}
			return tally{}, nil
		})
		if err != nil {
			return changed, fault("seal the secrets", err)
		}
		changed += n
	}
	return changed, nil
}

// sealInBackground seals what was stored before there was a key, or with an
// older one. What it cannot do it tells and leaves for the next start.
func (s *Store) sealInBackground(ctx context.Context) {
	n, err := s.sealRows(ctx)
	switch {
	case err != nil && ctx.Err() == nil:
		s.cfg.Log.Warn("not every stored secret is sealed with the newest key", "error", err)
	case s.unsealed > unsealedTold:
		s.cfg.Log.Warn("the secrets of many versions cannot be read: they stay as they are", "versions", s.unsealed)
	case n > 0:
		s.cfg.Log.Info("sealed stored secrets; `belfry keys rotate-encryption` also clears what is left of them "+
			"in free pages",
			"versions", n, "key", s.box.KeyID())
	}
}

// Rotation says what [RotateEncryption] has done.
type Rotation struct {
	KeyID    string   // seals from now on
	Versions int      // versions of jobs whose secrets were sealed anew
	Retired  []string // keys that are not needed any more
	KeyFile  string   // where the key is; empty: in the configuration
	Unread   int      // versions whose secrets cannot be read: they are as they were, and the old keys are kept
}

// RotateEncryption seals every secret of a database that no server has open
// with a new key, and then compacts the file, so that nothing is left of what
// the values were. Without keys in the configuration it makes the key, and the
// old ones leave the key file at the end unless they are to be kept. Killed at
// any point it leaves everything readable, and can be called again.
func RotateEncryption(ctx context.Context, cfg Config, keepOld bool) (r Rotation, err error) {
	cfg.sealedByCaller = true
	if _, err := os.Stat(cfg.Path); err != nil {
		return r, domain.Unavailable(err, "there is no database to rotate the key of")
	}
	s, err := Open(ctx, cfg)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	keys := s.box.Keys()
	if len(cfg.EncryptionKeys) == 0 {
		keys = slices.Insert(keys, 0, seal.NewKey())
		r.KeyFile = s.cfg.keyFile()
		if err := seal.WriteFile(r.KeyFile, keys...); err != nil { // before it seals anything
			return r, domain.Unavailable(err, "cannot write the encryption key")
		}
		if s.box, err = seal.NewBox(keys...); err != nil {
			return r, err
		}
	}
	r.KeyID = keys[0].ID()
	if r.Versions, err = s.sealRows(ctx); err != nil {
		return r, fault("seal the secrets", err)
	}
	if err := s.compact(ctx); err != nil {
		return r, fault("compact the database", err)
	}
	r.Unread = s.unsealed
	if r.Unread > 0 { // an old key may be what opens them once they are mended
		return r, nil
	}
	for _, k := range keys[1:] {
		r.Retired = append(r.Retired, k.ID())
	}
	if r.KeyFile != "" && !keepOld {
		err = seal.WriteFile(r.KeyFile, keys[0])
	}
	return r, err
}

// compact writes the jobs database anew, without free pages and without what
// they hold of old rows, and empties its log.
func (s *Store) compact(ctx context.Context) error {
	if err := s.readers.close(); err != nil { // they would keep the log
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := openConn(s.cfg.Path, writer, s.cfg.statementLog())
	if err != nil {
		return err
	}
	err = c.exec("VACUUM")
	if err == nil {
		err = c.exec("PRAGMA wal_checkpoint(TRUNCATE)")
	}
	return errors.Join(err, c.Close())
}
