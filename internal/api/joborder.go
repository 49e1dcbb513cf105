package api

import (
	"context"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/view"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

// sortParam is the order of a list of jobs.
type sortParam string

// jobOrders are the orders beside that of ids, with the lists of their cursors.
var jobOrders = map[string]struct {
	order view.JobOrder
	list  wire.CursorList
}{
	"-failures":   {view.ByFailures, wire.CursorFailures},
	"nextFireAt":  {view.ByNextFire, wire.CursorNextFires},
	"-lastFireAt": {view.ByLastFire, wire.CursorLastFires},
	"name":        {view.ByName, wire.CursorNames},
	"-name":       {view.ByName, wire.CursorNames},
}

// Schema implements huma.SchemaProvider.
func (sortParam) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, Enum: []any{"id", "-id", "name", "-name", "-failures", "nextFireAt", "-lastFireAt"},
		Default:  "id",
		Examples: []any{"-id"},
		Description: "id: in the order of their creation. -id: the newest first. name, -name: by the first 100 " +
			"characters of the name, upwards or downwards, and then by id; A to Z are sorted as a to z, other " +
			"letters by their code points; jobs without a name come last in both. -failures: the most failures in a " +
			"row first, then the jobs that do not fail. nextFireAt: the soonest next fire first, then the jobs that " +
			"do not fire. -lastFireAt: the latest execution on record first, then the jobs of which nothing is on " +
			"record. The last three move while pages are read: a job may be on two pages, or on none. count does " +
			"not depend on the order.",
	}
}

func (p sortParam) parse() (descending bool, order string, err error) {
	switch word := strings.TrimSpace(string(p)); {
	case word == "", word == "id":
		return false, "", nil
	case word == "-id":
		return true, "", nil
	case jobOrders[word].order != 0:
		return word == "-name", word, nil
	}
	return false, "", kindMalformed.fieldAs(domain.FieldChoice, "sort", "must be id, -id, name, -name, -failures, "+
		"nextFireAt or -lastFireAt: there is no index of another order", string(p))
}

// jobsPage is a page of jobs in any order.
type jobsPage struct {
	view.JobPage

	after  func(i int) string
	cursor string // of the next page, unless it was cut
	isCut  bool
}

// cut ends the page where it has pageBytes with the executions, and returns its length.
func (p *jobsPage) cut(executions map[domain.JobID]domain.Execution) (bytes int) {
	n := len(p.Jobs)
	bytes = cutJobs(&p.JobPage, executions)
	p.isCut = len(p.Jobs) < n
	return bytes
}

// next returns the cursor of the next page; empty: there is none.
func (p *jobsPage) next() string {
	if p.isCut {
		return p.after(len(p.Jobs) - 1)
	}
	return p.cursor
}

// cutJobs ends a page where it has pageBytes with the executions, and returns its length.
func cutJobs(page *view.JobPage, executions map[domain.JobID]domain.Execution) (bytes int) {
	for i := range page.Jobs {
		j := &page.Jobs[i]
		bytes += j.Current.Size()
		if e, found := executions[j.ID]; found {
			bytes += e.Size()
		}
		if bytes >= pageBytes && i+1 < len(page.Jobs) {
			page.Jobs, page.Next = page.Jobs[:i+1], j.ID
			return bytes
		}
	}
	return bytes
}

// afterCursor returns the job that a cursor of jobs is at.
func (sc *scope) afterCursor(text string) (domain.JobID, error) {
	from, err := wire.ParseCursor(wire.CursorJobs, text)
	if err != nil {
		return domain.JobID{}, err
	}
	return sc.spaces.seals.openedJob(from)
}

// afterJobs returns the cursor of the page after one. A page that has ended because of its work may
// end at a job of another namespace.
func (sc *scope) afterJobs(ctx context.Context, page *view.JobPage) string {
	n := len(page.Jobs)
	if visitorOf(ctx).namespace == "" || n > 0 && page.Jobs[n-1].ID == page.Next {
		return wire.Cursor{List: wire.CursorJobs, Job: page.Next}.String()
	}
	return sc.spaces.seals.sealedJob(page.Next)
}
