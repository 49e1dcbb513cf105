package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// text writes what was measured as tables.
func (h *History) text(out io.Writer, w *tabwriter.Writer) error {
	for _, table := range []struct {
		title string
		rows  [][]any
	}{
		{fmt.Sprintf("History: %d executions of %d jobs in %d days, %.1f bytes each; opened in %.0f ms",
			h.Rows, h.Jobs, h.Days, h.BytesPerRow, h.OpenMs), h.insertTable()},
		{"Lists, warm, ms", h.queryTable()},
		{"Export, from a server to a client on this machine", h.exportTable()},
		{"Dropping the oldest day; commits of 1,000 and reads go on", h.dropTable()},
	} {
		_, _ = fmt.Fprintf(out, "\n%s\n", table.title)
		for _, row := range table.rows {
			for _, cell := range row {
				_, _ = fmt.Fprintf(w, "%v\t", cell)
			}
			_, _ = fmt.Fprintln(w)
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func (h *History) insertTable() [][]any {
	rows := [][]any{{"on record", "then", "rows per second", "of the first", "CPU us each"}}
	for _, i := range h.Inserts {
		rows = append(rows, []any{i.Before, i.Rows, int(i.PerSecond), fmt.Sprintf("%.2f", i.PerSecond/h.Inserts[0].PerSecond), hundredth(i.CPUMicros)})
	}
	return rows
}

func (h *History) queryTable() [][]any {
	rows := [][]any{{"", "found", "p50", "p99", "max"}}
	for _, q := range h.Queries {
		rows = append(rows, []any{q.Name, tenth(q.Found), hundredth(q.P50Ms), hundredth(q.P99Ms), hundredth(q.MaxMs)})
	}
	return rows
}

func (h *History) exportTable() [][]any {
	if h.Export == nil {
		return nil
	}
	return [][]any{
		{"rows", "MB", "seconds", "rows per second", "server's memory, MB"},
		{h.Export.Rows, h.Export.Bytes / 1e6, tenth(h.Export.Seconds), int(h.Export.PerSecond), h.Export.Memory / 1e6},
	}
}

func (h *History) dropTable() [][]any {
	d := h.Drop
	if d == nil {
		return nil
	}
	return [][]any{
		{"", "rows", "MB", "ms", "commits", "longest ms", "reads", "longest ms"},
		{"before", "", "", "", d.Before.Commits, tenth(d.Before.LongestCommitMs), d.Before.Reads, tenth(d.Before.LongestReadMs)},
		{"during", d.Rows, d.Bytes / 1e6, tenth(d.Ms), d.During.Commits, tenth(d.During.LongestCommitMs), d.During.Reads, tenth(d.During.LongestReadMs)},
	}
}

func hundredth(v float64) string { return fmt.Sprintf("%.2f", v) }
