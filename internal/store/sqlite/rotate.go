package sqlite

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// RotateEncryption seals every secret of a database with a new key, and then compacts
// the file, so that no copy of the old values remains in it. No server may have the
// database open. Without keys in the configuration it creates the new key and, at the
// end, removes the old ones from the key file unless keepOld is set. If it is killed,
// everything stays readable, and it can be called again.
func RotateEncryption(ctx context.Context, cfg Config, keepOld bool) (r store.Rotation, err error) {
	cfg.purpose = rotating
	if _, err := os.Stat(cfg.Path); err != nil {
		return r, domain.Unavailable(err, "there is no database to rotate the key of")
	}
	s, err := Open(ctx, cfg)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	keys := s.sealer.box.Keys()
	if len(cfg.EncryptionKeys) == 0 {
		keys = slices.Insert(keys, 0, seal.NewKey())
		r.KeyFile = s.cfg.keyFile()
		if err := seal.WriteFile(r.KeyFile, keys...); err != nil { // before it seals anything
			return r, domain.Unavailable(err, "cannot write the encryption key")
		}
		if s.sealer.box, err = seal.NewBox(keys...); err != nil {
			return r, err
		}
	}
	r.KeyID = keys[0].ID()
	if r.Versions, err = s.sealer.sealAll(ctx); err != nil {
		return r, fault("seal the secrets", err)
	}
	if r.Settings, err = s.sealer.sealSettings(ctx); err != nil {
		return r, err
	}
	if err := s.db.compact(ctx); err != nil {
		return r, fault("compact the database", err)
	}
	r.Unread = s.sealer.unsealed
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
func (db *jobsDB) compact(ctx context.Context) error {
	if err := db.readers.close(); err != nil { // they would keep the log
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := openConn(db.path, writer, db.log)
	if err != nil {
		return err
	}
	err = c.exec("VACUUM")
	if err == nil {
		err = c.exec("PRAGMA wal_checkpoint(TRUNCATE)")
	}
	return errors.Join(err, c.Close())
}
