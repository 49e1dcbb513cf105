package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/client"
)

// onceAYear is a job that does not fire while a test runs.
var onceAYear = client.Spec{Schedule: "0 0 1 1 *", API: "http://127.0.0.1:9/", Type: "ATLEAST_ONCE"}

// TestJobsByTheirKeys: a hundred clients put one key at once, and a server dies right after it
// has made a job: in the end there is one job of each key, and it fires.
func TestJobsByTheirKeys(t *testing.T) {
	t.Parallel()
	needFailing(t)
	dir := t.TempDir()
	one, two := client.JobKey{Key: "one"}, client.JobKey{Key: "two"}

	dying := serveWith(t, failing, dir, "BELFRY_FAILPOINT=edit.created=kill@1")
	if _, err := dying.api.Jobs.PutByKey(t.Context(), one, 0, onceAYear); err == nil {
		t.Fatal("a server that was to die has answered")
	}
	<-dying.exit
	p := serve(t, dir)
	again, err := p.api.Jobs.PutByKey(t.Context(), one, 0, onceAYear)
	if err != nil || again.Version != 1 || again.NextFireAt == nil || p.countJobs() != 1 {
		t.Fatalf("%+v, error %v, %d jobs", again, err, p.countJobs())
	}

	ids := make([]string, 100)
	var wait sync.WaitGroup
	for i := range ids {
		wait.Go(func() {
			spec := onceAYear
			spec.Name = fmt.Sprint(i)
			made, err := p.api.Jobs.PutByKey(t.Context(), two, 0, spec)
			if ids[i] = made.JobID; err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	job, err := p.api.Jobs.GetByKey(t.Context(), two)
	if err != nil || job.Version != len(ids) || p.countJobs() != 2 {
		t.Errorf("%+v, error %v, %d jobs", job, err, p.countJobs())
	}
	for _, id := range ids {
		if id != job.ID {
			t.Fatalf("%s and %s have one key", id, job.ID)
		}
	}
	if _, err := p.api.Jobs.CreateByKey(t.Context(), two, onceAYear); err == nil {
		t.Error("a second job of the key was made")
	}
	if _, err := p.api.Jobs.DeleteByKey(t.Context(), two, 0); err != nil {
		t.Error(err)
	}
	if made, err := p.api.Jobs.CreateByKey(t.Context(), two, onceAYear); err != nil || made.JobID == job.ID {
		t.Errorf("%+v, error %v", made, err)
	}
}

// TestImportOfKeysOverACrash: a server dies between two commits of an import with
// onConflict=update. The same file, sent again, does the rest; a third time it changes
// nothing, and an export restores what was changed.
func TestImportOfKeysOverACrash(t *testing.T) {
	t.Parallel()
	needFailing(t)
	dir := t.TempDir()
	var file strings.Builder
	const all = 3_000
	for i := range all {
		fmt.Fprintf(&file, `{"schedule":"0 0 1 1 *","api":"http://127.0.0.1:9/","type":"ATLEAST_ONCE",`+
			`"key":"k%d"}`+"\n", i)
	}
	dying := serveWith(t, failing, dir, "BELFRY_FAILPOINT=edit.import-chunk=kill@2")
	if report, err := dying.importOf(file.String()); err == nil {
		t.Fatalf("a server that was to die has answered %+v", report)
	}
	<-dying.exit
	p := serve(t, dir)
	half := p.countJobs()
	for _, want := range []int{half, all} {
		report, err := p.importOf(file.String())
		if err != nil || report.Unchanged != want || report.Imported != all-want || p.countJobs() != all {
			t.Errorf("%d unchanged, %d imported, error %v; %d jobs", report.Unchanged, report.Imported, err,
				p.countJobs())
		}
	}
	var export strings.Builder
	if _, err := p.api.Jobs.Export(t.Context(), client.ExportFilter{}, &export); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"k7", "k2999"} {
		if _, err := p.api.Jobs.PutByKey(t.Context(), client.JobKey{Key: key}, 0, client.Spec{Name: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	report, err := p.importOf(export.String())
	if err != nil || report.Updated != 2 || report.Unchanged != all-2 {
		t.Errorf("%d updated, %d unchanged, error %v", report.Updated, report.Unchanged, err)
	}
	if job, err := p.api.Jobs.GetByKey(t.Context(), client.JobKey{Key: "k7"}); err != nil || job.Spec.Name != "" ||
		job.Version != 3 {
		t.Errorf("%+v, error %v", job, err)
	}
}

func (p *process) importOf(body string) (report client.ImportReport, err error) {
	return p.api.Jobs.ImportOnConflict(p.t.Context(), client.Lines, client.Update, strings.NewReader(body))
}
