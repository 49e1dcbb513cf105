package sqlite

import "zombiezen.com/go/sqlite"

// untoldAlerts are the alerts that have a mark, with the day whose file has the row that counts. Rows of other days may
// have a mark, too: they are not looked at.
type untoldAlerts map[alertID]day

// collect adds the marked rows of a file that count: those that have recovered, and those of open alerts.
func (u untoldAlerts) collect(c *conn, d day, open openAlerts) error {
	return c.query("SELECT "+alertColumns+" FROM "+d.alertTable()+" WHERE untold = 1", func(s *sqlite.Stmt) error {
		row := columnsAlert(s)
		if live, ok := open[row.JobID]; !row.Open() || ok && live.by == row.by && live.day == d {
			u[alertID{row.JobID, row.by}] = d
		}
		return nil
	})
}

func (u untoldAlerts) commit(changes []*alertChange) {
	for _, c := range changes {
		u[alertID{c.job, c.by}] = c.day
	}
}

// note writes into rows of the file of a day whether they have a mark.
func (u untoldAlerts) note(d day, rows []alertRow) {
	for i := range rows {
		where, marked := u[alertID{rows[i].JobID, rows[i].by}]
		rows[i].untold = marked && where == d
	}
}

// carry drops the marks of a file that goes, except those of rows that are carried: they keep the mark that they have.
func (u untoldAlerts) carry(d day, rows []alertRow) {
	for id, where := range u {
		if where == d {
			delete(u, id)
		}
	}
	for i := range rows {
		if rows[i].untold {
			u[alertID{rows[i].JobID, rows[i].by}] = carried
		}
	}
}
