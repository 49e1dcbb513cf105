package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// wire sends bytes to the server and reads the answer.
func (p *process) wire(request, method string) (*http.Response, string) {
	p.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(maxWait))
	if _, err := io.WriteString(conn, request); err != nil {
		p.t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		p.t.Fatalf("%q: %v", request, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatalf("%q: %v", request, err)
	}
	return res, string(text)
}

// TestProbesAsBalancersMakeThem: without a Host, by HTTP/1.0, by another name.
func TestProbesAsBalancersMakeThem(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir())
	for _, row := range []struct {
		method, rest string
		status       int
	}{
		{"GET", "/healthz HTTP/1.0\r\n\r\n", 200},
		{"HEAD", "/healthz HTTP/1.0\r\n\r\n", 200},
		{"OPTIONS", "/ HTTP/1.0\r\n\r\n", 204},
		{"OPTIONS", "* HTTP/1.0\r\n\r\n", 200},
		{"GET", "/readyz HTTP/1.0\r\nUser-Agent: ELB-HealthChecker/2.0\r\n\r\n", 200},
		{"GET", "/healthz HTTP/1.0\r\nHost: belfry.internal\r\nConnection: keep-alive\r\n\r\n", 200},
		{"GET", "/healthz HTTP/1.1\r\nHost: belfry.internal\r\n\r\n", 200},
		{"GET", "/readyz?verbose HTTP/1.1\r\nHost: 10.0.0.1:3000\r\n\r\n", 200},
		{"GET", "/healthz/ HTTP/1.1\r\nHost: lb\r\nContent-Length: 0\r\n\r\n", 200},
		{"GET", "http://belfry.internal/healthz HTTP/1.1\r\nHost: belfry.internal\r\n\r\n", 200},
		{"GET", "/observability/health HTTP/1.0\r\n\r\n", 200},
		{"GET", "/healthz HTTP/1.1\r\n\r\n", 400}, // RFC 9112, section 3.2
		{"GET", "/observability/health HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421},
	} {
		res, text := p.wire(row.method+" "+row.rest, row.method)
		if res.StatusCode != row.status {
			t.Errorf("%s %q: %d, want %d: %s", row.method, row.rest, res.StatusCode, row.status, text)
		}
		if row.method == "OPTIONS" && row.status == 204 && !strings.Contains(res.Header.Get("Allow"), "GET") {
			t.Errorf("%q: Allow %q", row.rest, res.Header.Get("Allow"))
		}
	}
}

// TestRequestsAsClientsMakeThem: other slashes, other methods, other paths.
func TestRequestsAsClientsMakeThem(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir())
	_, text := request{"a slash at the end", "POST", "/jobs/", jsonHead, jobWith(""), 201, nil, nil}.send(t, p.url)
	var made struct{ JobID string }
	if err := json.Unmarshal([]byte(text), &made); err != nil {
		t.Fatal(err)
	}
	job := "/jobs/" + made.JobID
	for _, row := range []request{
		{"two slashes", "POST", "//jobs", jsonHead, jobWith(""), 201, nil, nil},
		{"slashes everywhere", "GET", "/jobs//" + made.JobID + "/executions/?limit=1", nil, "", 200, nil, nil},
		{"PATCH", "PATCH", job, jsonHead, `{"name":"patched"}`, 200, []string{`"version":2`}, nil},
		{"and is seen", "GET", job + "/", nil, "", 200, []string{`"name":"patched"`}, nil},
		{"POST to a job", "POST", job, jsonHead, `{}`, 405, []string{"To change a job: PUT", job + "/trigger"}, nil},
		{"PUT to all", "PUT", "/jobs", jsonHead, `{}`, 405, []string{"PUT or DELETE /jobs/{id}"}, nil},
		{"OPTIONS", "OPTIONS", job, nil, "", 204, nil, nil},
		{"letter case", "GET", "/Jobs", nil, "", 404, []string{"did you mean /jobs?"}, nil},
		{"a prefix", "POST", "/api/v1/jobs", jsonHead, jobWith(""), 404, []string{"did you mean /jobs?"}, nil},
		{"one job", "GET", "/job/" + made.JobID, nil, "", 404, []string{"did you mean " + job + "?"}, nil},
		{"another verb", "POST", job + "/run", nil, "", 404, []string{"did you mean " + job + "/trigger?"}, nil},
		{"another probe", "GET", "/health", nil, "", 404, []string{"did you mean /healthz?"}, nil},
		{"nothing like it", "GET", "/wp-login.php", nil, "", 404, []string{"/docs lists the paths"},
			[]string{"did you mean"}},
	} {
		row.send(t, p.url)
	}
	with := func(header, value string) http.Header {
		h := jsonHead.Clone()
		h.Set(header, value)
		return h
	}
	const mark = "\ufeff"
	utf16 := "\xff\xfe" + strings.Join(strings.Split(jobWith(""), ""), "\x00") + "\x00"
	for _, row := range []request{
		{"a byte order mark", "POST", "/jobs", jsonHead, mark + jobWith(""), 201, nil, nil},
		{"one in an import", "POST", "/jobs/import", jsonHead, mark + jobWith("") + "\n" + mark + jobWith(""), 200,
			[]string{`"imported":2`}, nil},
		{"UTF-16", "POST", "/jobs", jsonHead, utf16, 400, []string{"The body is UTF-16 (little endian)"}, nil},
		{"an import in UTF-16", "POST", "/jobs/import", jsonHead, utf16, 400,
			[]string{"The body is UTF-16 (little endian)"}, nil},
		{"gzip", "POST", "/jobs", with("Content-Encoding", "gzip"), "\x1f\x8b\x08\x00", 415,
			[]string{`"field":"Content-Encoding"`, "not compressed"}, nil},
		{"gzip where no body is looked at", "POST", job + "/trigger", with("Content-Encoding", "gzip"),
			"\x1f\x8b\x08\x00", 415, []string{`"field":"Content-Encoding"`}, nil},
		{"gzip of an import", "POST", "/jobs/import", with("Content-Encoding", "gzip"), "\x1f\x8b\x08\x00", 415,
			[]string{`"field":"Content-Encoding"`}, nil},
		{"gzip that is not announced", "POST", "/jobs/import", jsonHead, "\x1f\x8b\x08\x00", 400,
			[]string{"The body is compressed with gzip"}, nil},
		{"a coding that is none", "POST", "/jobs", with("Content-Encoding", "identity"), jobWith(""), 201, nil, nil},
		{"a charset as coding", "POST", "/jobs", with("Content-Encoding", "utf-8"), jobWith(""), 415,
			[]string{"a charset belongs into Content-Type"}, nil},
		{"utf8", "POST", "/jobs", with("Content-Type", "application/json; charset=utf8"), jobWith(""), 201, nil, nil},
		{"half of a character", "PUT", job, jsonHead, `{"name":"a\ud83db"}`, 400,
			[]string{`"field":"name"`, "holds half of a character"}, nil},
		{"in a text that is sent", "PUT", job, jsonHead, `{"body":"a\ude00b"}`, 400,
			[]string{`"field":"body"`, "holds half of a character"}, nil},
		{"both halves", "PUT", job, jsonHead, `{"name":"a\ud83d\ude00b"}`, 200, nil, nil},
		{"are one character", "GET", job, nil, "", 200, []string{`"name":"a😀b"`}, nil},
	} {
		row.send(t, p.url)
	}
	if code, out := runOut(t, cleanEnv(), "--version"); code != 0 || !strings.HasPrefix(out, "belfry ") {
		t.Errorf("--version: %d, %q", code, out)
	}
}

// TestFilesAsPeopleWriteThem: marks, other encodings, two documents in one file.
func TestFilesAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	utf16 := func(text string) string { return "\xff\xfe" + strings.Join(strings.Split(text, ""), "\x00") + "\x00" }
	for name, row := range map[string]struct {
		file, text string
		code       int
		holds      string
	}{
		"a mark before the first variable": {".env", "\ufeffBELFRY_RETENTION=7d\r\nLOG_LEVEL=warn\r\n", 0, "7d"},
		"a mark before the first setting":  {"belfry.yaml", "\ufeffretention: 7d\r\n", 0, "7d"},
		"a config file in UTF-16":          {"belfry.yaml", utf16("retention: 7d\n"), 0, "7d"},
		"a .env file in UTF-16": {".env", utf16("BELFRY_RETENTION=7d\n"), 1,
			"it is UTF-16 (little endian)"},
		"a config file in UTF-16, no mark": {"belfry.yaml", utf16("retention: 7d\n")[2:], 1,
			"it is UTF-16 (little endian)"},
		"two documents": {"belfry.yaml", "log_level: warn\n---\nretention: 7d\n", 1,
			"there is a second one"},
		"a mark where there is nothing more": {".env", "\ufeff", 0, "retention"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, row.file), []byte(row.text), 0o600); err != nil {
			t.Fatal(err)
		}
		env := cleanEnv()
		if row.file == "belfry.yaml" {
			env = append(env, "BELFRY_CONFIG=belfry.yaml")
		}
		cmd := exec.Command(binary, "config", "check")
		cmd.Env, cmd.Dir = env, dir
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != row.code || !strings.Contains(string(out), row.holds) {
			t.Errorf("%s: exit %d, %s", name, code, out)
		}
	}
	p := serve(t, t.TempDir())
	for name, row := range map[string]struct {
		text  string
		code  int
		holds string
	}{
		"a mark":              {"\ufeff" + jobWith("") + "\n", 0, "imported 1, refused 0"},
		"a mark and an array": {"\ufeff[" + jobWith("") + "]", 0, "imported 1, refused 0"},
		"files put together":  {"\ufeff" + jobWith("") + "\n\ufeff" + jobWith(""), 0, "imported 2, refused 0"},
		"UTF-16":              {utf16(jobWith("") + "\n"), 1, "is UTF-16 (little endian): it must be JSON in UTF-8"},
		"gzip":                {"\x1f\x8b\x08\x00\x00", 1, "is compressed with gzip"},
		"half of a character": {jobWith("") + "\n" + strings.Replace(jobWith(`"name":"x"`), `"x"`, `"\ud83d"`, 1), 2,
			"line 2: name: holds half of a character"},
		"Latin-1 in one line ": {strings.Replace(jobWith(`"name":"x"`), `"x"`, "\"\xf6\"", 1) + "\n" + jobWith(""),
			2, "line 1: "},
	} {
		cmd := exec.Command(binary, "import", "-")
		cmd.Env, cmd.Dir, cmd.Stdin = cleanEnv("BELFRY_SERVER="+p.url), t.TempDir(), strings.NewReader(row.text)
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != row.code || !strings.Contains(string(out), row.holds) {
			t.Errorf("%s: exit %d, %s", name, code, out)
		}
	}
}

// TestHealthFindsTheServer: `belfry health` in the environment of the server asks
// that server, wherever it listens.
func TestHealthFindsTheServer(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"127.0.0.1", "127.0.0.2", "::1", "localhost", "0.0.0.0", "::"} {
		if listen, err := net.Listen("tcp", net.JoinHostPort(host, "0")); err != nil {
			t.Logf("%s: not here: %v", host, err)
			continue
		} else if err := listen.Close(); err != nil {
			t.Fatal(err)
		}
		p := serve(t, t.TempDir(), "HOST="+host, "BELFRY_INSECURE_NO_AUTH=1")
		_, port, err := net.SplitHostPort(strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		config := filepath.Join(t.TempDir(), "belfry.yaml")
		if err := os.WriteFile(config, []byte("host: '"+host+"'\nport: "+port+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, env := range [][]string{{"HOST=" + host, "PORT=" + port}, {"BELFRY_CONFIG=" + config, "PORT="}} {
			if code, out := runOut(t, cleanEnv(env...), "health"); code != 0 || !strings.Contains(out, "ready") {
				t.Errorf("%v: exit %d, %s", env, code, out)
			}
		}
		_ = p.cmd.Process.Kill()
	}
}

// TestAKeyFileAsAnEditorLeavesIt: a byte order mark and Windows line ends are no
// part of the key that opens the secrets.
func TestAKeyFileAsAnEditorLeavesIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := serve(t, dir)
	request{"a secret", "POST", "/jobs", jsonHead, jobWith(`"headers":{"X-Token":"canary"}`), 201, nil,
		nil}.send(t, p.url)
	if code := p.terminate(); code != 0 {
		t.Fatalf("exit %d", code)
	}
	file := filepath.Join(dir, "encryption.key")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("\ufeff"+strings.ReplaceAll(string(text), "\n", "\r\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	p = serve(t, dir)
	request{"is opened", "POST", "/jobs/export?withSecrets=true", nil, "", 200, []string{`"X-Token":"canary"`},
		nil}.send(t, p.url)
}
