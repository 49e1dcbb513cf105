package sqlite

import "context"

// dropped returns how far Expire has dropped history.
func (db *jobsDB) dropped(ctx context.Context) (since int64, err error) {
	err = db.read(ctx, func(c *conn) error {
		since, err = c.number(`SELECT since FROM kept WHERE one = 1`)
		return err
	})
	return since, fault("read how far history goes back", err)
}

// markKept notes that a day is dropped.
func markKept(c *conn, d day) error {
	return c.exec(`UPDATE kept SET since = max(since, ?) WHERE one = 1`, d.end())
}
