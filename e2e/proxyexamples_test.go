package e2e

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// proxyExample is how a test runs an example of docs/operations.md.
type proxyExample struct {
	program string
	fence   string // the language of its block
	args    func(config, dir string) []string
	listen  *strings.Replacer // puts the port of the test where the example listens
	before  string            // what the whole file has around the example
	after   string
}

const proxyPort, proxyDir = "PROXY_PORT", "PROXY_DIR"

var proxyExamples = []proxyExample{
	{
		program: "nginx", fence: "nginx", listen: strings.NewReplacer(),
		args: func(config, dir string) []string { return []string{"-p", dir, "-e", "stderr", "-c", config} },
		before: `daemon off; worker_processes 1; pid PROXY_DIR/nginx.pid; error_log stderr;
events {}
http {
access_log off;
client_body_temp_path PROXY_DIR/body; proxy_temp_path PROXY_DIR/proxy; fastcgi_temp_path PROXY_DIR/fastcgi;
uwsgi_temp_path PROXY_DIR/uwsgi; scgi_temp_path PROXY_DIR/scgi;
server { listen 127.0.0.1:PROXY_PORT;
`,
		after: "}\n}\n",
	},
	{
		program: "caddy", fence: "caddy",
		listen: strings.NewReplacer("belfry.example.com {", "http://:PROXY_PORT {\nbind 127.0.0.1"),
		args: func(config, _ string) []string {
			return []string{"run", "--adapter", "caddyfile", "--config", config}
		},
		before: "{\nadmin off\nauto_https off\n}\n",
	},
	{
		program: "haproxy", fence: "haproxy",
		listen: strings.NewReplacer("bind :443", "bind 127.0.0.1:PROXY_PORT"),
		args:   func(config, _ string) []string { return []string{"-db", "-f", config} },
	},
}

// unpackedProgram returns where a program is that .ci/FOLDER has unpacked, or another one of that name, and the
// environment for it. Without one the test is skipped.
func unpackedProgram(t *testing.T, folder, name string) (path string, env []string) {
	t.Helper()
	root, err := filepath.Abs("../bin/" + folder + "/usr")
	if err != nil {
		t.Fatal(err)
	}
	libraries := filepath.Join(root, "lib", "x86_64-linux-gnu")
	if runtime.GOARCH == "arm64" {
		libraries = filepath.Join(root, "lib", "aarch64-linux-gnu")
	}
	for _, dir := range []string{"sbin", "bin"} {
		path := filepath.Join(root, dir, name)
		if _, err := os.Stat(path); err == nil {
			return path, append(os.Environ(), "LD_LIBRARY_PATH="+libraries)
		}
	}
	if path, err = exec.LookPath(name); err != nil {
		t.Skipf("SKIPPED: there is no %s; .ci/%s fetches it where apt is", name, folder)
	}
	return path, os.Environ()
}

// start runs the example in front of a server, and returns the address where it listens.
func (x proxyExample) start(t *testing.T, server string) string {
	t.Helper()
	docs, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```" + x.fence + "\n(.*?)```").FindSubmatch(docs)
	if len(block) < 2 || !bytes.Contains(block[1], []byte("127.0.0.1:3000")) {
		t.Fatalf("docs/operations.md has no example of %s for a server at 127.0.0.1:3000", x.program)
	}
	addr := freePort(t)
	_, port, _ := net.SplitHostPort(addr)
	dir := t.TempDir()
	text := x.before + x.listen.Replace(string(block[1])) + x.after
	text = strings.NewReplacer(proxyPort, port, proxyDir, dir, "127.0.0.1:3000", server).Replace(text)
	config := filepath.Join(dir, "config")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	program, env := unpackedProgram(t, "proxies", x.program)
	cmd := exec.Command(program, x.args(config, dir)...)
	var out bytes.Buffer
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = slices.Concat(env, []string{"HOME=" + dir}), dir, &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exit := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exit) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // nginx and HAProxy end their children
		select {
		case <-exit:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-exit
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", x.program, tail(out.String(), 4000))
		}
	})
	eventually(t, x.program+" listens", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return addr
}

// proxyClient is a client at an address of loopback that is not that of the proxy.
type proxyClient struct {
	t    *testing.T
	http *http.Client
	base string
}

func newProxyClient(t *testing.T, address, proxy string) *proxyClient {
	t.Helper()
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	return &proxyClient{t: t, http: &http.Client{Transport: transport, Timeout: maxWait}, base: "http://" + proxy}
}

// do sends a request with headers by which a client claims to be somebody else.
func (c *proxyClient) do(method, path, key, contentType, body string) (int, string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Host = "localhost"
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("X-Forwarded-For", "203.0.113.9")
	req.Header.Set("Forwarded", "for=203.0.113.9")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// wantAddressInTrail makes a key and looks up from which address the trail says it came.
func (c *proxyClient) wantAddressInTrail(key, address string) {
	c.t.Helper()
	status, body := c.do("POST", "/keys", key, "application/json", `{"name":"x","role":"viewer"}`)
	if status != 201 {
		c.t.Fatalf("POST /keys: %d %s", status, body)
	}
	if _, trail := c.do("GET", "/audit/changes", key, "", ""); !strings.Contains(trail, `"address":"`+address+`"`) {
		c.t.Errorf("the trail does not have the address of the client: %s", trail)
	}
}

// TestProxyExamples: the configurations of docs/operations.md work as they stand there. The
// trail has the client's address and not what it claims, wrong keys count for their client
// alone, and a large import and its export pass.
func TestProxyExamples(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the clients of this test need 127.0.0.2 and 127.0.0.3")
	}
	for _, x := range proxyExamples {
		t.Run(x.program, func(t *testing.T) {
			t.Parallel()
			unpackedProgram(t, "proxies", x.program) // skips before a server is started
			key := strings.Repeat("k", 32)
			p := serve(t, t.TempDir(), "HOST=127.0.0.1", "BELFRY_API_KEYS="+key, "BELFRY_TRUSTED_PROXIES=127.0.0.1")
			proxy := x.start(t, strings.TrimPrefix(p.url, "http://"))
			c := newProxyClient(t, "127.0.0.2", proxy)
			c.wantAddressInTrail(key, "127.0.0.2")
			for range 11 {
				c.do("GET", "/jobs", "nobody-has-this-key", "", "")
			}
			if status, body := c.do("GET", "/jobs", "nobody-has-this-key", "", ""); status != 429 {
				t.Errorf("a guesser's twelfth key: %d %s", status, body)
			}
			other := newProxyClient(t, "127.0.0.3", proxy)
			if status, body := other.do("GET", "/jobs", "nobody-has-this-key", "", ""); status != 401 {
				t.Errorf("a wrong key of another client: %d %s", status, body)
			}
			c.importAndExport(key, 4_000)
		})
	}
}

// TestBalancerBeforeTLS: the example of HAProxy, with the check for a server that has TLS,
// finds the server healthy and passes the client's address. Without it the server is down.
func TestBalancerBeforeTLS(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the client of this test needs 127.0.0.2")
	}
	x := proxyExamples[slices.IndexFunc(proxyExamples, func(x proxyExample) bool { return x.program == "haproxy" })]
	unpackedProgram(t, "proxies", x.program)
	ca := newPKI(t)
	ca.issue("own", &x509.Certificate{DNSNames: []string{"localhost"}})
	key := strings.Repeat("k", 32)
	p := serve(t, t.TempDir(), "HOST=127.0.0.1", "BELFRY_API_KEYS="+key, "BELFRY_TRUSTED_PROXIES=127.0.0.1",
		"BELFRY_TLS_CERT="+ca.file("own.crt"), "BELFRY_TLS_KEY="+ca.file("own.key"))
	for check, up := range map[string]bool{"check check-ssl verify none": true, "check": false} {
		x.listen = strings.NewReplacer("bind :443", "bind 127.0.0.1:PROXY_PORT", " check ", " "+check+" ",
			"inter 2s", "inter 100ms fall 1 rise 1")
		c := newProxyClient(t, "127.0.0.2", x.start(t, strings.TrimPrefix(p.url, "https://")))
		c.base = strings.Replace(c.base, "http:", "https:", 1)
		c.http.Transport.(*http.Transport).TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // the
		// certificate is not what is tested
		answers := func() bool {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.base+"/readyz", nil)
			if err != nil {
				t.Fatal(err)
			}
			c.http.CloseIdleConnections()
			res, err := c.http.Do(req)
			if err != nil {
				return false
			}
			return res.Body.Close() == nil && res.StatusCode == http.StatusOK
		}
		eventually(t, fmt.Sprintf("with %q up is %v", check, up), func() bool { return answers() == up })
		if up {
			c.wantAddressInTrail(key, "127.0.0.2")
		}
	}
}

// importAndExport sends more than the megabyte at which nginx refuses bodies by default.
func (c *proxyClient) importAndExport(key string, jobs int) {
	c.t.Helper()
	line := fmt.Sprintf(`{"schedule":"0 0 0 1 1 *","api":"http://127.0.0.1:9/","type":"ATLEAST_ONCE",`+
		`"isActive":false,"body":%q}`+"\n", strings.Repeat("b", 600))
	status, body := c.do("POST", "/jobs/import", key, "application/x-ndjson", strings.Repeat(line, jobs))
	if status != 200 || !strings.Contains(body, fmt.Sprintf(`"imported":%d,`, jobs)) {
		c.t.Fatalf("import of %d bytes: %d %s", jobs*len(line), status, tail(body, 400))
	}
	status, body = c.do("GET", "/jobs/export", key, "", "")
	if got := strings.Count(body, `"schedule":`); status != 200 || got != jobs {
		c.t.Errorf("export: %d with %d jobs, want %d", status, got, jobs)
	}
}
