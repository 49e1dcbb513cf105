package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgresKey2 is another encryption key.
const postgresKey2 = "ZWRjYmE5ODc2NTQzMjEwZmVkY2JhOTg3NjU0MzIxMGY="

// caller makes requests to a server over TLS.
type caller struct {
	t    *testing.T
	http *http.Client
	url  string
}

// reply is an answer to one.
type reply struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

func (c *caller) do(key, method, path, body string, header ...string) (r reply) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	r = reply{status: res.StatusCode, header: res.Header, text: string(text)}
	_ = json.Unmarshal(text, &r.body) // metrics are no JSON
	return r
}

// want is do for an answer that has a status.
func (c *caller) want(status int, key, method, path, body string, header ...string) reply {
	c.t.Helper()
	r := c.do(key, method, path, body, header...)
	if r.status != status {
		c.t.Fatalf("%s %s answers %d, want %d: %s", method, path, r.status, status, r.text)
	}
	return r
}

func (r *reply) string(name string) string {
	s, _ := r.body[name].(string)
	return s
}

// soon asks until an answer has a status, and fails if that takes longer than a second, with what the machine stood
// still.
func (c *caller) soon(machine *stalls, status int, key, path string) {
	c.t.Helper()
	begun := time.Now()
	eventually(c.t, fmt.Sprintf("%s answers %d", path, status), func() bool {
		return c.do(key, "GET", path, "").status == status
	})
	if took := time.Since(begun).Milliseconds(); took > 1_000+2*machine.longestMs() {
		c.t.Errorf("%s answered %d after %d ms", path, status, took)
	}
}

// sharers is two servers of a cluster with TLS and the same encryption keys in another order: one fires all jobs, the
// other answers requests alone, so that it sends on what is about a job.
type sharers struct {
	machine *stalls
	a, b    *caller
	admin   string
	target  *httptest.Server
	secret  atomic.Value // that the target got last
}

// TestClusterSharesAccess: what a client has from one server holds at the other: keys, cursors, Idempotency-Keys and
// sealed secrets. The wrong keys of an address are counted by each server.
func TestClusterSharesAccess(t *testing.T) {
	t.Parallel()
	database := newPostgres(t)
	at := database.Database(t)
	code, stderr := run(t, cleanEnv("DATABASE_URL="+at, "BELFRY_ENCRYPTION_KEY="+postgresKey, "HOST=0.0.0.0"), "serve")
	if code != 1 || !strings.Contains(stderr, "without an API key only this machine may reach the server") {
		t.Errorf("without a key, on all addresses: exit code %d, %s", code, stderr)
	}
	s := newSharers(t, at)
	s.firstKey(t)
	billing, id := s.makeKey(t, s.a, `{"name":"billing","role":"editor","namespace":"billing"}`)
	s.b.soon(s.machine, 200, billing, "/jobs")
	jobs := s.makeOnce(t, billing)
	s.continueList(t, billing, jobs)
	s.openSecrets(t)
	rotate := cleanEnv("DATABASE_URL="+at, "BELFRY_ENCRYPTION_KEY="+postgresKey2+","+postgresKey)
	code, stderr = run(t, rotate, "keys", "rotate-encryption")
	if code != 1 || !strings.Contains(stderr, "seals with key") {
		t.Errorf("a rotation while a server seals with the old key: exit code %d, %s", code, stderr)
	}
	s.b.want(200, s.admin, "DELETE", "/keys/"+id, "")
	s.a.soon(s.machine, 401, billing, "/jobs")
	s.throttle(t)
	s.differ(t)
	s.refuseOlder(t, at)
}

func newSharers(t *testing.T, database string) *sharers {
	t.Helper()
	ca := newPKI(t)
	ca.issue("server", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	s := &sharers{machine: watchStalls(t)}
	start := func(env ...string) *caller {
		p := startWith(t, binary, "belfry is running", "address", cleanEnv(append(env, "DATABASE_URL="+database,
			"BELFRY_TLS_CERT="+ca.file("server.crt"), "BELFRY_TLS_KEY="+ca.file("server.key"))...), "serve")
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
		t.Cleanup(transport.CloseIdleConnections)
		return &caller{t, &http.Client{Transport: transport}, p.url}
	}
	s.a = start("BELFRY_ENCRYPTION_KEY="+postgresKey+","+postgresKey2, "BELFRY_RETENTION=30d")
	s.b = start("BELFRY_ENCRYPTION_KEY="+postgresKey2+","+postgresKey, "BELFRY_RETENTION=31d", "BELFRY_ROLE=api")
	s.target = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s.secret.Store(r.Header.Get("X-Api-Token"))
	}))
	t.Cleanup(s.target.Close)
	return s
}

// makeKey makes a key at a server.
func (s *sharers) makeKey(t *testing.T, at *caller, body string) (key, id string) {
	t.Helper()
	r := at.want(201, s.admin, "POST", "/keys", body)
	return r.string("key"), r.string("id")
}

// firstKey makes the first key of all at one server: the other one lets nobody in without it.
func (s *sharers) firstKey(t *testing.T) {
	t.Helper()
	s.a.want(200, "", "GET", "/jobs", "")
	s.admin, _ = s.makeKey(t, s.b, `{"name":"ops","role":"admin"}`)
	s.a.soon(s.machine, 401, "", "/jobs")
	s.a.want(200, s.admin, "GET", "/jobs", "")
}

// makeOnce makes jobs at one server, and repeats each request at the other: it is carried out once.
func (s *sharers) makeOnce(t *testing.T, key string) (jobs []string) {
	t.Helper()
	from, to := s.a, s.b
	for i := range 4 {
		body := fmt.Sprintf(`{"schedule":"0 0 0 1 1 *","api":%q,"type":"ATLEAST_ONCE","name":"job %d"}`, s.target.URL,
			i)
		once := []string{"Idempotency-Key", fmt.Sprintf("make-%d", i)}
		made := from.want(201, key, "POST", "/jobs", body, once...)
		again := to.want(201, key, "POST", "/jobs", body, once...)
		if made.string("jobId") != again.string("jobId") || again.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("the same request makes %s, and then %s at the other server (%v)", made.text, again.text,
				again.header)
		}
		to.want(422, key, "POST", "/jobs", strings.Replace(body, "job ", "other ", 1), once...)
		jobs = append(jobs, made.string("jobId"))
		from, to = to, from
	}
	return jobs
}

// continueList reads a list page by page, at the servers in turn. A cursor of a confined key is sealed.
func (s *sharers) continueList(t *testing.T, key string, jobs []string) {
	t.Helper()
	from, to := s.a, s.b
	cursor, found := "", make(map[string]bool)
	for range jobs {
		r := from.want(200, key, "GET", "/jobs?limit=1&cursor="+cursor, "")
		page, _ := r.body["jobs"].([]any)
		for _, j := range page {
			id, _ := j.(map[string]any)["id"].(string)
			found[id] = true
		}
		cursor = r.string("nextCursor")
		from, to = to, from
	}
	for _, id := range jobs {
		if !found[id] {
			t.Errorf("the pages of two servers lack the job %s: %v", id, found)
		}
	}
}

// openSecrets triggers a job, whose secret the other server has sealed with its own first key. The request is sent on
// over TLS.
func (s *sharers) openSecrets(t *testing.T) {
	t.Helper()
	made := s.b.want(201, s.admin, "POST", "/jobs", `{"schedule":"0 0 0 1 1 *","type":"ATLEAST_ONCE","api":"`+
		s.target.URL+`","headers":{"X-Api-Token":"sealed by b"}}`)
	path := "/jobs/" + made.string("jobId")
	eventually(t, "the server that fires has the job", func() bool {
		return strings.Contains(s.a.want(200, s.admin, "GET", "/metrics", "").text, `belfry_jobs{state="active"} 5`)
	})
	s.b.want(202, s.admin, "POST", path+"/trigger", "")
	eventually(t, "the target has got the secret", func() bool { return s.secret.Load() == "sealed by b" })
	s.b.want(200, s.admin, "PUT", path, `{"headers":{"X-Api-Token":"sealed by a"}}`)
	s.b.want(202, s.admin, "POST", path+"/trigger", "")
	eventually(t, "the target has got the new secret", func() bool { return s.secret.Load() == "sealed by a" })
	if got := s.b.want(200, s.admin, "GET", path, ""); !strings.Contains(got.text, `"version":2`) {
		t.Errorf("the change that was sent on: %s", got.text)
	}
	if text := s.b.want(200, s.admin, "GET", "/metrics", "").text; !strings.Contains(text,
		`belfry_cluster_forwarded_total{outcome="answered"} 3`) || strings.Contains(text, `outcome="not_sent"`) {
		t.Error("not each of three requests was answered by the server that fires the job")
	}
}

// throttle sends wrong keys to one server until it throttles the address: the other one has a count of its own.
func (s *sharers) throttle(t *testing.T) {
	t.Helper()
	wrong := strings.Repeat("w", 40)
	throttled := false
	for range 30 {
		throttled = throttled || s.a.do(wrong, "GET", "/jobs", "").status == 429
	}
	if !throttled {
		t.Error("30 wrong keys at one server are not throttled")
	}
	s.b.want(401, wrong, "GET", "/jobs", "")
	s.a.want(200, s.admin, "GET", "/jobs", "") // a right one that cannot be guessed is let in
}

// differ looks for the settings that are not the same.
func (s *sharers) differ(t *testing.T) {
	t.Helper()
	eventually(t, "the health check names the setting", func() bool {
		return strings.Contains(s.b.do(s.admin, "GET", "/observability/health", "").text,
			"settings of this server are not those of others: retention (")
	})
	shown := s.b.want(200, s.admin, "GET", "/cluster", "").text
	if strings.Count(shown, `"differingSettings":["retention"]`) != 1 || strings.Count(shown, `"load":{`) != 1 {
		t.Errorf("the servers are shown as %s", shown)
	}
}

// refuseOlder makes the servers older than the protocol of the database: one that starts is refused, and one that
// runs gives its shards away.
func (s *sharers) refuseOlder(t *testing.T, at string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if _, err := c.Exec(t.Context(), `UPDATE cluster SET protocol = 99`); err != nil {
		t.Fatal(err)
	}
	code, stderr := run(t, cleanEnv("DATABASE_URL="+at, "BELFRY_ENCRYPTION_KEY="+postgresKey+","+postgresKey2), "serve")
	if code != 1 || !strings.Contains(stderr, "protocol 99") {
		t.Errorf("a build that is older than the protocol: exit code %d, %s", code, stderr)
	}
	eventually(t, "the server that fires gives its shards away", func() bool {
		text := s.a.do(s.admin, "GET", "/observability/health", "").text
		shards := s.a.want(200, s.admin, "GET", "/metrics", "").text
		return strings.Contains(text, "protocol 99") && strings.Contains(shards, "belfry_cluster_owned_shards 0\n")
	})
}
