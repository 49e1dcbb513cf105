package sqlite

import (
	"context"
	"errors"
	"log/slog"
)

// jobsDB is the open jobs database: connections that read it, and the one that
// writes it.
type jobsDB struct {
	path    string
	log     *slog.Logger // nil: statements are not logged
	readers *readers
	writer  *jobsWriter
}

// openJobsDB opens the database with its schema up to date, and starts its writer.
// refuse returns why nothing but a beat is to be written now, or nil.
func openJobsDB(ctx context.Context, id *identity, readConns int, log *slog.Logger, refuse func() error) (*jobsDB,
	error) {
	if err := migrateFile(ctx, id.path, "jobs", log); err != nil {
		return nil, err
	}
	db := &jobsDB{path: id.path, log: log, readers: newReaders(id, readConns, log)}
	db.writer = newJobsWriter(db.readers, log, refuse)
	go db.writer.loop()
	return db, nil
}

// read lends a reading connection to fn: see readers.with.
func (db *jobsDB) read(ctx context.Context, fn func(*conn) error) error {
	return db.readers.with(ctx, fn)
}

// write runs fn in a transaction of the writer: see jobsWriter.do.
func (db *jobsDB) write(ctx context.Context, rows int, fn func(*conn) (tally, error)) error {
	return db.writer.do(ctx, rows, fn)
}

// check checks whether the files of the database are where they were opened.
func (db *jobsDB) check() error { return db.readers.id.check() }

// close waits for the reads and writes that have begun.
func (db *jobsDB) close() error { return errors.Join(db.readers.close(), db.writer.close()) }
