package cli

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress shows the progress of a transfer on a terminal.
type progress struct {
	bar   *progressbar.ProgressBar // nil: not a terminal
	total int64
}

// newProgress returns a bar on w for a number of bytes; negative: unknown.
func newProgress(w io.Writer, total int64, visible bool) progress {
	if !visible {
		return progress{}
	}
	return progress{total: total, bar: progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription("importing"),
		progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetSpinnerChangeInterval(0), // no goroutine that outlives the work
		progressbar.OptionSetRenderBlankState(true),
		progressbar.OptionClearOnFinish(),
	)}
}

// newJobsProgress returns a bar for a number of jobs.
func newJobsProgress(w io.Writer, total int64, visible bool) progress {
	if !visible {
		return progress{}
	}
	return progress{total: total, bar: progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription("jobs"),
		progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetSpinnerChangeInterval(0), // no goroutine that outlives the work
		progressbar.OptionSetRenderBlankState(true),
		progressbar.OptionClearOnFinish(),
	)}
}

// at shows that n of the total are done. An error in drawing the bar does not stop the work.
func (p progress) at(n int64) {
	if p.bar != nil && (p.total < 0 || n < p.total) {
		_ = p.bar.Set64(n)
	}
}

// clear removes the bar for a line of text.
func (p progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}

// end removes the bar.
func (p progress) end() { p.clear() }
