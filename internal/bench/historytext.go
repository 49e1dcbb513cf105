package bench

import "fmt"

// tables returns what was measured.
func (h *History) tables() []table {
	return []table{
		{fmt.Sprintf("History: %d executions of %d jobs in %d days, %.1f bytes each; opened in %.0f ms",
			h.Rows, h.Jobs, h.Days, h.BytesPerRow, h.OpenMs), h.insertTable()},
		{"Lists, warm, ms", h.queryTable()},
		{"Export, from a server to a client on this machine", h.exportTable()},
		{"Dropping the oldest day; commits of 1,000 and reads go on", h.dropTable()},
	}
}

func (h *History) insertTable() [][]any {
	rows := [][]any{{"on record", "then", "rows per second", "of the first", "CPU us each"}}
	for _, i := range h.Inserts {
		rows = append(rows, []any{i.Before, i.Rows, int(i.PerSecond),
			fmt.Sprintf("%.2f", i.PerSecond/h.Inserts[0].PerSecond), hundredth(i.CPUMicros)})
	}
	return rows
}

func (h *History) queryTable() [][]any {
	rows := [][]any{{"", "found", "p50", "p99", "max"}}
	for _, q := range h.Queries {
		rows = append(rows, []any{q.Name, q.Found, hundredth(q.P50Ms), hundredth(q.P99Ms), hundredth(q.MaxMs)})
	}
	return rows
}

func (h *History) exportTable() [][]any {
	if h.Export == nil {
		return nil
	}
	return [][]any{
		{"rows", "MB", "seconds", "rows per second", "server's memory, MB"},
		{h.Export.Rows, h.Export.Bytes / 1e6, h.Export.Seconds, int(h.Export.PerSecond), h.Export.Memory / 1e6},
	}
}

func (h *History) dropTable() [][]any {
	d := h.Drop
	if d == nil {
		return nil
	}
	return [][]any{
		{"", "rows", "MB", "ms", "commits", "longest ms", "reads", "longest ms"},
		{"before", "", "", "", d.Before.Commits, d.Before.LongestCommitMs, d.Before.Reads, d.Before.LongestReadMs},
		{"during", d.Rows, d.Bytes / 1e6, d.Ms, d.During.Commits, d.During.LongestCommitMs, d.During.Reads,
			d.During.LongestReadMs},
	}
}

func hundredth(v float64) string { return fmt.Sprintf("%.2f", v) }
