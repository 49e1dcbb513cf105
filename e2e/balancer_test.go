package e2e

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/receiver"
	"go.yaml.in/yaml/v3"
)

const composeDir = "../deploy/compose"

// composed is what a test takes of cluster.yml. Package tools/deploy judges the rest of it.
type composed struct {
	Services map[string]struct {
		Environment map[string]string
	}
}

// docBlock returns the only block of a document, in a language, that has a text in it.
func docBlock(t *testing.T, page, fence, has string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range regexp.MustCompile("(?s)```"+fence+"\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		if strings.Contains(m[1], has) {
			found = append(found, m[1])
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s has %d blocks with %q, want one", page, len(found), has)
	}
	return found[0]
}

// prepared runs the commands of docs/cluster.md that come before `docker compose`, in a copy of the
// folder, and returns it.
func prepared(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	if err := os.CopyFS(filepath.Join(root, "deploy", "compose"), os.DirFS(composeDir)); err != nil {
		t.Fatal(err)
	}
	commands, _, found := strings.Cut(docBlock(t, "../docs/cluster.md", "sh", "docker compose"), "docker compose")
	if !found {
		t.Fatal("the commands do not start docker compose")
	}
	shell := exec.Command("/bin/sh", "-eu", "-c", commands)
	shell.Dir = root
	if out, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("the commands of docs/cluster.md: %v\n%s", err, out)
	}
	return filepath.Join(root, "deploy", "compose")
}

// secretOf returns the content of a file that a container sees among its secrets.
func secretOf(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, "secrets", name)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%s: %v, %v; the user of the container reads it", path, info.Mode(), err)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder of the secrets: %v, %v", info.Mode(), err)
	}
	return strings.TrimSpace(string(text))
}

// environments returns the settings of the servers of cluster.yml by the names of their services, with what
// the commands of docs/cluster.md have made in the folder.
func environments(t *testing.T, dir string) map[string]map[string]string {
	t.Helper()
	made := map[string]string{}
	dotEnv, err := os.ReadFile(filepath.Join(dir, ".env"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(dotEnv)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		made[name] = value
	}
	text, err := os.ReadFile(filepath.Join(dir, "cluster.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var file composed
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]string{}
	variable := regexp.MustCompile(`^\$\{(\w+):([-?])(.*)\}$`)
	for name, service := range file.Services {
		if !strings.HasPrefix(name, "belfry") {
			continue
		}
		for key, value := range service.Environment {
			m := variable.FindStringSubmatch(value)
			switch {
			case m == nil:
			case made[m[1]] != "":
				service.Environment[key] = made[m[1]]
			case m[2] == "?":
				t.Fatalf("%s: the commands of docs/cluster.md do not make %s", name, m[1])
			default:
				service.Environment[key] = m[3]
			}
		}
		out[name] = service.Environment
	}
	return out
}

// balanced is the cluster of deploy/compose with ports of the test, in processes of their own.
type balanced struct {
	servers map[string]*process
	key     string // of the API
	url     string // of the balancer
}

// startBalanced starts the servers of cluster.yml and the balancer with haproxy.cfg.
func startBalanced(t *testing.T, database string) *balanced {
	t.Helper()
	program, _ := unpackedProgram(t, "proxies", "haproxy")
	dir := prepared(t)
	password := secretOf(t, dir, "database_password")
	inside := "postgres://belfry:" + password + "@/belfry?host=/var/run/postgresql"
	if got := secretOf(t, dir, "database_url"); got != inside {
		t.Errorf("database_url is %q, want %q", got, inside)
	}
	file := filepath.Join(t.TempDir(), "database_url")
	if err := os.WriteFile(file, []byte(database+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join(dir, "haproxy.cfg"))
	if err != nil {
		t.Fatal(err)
	}
	b := &balanced{servers: map[string]*process{}}
	text := string(config)
	for name, settings := range environments(t, dir) {
		addr := freePort(t)
		_, port, _ := net.SplitHostPort(addr)
		b.key = settings["BELFRY_API_KEYS"]
		if settings["DATABASE_URL_FILE"] != "/run/secrets/database_url" || settings["HOST"] != "0.0.0.0" ||
			settings["BELFRY_ADVERTISE"] != "http://"+name+":3000" || settings["BELFRY_NODE_NAME"] != name {
			t.Errorf("%s: %v", name, settings)
		}
		settings["DATABASE_URL_FILE"], settings["HOST"], settings["PORT"] = file, "127.0.0.1", port
		settings["BELFRY_ADVERTISE"], settings["BELFRY_TRUSTED_PROXIES"] = "http://"+addr, "127.0.0.1"
		settings["BELFRY_EGRESS"] = "private" // the receiver is on this machine
		env := cleanEnv()
		for key, value := range settings {
			env = append(env, key+"="+value)
		}
		b.servers[name] = startWith(t, binary, "belfry is running", "address", env, "serve")
		text = strings.Replace(text, name+":3000", addr, 1)
	}
	addr := freePort(t)
	_, port, _ := net.SplitHostPort(addr)
	text = strings.Replace(text, "bind :3000", "bind 127.0.0.1:"+port, 1)
	if strings.Contains(text, ":3000") || len(b.servers) != 3 {
		t.Fatalf("the servers of haproxy.cfg are not the %d of cluster.yml:\n%s", len(b.servers), text)
	}
	runBalancer(t, program, addr, text)
	b.url = "http://" + addr
	return b
}

func runBalancer(t *testing.T, program, addr, text string) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, env := unpackedProgram(t, "proxies", "haproxy")
	var out bytes.Buffer
	cmd := exec.Command(program, "-db", "-f", path)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = env, dir, &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("HAProxy said:\n%s", tail(out.String(), 4000))
		}
	})
	eventually(t, "HAProxy listens", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// ready returns the status of /readyz at the balancer, over a connection of its own. Without a server
// the balancer answers itself, with a page.
func (b *balanced) ready(t *testing.T) int {
	t.Helper()
	http.DefaultClient.CloseIdleConnections()
	res, err := http.Get(b.url + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// TestClusterBehindABalancer: the servers of deploy/compose with its HAProxy. The trail has the address of the
// client. While one server stops and another one is killed, requests through the balancer are answered, and no
// fire is lost. Without the database the balancer has no server.
func TestClusterBehindABalancer(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the client of this test needs 127.0.0.2")
	}
	unpackedProgram(t, "proxies", "haproxy") // skips before anything is started
	database, tg := newPostgres(t), newTarget(t)
	b := startBalanced(t, database.Database(t))
	eventually(t, "the balancer has a server", func() bool { return b.ready(t) == 200 })
	c := newProxyClient(t, "127.0.0.2", strings.TrimPrefix(b.url, "http://"))
	c.wantAddressInTrail(b.key, "127.0.0.2")
	status, body := c.do("POST", "/jobs/import", b.key, "application/x-ndjson", everySecond(30, tg.url+"/ok"))
	if status != 200 || !strings.Contains(body, `"imported":30,`) {
		t.Fatalf("import: %d %s", status, body)
	}
	ids := make([]string, 0, 30)
	for _, m := range regexp.MustCompile(`"jobId":"([^"]+)"`).FindAllStringSubmatch(body, -1) {
		ids = append(ids, m[1])
	}
	first, machine := (time.Now().UnixMilli()/1000+2)*1000, watchStalls(t)

	stopping := make(chan int, 1)
	go func() { stopping <- b.servers["belfry1"].terminate() }()
	requests := 0
	for code := -1; code < 0; requests++ {
		if status, body := c.do("GET", "/jobs/"+ids[requests%len(ids)], b.key, "", ""); status != 200 {
			t.Errorf("while a server stops, request %d: %d %s", requests, status, body)
		}
		select {
		case code = <-stopping:
			if code != 0 {
				t.Errorf("exit code %d after SIGTERM", code)
			}
		case <-time.After(20 * time.Millisecond):
		}
	}
	t.Logf("%d requests were answered while a server stopped", requests)
	b.servers["belfry2"].kill()
	kills := []int64{time.Now().UnixMilli()}
	last := b.servers["belfry3"]
	eventually(t, "the server that is there is asked", func() bool {
		status, _ := c.do("GET", "/jobs/"+ids[0], b.key, "", "")
		return status == 200
	})
	eventually(t, "it fires all jobs", func() bool {
		status, metrics := askWithKey(t, last.url+"/metrics", b.key)
		return status == 200 && strings.Contains(metrics, `belfry_jobs{state="active"} 30`)
	})
	end := (time.Now().UnixMilli()/1000 + 2) * 1000
	pass(end)
	got := tg.waitFor(t, ids, first, end)
	unrecorded := machine.longestMs() + 3_000
	got.check(t, ids, first, end, func(got []receiver.Entry) bool { return repeated(got, kills, unrecorded) })

	if err := database.End(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "without the database no server is ready", func() bool { return b.ready(t) == 503 })
	if err := database.Launch(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the balancer has a server again", func() bool { return b.ready(t) == 200 })
}

// askWithKey makes a request with an API key, and returns what is answered as text.
func askWithKey(t *testing.T, url, key string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	_, err = text.ReadFrom(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, text.String()
}

// TestTwoServersByHand runs the commands by which docs/cluster.md starts two servers.
func TestTwoServersByHand(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl here")
	}
	database := newPostgres(t)
	block := docBlock(t, "../docs/cluster.md", "sh", "--port 3001")
	_, one, _ := net.SplitHostPort(freePort(t))
	_, two, _ := net.SplitHostPort(freePort(t))
	const url = "postgres:///belfry?host=/var/run/postgresql"
	if !strings.Contains(block, url) {
		t.Fatalf("the commands do not name %s:\n%s", url, block)
	}
	dir := t.TempDir()
	if err := os.Symlink(binary, filepath.Join(dir, "belfry")); err != nil {
		t.Fatal(err)
	}
	script := strings.NewReplacer(url, database.Database(t), "3001", one, "3002", two).Replace(block)
	shell := exec.Command("/bin/sh", "-eu", "-c", script+"\ntrap '' TERM; kill -TERM 0; wait\n")
	shell.Env = cleanEnv("PATH=" + dir + ":" + os.Getenv("PATH"))
	shell.Env = slices.DeleteFunc(shell.Env, func(v string) bool { return v == "PORT=0" })
	shell.Dir = dir
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out, log bytes.Buffer
	shell.Stdout, shell.Stderr = &out, &log
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(maxWait, func() { _ = syscall.Kill(-shell.Process.Pid, syscall.SIGKILL) })
	err := shell.Wait()
	timer.Stop()
	for _, want := range []string{`"message":"Job created successfully"`, `"schedule":"0 0 6 * * *"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the commands do not print %s", want)
		}
	}
	if err != nil || strings.Count(log.String(), `"msg":"belfry is running"`) != 2 {
		t.Errorf("%v: %s\n%s", err, out.String(), tail(log.String(), 4000))
	}
}
