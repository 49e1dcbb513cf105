package sqlite

import "github.com/belfry-scheduler/belfry/internal/domain"

const (
	insertName = `INSERT INTO job_name (name, id) VALUES (?, ?)`
	deleteName = `DELETE FROM job_name WHERE name = ? AND id = CAST(? AS BLOB)`
)

// addName puts a job into the order of names.
func addName(c *conn, id domain.JobID, name string) error {
	return c.exec(insertName, domain.SortName(name), id)
}

// dropName takes a job out of the order of names.
func dropName(c *conn, id domain.JobID, name string) error {
	return c.exec(deleteName, domain.SortName(name), id)
}

// moveName moves a job in the order of names. Where its place is the same nothing is written.
func moveName(c *conn, id domain.JobID, from, to string) error {
	if domain.SortName(from) == domain.SortName(to) {
		return nil
	}
	if err := dropName(c, id, from); err != nil {
		return err
	}
	return addName(c, id, to)
}
