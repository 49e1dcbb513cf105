package e2e

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/client"
)

// unpack extracts the regular files of an archive into a folder.
func unpack(t *testing.T, archive, into string) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	text, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for files := tar.NewReader(text); ; {
		head, err := files.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if head.Typeflag != tar.TypeReg {
			continue
		}
		path := filepath.Join(into, filepath.Clean("/"+head.Name))
		data, err := io.ReadAll(files)
		if err == nil {
			err = errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, data, 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// The files that the binary of commit 23d25ae left when it was killed are read: its
// jobs with their secrets, what was executed, and the retry that waited. It had four
// jobs, of which one was changed and one is paused, and four triggers.
func TestDatabaseOfAnEarlierBinary(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	unpack(t, "testdata/database-of-23d25ae.tgz", dir)
	p := serve(t, filepath.Join(dir, "data"), "BELFRY_RETENTION=3650d")
	jobs := make(map[string]client.Job)
	for j, err := range p.api.Jobs.List(t.Context(), client.JobFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		jobs[j.Spec.Name] = j
	}
	if len(jobs) != 4 || jobs["paused"].IsActive || !jobs["yearly, changed"].IsActive ||
		jobs["yearly, changed"].Version != 2 {
		t.Errorf("the jobs are %+v", jobs)
	}
	request{"the secret header", "POST", "/jobs/export?withSecrets=true", nil, "", 200,
		[]string{`"Authorization":"Bearer secret-of-the-old"`}, nil}.send(t, p.url)
	for name, want := range map[string][]string{
		"yearly, changed": {"SUCCESS", "SUCCESS"}, "fails": {"FAILED"}, "paused": nil,
	} {
		if got := p.manual(jobs[name].ID); !slices.Equal(got, want) {
			t.Errorf("%s: triggers ended as %v, want %v", name, got, want)
		}
	}
	if got := p.manual(jobs["retries"].ID); len(got) != 1 || got[0] != "PENDING" && got[0] != "FAILED" {
		t.Errorf("retries: its trigger is %v, want one that waits for its retry", got)
	}
}

// manual returns how the triggers of a job ended.
func (p *process) manual(id string) (statuses []string) {
	p.t.Helper()
	for x, err := range p.api.Executions.OfJob(p.t.Context(), id, 100) {
		if err != nil {
			p.t.Fatal(err)
		}
		if x.Manual {
			statuses = append(statuses, x.Status)
		}
	}
	return statuses
}
