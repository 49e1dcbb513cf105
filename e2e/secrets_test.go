package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// canary is in every secret that the test plants, and in nothing else.
const canary = "canary5d1e"

// Secrets that sign: of the server, of a job, and the job's next one.
const (
	canaryOfServer = "whsec_" + canary + "SERVERSERVERSERVERSERV"
	canaryOfJob    = "whsec_" + canary + "JOBJOBJOBJOBJOBJOBJOBJ"
	canaryNext     = "whsec_" + canary + "NEXTNEXTNEXTNEXTNEXTNE"
)

// echoServer is a target that answers with what it was sent, in every way that
// Belfry might write down.
type echoServer struct {
	*httptest.Server
	seen atomic.Int64 // requests that carried every secret
}

func newEchoServer(t *testing.T) *echoServer {
	p := &echoServer{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secret := r.Header.Get("Authorization")
		if strings.Contains(secret, canary) && strings.Contains(r.Header.Get("X-Api-Key"), canary) &&
			strings.Contains(r.Header.Get("X-Own"), canary) && strings.Contains(r.Header.Get("Cookie"), canary) &&
			r.Header.Get("Webhook-Signature") != "" {
			p.seen.Add(1)
		}
		switch r.URL.Path {
		case "/fail":
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = fmt.Fprintf(w, "you sent %v, that is %s; no signature by %s or %s", r.Header,
				strings.TrimPrefix(secret, "Bearer "),
				canaryOfServer, strings.TrimPrefix(canaryOfJob, "whsec_"))
		case "/refuse":
			http.Error(w, strings.Repeat("a", 1010)+secret, http.StatusForbidden) // cut in the middle
		case "/move":
			http.Redirect(w, r, "/?was="+strings.TrimPrefix(secret, "Bearer "), http.StatusFound)
		case "/garbage":
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, secret+"\r\n"+r.Header.Get("X-Api-Key")+"\r\n\r\n")
				_ = conn.Close()
			}
		default:
			w.Header().Set("X-Echo", secret)
			_, _ = io.WriteString(w, secret)
		}
	}))
	t.Cleanup(p.Close)
	return p
}

// transcript keeps everything that left a server.
type transcript struct {
	t    *testing.T
	key  string
	mu   sync.Mutex
	text bytes.Buffer
}

// ask makes a request, keeps the whole answer and returns its body.
func (tr *transcript) ask(method, url, body string) string {
	tr.t.Helper()
	req, err := http.NewRequestWithContext(tr.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		tr.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+tr.key)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		tr.t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := readAnswer(res)
	if err != nil {
		tr.t.Fatal(err)
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	_, _ = fmt.Fprintf(&tr.text, "%s %s: %d %v %s\n", method, url, res.StatusCode, res.Header, got)
	return string(got)
}

// wantNone asserts that the canary is nowhere in what was kept.
func (tr *transcript) wantNone() {
	tr.t.Helper()
	for line := range strings.SplitSeq(tr.text.String(), "\n") {
		if strings.Contains(line, canary) {
			tr.t.Errorf("a secret is shown: %.400s", line)
		}
	}
}

// secretJob is a job that calls the echo server with a canary in four headers and in its
// signing secret; one of them is signed with that of the server.
func secretJob(p *echoServer, path string) string {
	secrets := `["` + canaryOfJob + `"]`
	if path == "/ok" {
		secrets = "[]"
	}
	return fmt.Sprintf(`{"schedule":"* * * * * *","api":%q,"type":"ATLEAST_ONCE","retry":{"maxRetries":1,"delayMs":1},"name":"job of %s",
		"headers":{"Authorization":"Bearer %s-0123456789","X-Api-Key":"%s-key","Cookie":"sid=%s-sid; b=c","X-Own":"%s-own"},
		"secretHeaders":["X-Own"],"signing":{"secrets":%s}}`, p.URL+path, path, canary, canary, canary, canary, secrets)
}

// secretPaths are the ways in which a call of the echo server ends.
var secretPaths = []string{"/ok", "/fail", "/refuse", "/move", "/garbage"}

// TestNoSecretLeaves plants canaries in headers, in signing secrets of jobs and
// of the server, in the API key and in the encryption key, lets jobs succeed, fail, be edited, refused, listed and
// exported over a crash, and looks for them in everything that left the server
// and in every file it has written. Only the target may have them.
func TestNoSecretLeaves(t *testing.T) {
	t.Parallel()
	target := newEchoServer(t)
	dir := t.TempDir()
	tr := &transcript{t: t, key: canary + "-api-key-0123456789abcdef"}
	env := []string{
		"LOG_LEVEL=debug", "DB_VERBOSE=true", "LOG_DIR=" + filepath.Join(dir, "logs"), "HOST=127.0.0.1",
		"BELFRY_API_KEYS=" + tr.key,
		"BELFRY_SIGNING_SECRET=" + canaryOfServer,
		"BELFRY_ENCRYPTION_KEY=" + canary + strings.Repeat("A", 43-len(canary)) + "=",
	}
	p := serve(t, dir, env...)
	ids := tr.plant(p.url, target)
	eventually(t, "every job has ended in its way", func() bool {
		recent := tr.ask("GET", p.url+"/observability/executions/recent?limit=1000", "")
		return strings.Contains(recent, "SUCCESS") && strings.Contains(recent, "HTTP 302") &&
			strings.Contains(recent, "HTTP 403") &&
			strings.Contains(recent, "HTTP 500") && strings.Contains(recent, `"httpStatus":null`)
	})
	tr.edit(p.url, ids)
	p.kill()
	tr.text.WriteString(p.log())

	p = serve(t, dir, env...)
	before := target.seen.Load()
	eventually(t, "the secrets are sent after the crash", func() bool { return target.seen.Load() > before })
	tr.look(p.url, ids)
	cli := cleanEnv("BELFRY_SERVER="+p.url, "BELFRY_API_KEY="+tr.key)
	for _, args := range [][]string{{"export"}, {"health"}, {"audit"}, {"config", "check"}} {
		code, out, errs := runAll(t, append(cli, env...), args...)
		if code != 0 {
			t.Errorf("belfry %v: %d %s", args, code, errs)
		}
		tr.text.WriteString(out + errs)
	}
	if !strings.Contains(tr.text.String(), `********`) {
		t.Error("no mask was shown: the test looks in the wrong place")
	}
	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	tr.text.WriteString(p.log())
	tr.wantNone()
	wantNoCanaryIn(t, dir)
}

// plant makes a job for each way to end, and asks for what must be refused.
func (tr *transcript) plant(url string, target *echoServer) (ids []string) {
	tr.t.Helper()
	for _, path := range secretPaths {
		_, rest, ok := strings.Cut(tr.ask("POST", url+"/jobs", secretJob(target, path)), `"jobId":"`)
		if !ok {
			tr.t.Fatalf("no job was made:\n%s", tail(tr.text.String(), 2000))
		}
		ids = append(ids, rest[:36])
	}
	for _, wrong := range []string{
		`{"headers":{"Authorization":"` + canary + `\u0001"}}`, `{"headers":{"X-Api-Key":["` + canary + `"]}}`,
		`{"headers":{"X-Api-Key":"` + canary + `"`, `{"headers":"` + canary + `"}`,
		`{"headers":{"Cookie":"` + canary + `"},"headers":{}}`,
		`{"signing":{"secrets":["` + canaryNext + `!"]}}`, `{"signing":{"secrets":"` + canaryNext + `"}}`,
		`{"signing":{"secrets":["` + canaryNext + `","` + canaryNext + `"]}}`,
		`{"signing":{"secrets":[{"` + canaryNext + `":1}]}}`,
		`{"headers":{"Proxy-Authorization":"` + canary + `"}}`, `{"headers":{"X-Token":"` +
			strings.Repeat(canary, 4000) + `"}}`,
	} {
		tr.ask("POST", url+"/jobs", wrong)
		tr.ask("PUT", url+"/jobs/"+ids[0], wrong)
		tr.ask("POST", url+"/jobs/import", "["+wrong+"]")
	}
	return ids
}

// edit changes jobs as a client does that sends back what it was shown.
func (tr *transcript) edit(url string, ids []string) {
	for _, id := range ids {
		tr.ask("PUT", url+"/jobs/"+id, `{"name":"edited","headers":{"Authorization":"********",`+
			`"X-Api-Key":"********","Cookie":"********","X-Own":"********"}}`)
		tr.ask("PUT", url+"/jobs/"+id, `{"signing":{"secrets":["`+canaryNext+`","********"]}}`)
		// the job of the server's secret has none to keep
		tr.ask("PUT", url+"/jobs/"+id, `{"signing":{"secrets":["********","********"]}}`)
		tr.ask("PUT", url+"/jobs/"+id, `{"secretHeaders":[]}`)
		tr.ask("PUT", url+"/jobs/"+id, `{"secretHeaders":[],"headers":{"X-Own":"********"}}`)
		tr.ask("POST", url+"/jobs/"+id+"/pause", "")
		tr.ask("POST", url+"/jobs/"+id+"/trigger", "")
		tr.ask("POST", url+"/jobs/"+id+"/resume", "")
	}
}

// look reads everything that can be read.
func (tr *transcript) look(url string, ids []string) {
	var doc struct {
		Paths map[string]map[string]any
	}
	if err := json.Unmarshal([]byte(tr.ask("GET", url+"/openapi.json", "")), &doc); err != nil || len(doc.Paths) < 20 {
		tr.t.Errorf("%d paths in the document, error %v", len(doc.Paths), err)
	}
	for path, methods := range doc.Paths { // every page that there is, also those of later days
		if methods["get"] != nil {
			tr.ask("GET", url+strings.ReplaceAll(path, "{id}", ids[0]), "")
		}
	}
	for _, path := range []string{
		"/", "/audit/changes?limit=1000", "/jobs?limit=1000", "/jobs?text=" + canary[:3], "/jobs/export",
		"/openapi.json", "/docs", "/metrics", "/audit", "/healthz", "/readyz",
		"/observability/metrics", "/observability/health", "/observability/alerts?limit=1000",
		"/observability/executions/recent?limit=1000",
		"/observability/executions/failed?limit=1000", "/debug/pprof/", "/debug/vars",
	} {
		tr.ask("GET", url+path, "")
	}
	for _, id := range ids {
		tr.ask("GET", url+"/jobs/"+id, "")
		list := tr.ask("GET", url+"/jobs/"+id+"/executions?limit=1000", "")
		if _, rest, ok := strings.Cut(list, `"id":"`); ok {
			tr.ask("GET", url+"/executions/"+rest[:36], "")
		}
	}
}

// wantNoCanaryIn asserts that no file below a folder holds the canary.
func wantNoCanaryIn(t *testing.T, dir string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte(canary)) {
			t.Errorf("%s holds a secret", path)
		}
		return err
	})
	if err != nil || files < 3 {
		t.Errorf("%d files, error %v", files, err)
	}
}

// TestKilledRotations kills belfry keys rotate-encryption at one time after
// another: each finds what the last has left, and at the end every secret can
// be read. What is in the files at each step is looked at in store/sqlite.
func TestKilledRotations(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := serve(t, dir)
	const jobs = 3_000
	line := `{"schedule":"0 0 0 1 1 *","api":"http://127.0.0.1:1/","type":"ATLEAST_ONCE","headers":{"X-Api-Key":"` +
		canary + `"},"signing":{"secrets":["` + canaryOfJob + `"]}}` + "\n"
	p.importJobs(strings.Repeat(line, jobs))
	p.terminate()
	env := cleanEnv("DB_PATH=" + filepath.Join(dir, "jobs.db"))
	began := time.Now()
	if code, out, errs := runAll(t, env, "keys", "rotate-encryption"); code != 0 {
		t.Fatalf("the first rotation: %d %s %s", code, out, errs)
	}
	whole, killed := time.Since(began), 0
	for part := range 12 {
		if killAfter(t, time.Duration(part)*whole/12, env, "keys", "rotate-encryption") {
			killed++
		}
	}
	if killed == 0 {
		t.Error("no rotation was killed on its way")
	}
	t.Logf("killed %d of 12 rotations of %v", killed, whole)
	if code, out, errs := runAll(t, env, "keys", "rotate-encryption"); code != 0 {
		t.Fatalf("the last rotation: %d %s %s", code, out, errs)
	}
	keys, err := os.ReadFile(filepath.Join(dir, "encryption.key"))
	if err != nil || strings.Count(string(keys), "=\n") != 1 {
		t.Errorf("after the last rotation the key file holds %d keys, error %v",
			strings.Count(string(keys), "=\n"), err)
	}
	p = serve(t, dir)
	code, out := runOut(t, cleanEnv("BELFRY_SERVER="+p.url), "export", "--with-secrets")
	if n := strings.Count(out, canary); code != 0 || n != 2*jobs {
		t.Errorf("exit code %d, %d secrets of %d can be read", code, n, 2*jobs)
	}
	p.terminate()
	wantNoCanaryIn(t, dir)
}

// killAfter runs the binary and kills it. It reports whether it was still
// running; one that was not has ended well.
func killAfter(t *testing.T, after time.Duration, env []string, args ...string) bool {
	t.Helper()
	cmd := belfry(t.Context(), t, env, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("belfry %v: %v", args, err)
		}
		return false
	case <-time.After(after):
		err := cmd.Process.Kill()
		<-ended
		return err == nil || !errors.Is(err, os.ErrProcessDone)
	}
}
