package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/receiver"
)

// filesWarning returns what health says of open files; "" when there are enough.
func (p *process) filesWarning() string {
	p.t.Helper()
	health, err := p.api.Health(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	if !health.Healthy() || !health.Checks["files"].OK {
		p.t.Errorf("open files make it unhealthy: %+v", health)
	}
	return health.Checks["files"].Warning
}

// withoutPrivilege is the arguments of a command that cannot raise its limits.
func withoutPrivilege(t *testing.T, args ...string) []string {
	t.Helper()
	if os.Getuid() == 0 { // who may raise any limit
		args = append([]string{"setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource"}, args...)
	}
	if _, err := exec.LookPath(args[0]); err != nil {
		t.Skip(err)
	}
	return args
}

// serveWithFiles starts a server that may have so many open files.
func serveWithFiles(t *testing.T, limit int) *process {
	t.Helper()
	args := withoutPrivilege(t, "sh", "-c", fmt.Sprintf(`ulimit -n %d && exec "$0" serve`, limit), binary)
	return startWith(t, args[0], "belfry is running", "address", cleanEnv("DB_PATH="+t.TempDir()+"/jobs.db"),
		args[1:]...)
}

// Where the limit of open files is lower than the calls that are due need, health and the log
// say so, with what it allows, what is used, and what to do. What the configuration bounds is
// no warning.
func TestFewOpenFilesAreTold(t *testing.T) {
	t.Parallel()
	p := serveWithFiles(t, 512)
	defer p.kill() // calls take seconds
	if text := p.filesWarning(); text != "" {
		t.Errorf("health warns of files that nothing needs: %s", text)
	}
	var jobs strings.Builder
	for _, url := range receive(t, receiver.Config{Ports: 4}) {
		jobs.WriteString(everySecond(40, url+"/slow?ms=3000"))
	}
	p.importJobs(jobs.String())
	const what = "all of the 128 calls that it allows at a time, of 20000 configured, were in flight"
	eventually(t, "health warns of the limit of open files", func() bool {
		return strings.Contains(p.filesWarning(), what)
	})
	text := p.filesWarning()
	for _, part := range []string{
		"the limit of open files is 512, and ", " are open", "ulimit -n", "LimitNOFILE=", "to 22000 or more",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("the warning does not say %q: %s", part, text)
		}
	}
	eventually(t, "the log says it as well", func() bool {
		return strings.Contains(p.log(), "there are too few open files") && strings.Contains(p.log(), what)
	})
}

// limitFiles changes how many open files a running server may have.
func (p *process) limitFiles(soft int) {
	p.t.Helper()
	tool, err := exec.LookPath("prlimit")
	if err != nil {
		p.t.Skip(err)
	}
	out, err := exec.CommandContext(p.t.Context(), tool, "--pid", fmt.Sprint(p.cmd.Process.Pid),
		fmt.Sprintf("--nofile=%d:", soft)).CombinedOutput()
	if err != nil {
		p.t.Fatalf("%v: %s", err, out)
	}
}

// A connection that cannot be opened for want of a file fails with these words and does not
// count against the host; health and the log tell, and calls go on when there are files again.
func TestWantOfFilesIsTold(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir())
	const files = 16 // fewer than are open
	ids := make([]string, 2)
	for i, url := range receive(t, receiver.Config{Ports: 2}) {
		made, err := p.api.Jobs.Create(t.Context(), client.Spec{
			Schedule: "0 0 0 1 1 *", API: url + "/ok", Type: "ATMOST_ONCE",
		})
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = made.JobID
	}
	if x := p.ended(ids[0]); x.Status != "SUCCESS" { // and the file of the day's history is there
		t.Fatalf("%+v", x)
	}
	p.limitFiles(files)
	if _, err := p.api.Jobs.Trigger(t.Context(), ids[1]); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the call fails", func() bool {
		return strings.Contains(p.log(), `"error":"too many open files to connect to 127.0.0.1`)
	})
	p.limitFiles(1024) // the store needs some, too
	const what = "a connection could not be opened or accepted for want of a file"
	if text := p.filesWarning(); !strings.Contains(text, what) ||
		!strings.Contains(text, "the limit of open files is 1024, and ") {
		t.Errorf("health says %q", text)
	}
	if x := p.ended(ids[1]); x.Status != "SUCCESS" {
		t.Errorf("with files again: %+v", x)
	}
	eventually(t, "the log says it", func() bool { return strings.Contains(p.log(), what) })
}
