package bench

// table is one part of the report for people.
type table struct {
	title string
	rows  [][]any // the first one names the columns
}

func (t *table) add(cells ...any) { t.rows = append(t.rows, cells) }
