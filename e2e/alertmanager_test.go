package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
)

// managed is an alert as Alertmanager shows it.
type managed struct {
	Fingerprint  string            `json:"fingerprint"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	UpdatedAt    time.Time         `json:"updatedAt"`
	GeneratorURL string            `json:"generatorURL"`
	Status       struct {
		State string `json:"state"` // of GET /api/v2/alerts: unprocessed, active or suppressed
	} `json:"status"`
}

// told is an alert as the webhook of Alertmanager gets it.
type told struct {
	Fingerprint string    `json:"fingerprint"`
	Status      string    `json:"status"` // firing or resolved
	EndsAt      time.Time `json:"endsAt"`
}

// alertmanager is a running Alertmanager that tells a webhook of the test what it hears.
type alertmanager struct {
	t    *testing.T
	url  string
	dir  string
	args []string // of the command that runs it
	env  []string
	cmd  *exec.Cmd
	log  strings.Builder

	mu  sync.Mutex
	got []told
}

func newAlertmanager(t *testing.T) *alertmanager {
	t.Helper()
	a := &alertmanager{t: t, dir: t.TempDir(), url: "http://" + freePort(t)}
	program, env := unpackedProgram(t, "prometheus", "prometheus-alertmanager")
	a.env, a.args = env, append(withItsTemplates(t, program), "--config.file=alertmanager.yml", "--storage.path=data",
		"--cluster.listen-address=", "--web.listen-address="+strings.TrimPrefix(a.url, "http://"))
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m struct {
			Alerts []told `json:"alerts"`
		}
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Errorf("a message of Alertmanager: %v", err)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.got = append(a.got, m.Alerts...)
	}))
	t.Cleanup(hook.Close)
	config := fmt.Sprintf("route: {receiver: hook, group_by: ['...'], group_wait: 0s, group_interval: 1s, "+
		"repeat_interval: 1h}\nreceivers: [{name: hook, webhook_configs: [{url: %q}]}]\n", hook.URL)
	if err := os.WriteFile(filepath.Join(a.dir, "alertmanager.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if a.cmd != nil {
			_ = a.cmd.Process.Kill()
			_ = a.cmd.Wait()
		}
		if t.Failed() {
			t.Logf("alertmanager: %s", tail(a.log.String(), 2000))
		}
	})
	a.start()
	return a
}

// withItsTemplates returns a command that runs Alertmanager. That of Debian reads its templates in /usr/share: where it
// is only unpacked, that is the folder of its package, for this process alone. Where that is not allowed, the test is
// skipped.
func withItsTemplates(t *testing.T, program string) []string {
	t.Helper()
	share := filepath.Join(filepath.Dir(program), "..", "share")
	if _, err := os.Stat(filepath.Join(share, "prometheus", "alertmanager")); err != nil || share == "/usr/share" {
		return []string{program}
	}
	in := []string{
		"unshare", "--map-root-user", "--mount", "sh", "-c", `mount --bind "$0" /usr/share && exec "$@"`, share,
	}
	if out, err := exec.Command(in[0], append(in[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: Alertmanager does not find its templates: unshare --mount: %v %s", err, out)
	}
	return append(in, program)
}

func (a *alertmanager) start() {
	a.t.Helper()
	a.cmd = exec.Command(a.args[0], a.args[1:]...)
	a.cmd.Dir, a.cmd.Env, a.cmd.Stdout, a.cmd.Stderr = a.dir, a.env, &a.log, &a.log
	if err := a.cmd.Start(); err != nil {
		a.cmd = nil
		a.t.Fatal(err)
	}
	eventually(a.t, "Alertmanager answers", func() bool {
		res, err := http.Get(a.url + "/-/ready")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

// restart stops it and starts it again. It keeps its silences and what it has sent, but no alerts.
func (a *alertmanager) restart() {
	a.t.Helper()
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		a.t.Fatal(err)
	}
	if err := a.cmd.Wait(); err != nil {
		a.t.Fatalf("Alertmanager stops: %v", err)
	}
	a.start()
}

// alerts returns what has not ended.
func (a *alertmanager) alerts() (list []managed) {
	a.t.Helper()
	res, err := http.Get(a.url + "/api/v2/alerts")
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&list); err != nil || res.StatusCode != http.StatusOK {
		a.t.Fatalf("the alerts of Alertmanager: %d %v", res.StatusCode, err)
	}
	return list
}

// becomes waits until there is one alert, in the state, that Alertmanager heard of after an instant, and returns it.
func (a *alertmanager) becomes(d time.Duration, state string, after time.Time) managed {
	a.t.Helper()
	var list []managed
	within(a.t, d, "Alertmanager has an alert that is "+state, func() bool {
		list = a.alerts()
		if len(list) > 1 {
			a.t.Fatalf("%d alerts: %+v", len(list), list)
		}
		return len(list) == 1 && list[0].Status.State == state && list[0].UpdatedAt.After(after)
	})
	return list[0]
}

// messages returns what the webhook has got with the status.
func (a *alertmanager) messages(status string) []told {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(a.got), func(m told) bool { return m.Status != status })
}

// TestAlertmanager: a job fails for good, and Alertmanager has one alert of it, also while it is silenced there and
// after a restart of either; it ends when the job has succeeded. A silence of Alertmanager changes nothing in Belfry.
func TestAlertmanager(t *testing.T) {
	t.Parallel()
	am, dir := newAlertmanager(t), t.TempDir()
	var broken atomic.Bool
	broken.Store(true)
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !broken.Load() {
			return
		}
		http.Error(w, "out of disks", http.StatusNotFound) // final at once
	}))
	defer target.Close()
	const public = "https://belfry.example.com"
	p := serve(t, dir, "BELFRY_PUBLIC_URL="+public)
	if _, err := p.api.Channels.Create(t.Context(), "am", client.ChannelSpec{
		Kind: "ALERTMANAGER", Default: true, Options: map[string]string{"labels": "team=ops,site=fra"},
		Secrets: map[string]string{"url": am.url},
	}); err != nil {
		t.Fatal(err)
	}
	p.importJobs(fmt.Sprintf(`{"name":"backup","schedule":"* * * * * *","api":%q,"type":"ATLEAST_ONCE"}`, target.URL))

	alert := am.becomes(maxWait, "active", time.Time{})
	group := oneGroup(t, p)
	checkManaged(t, &alert, &group, strings.TrimPrefix(target.URL, "http://"), public)
	eventually(t, "the webhook of Alertmanager is told", func() bool { return len(am.messages("firing")) > 0 })

	silence := am.silence(group.ID)
	am.becomes(maxWait, "suppressed", time.Time{})
	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	restarted := time.Now()
	p = serve(t, dir, "BELFRY_PUBLIC_URL="+public)
	same(t, &alert, am.becomes(maxWait, "suppressed", restarted))
	if g := oneGroup(t, p); g.ID != group.ID || g.State != "OPEN" || g.Silenced != nil {
		t.Errorf("a silence of Alertmanager makes the group %+v", g)
	}
	am.unsilence(silence)
	am.becomes(maxWait, "active", restarted)
	restarted = time.Now()
	am.restart()
	same(t, &alert, am.becomes(2*time.Minute, "active", restarted)) // it is told each minute

	broken.Store(false)
	eventually(t, "Alertmanager has no alert", func() bool { return len(am.alerts()) == 0 })
	eventually(t, "its webhook is told that it is over", func() bool { return len(am.messages("resolved")) > 0 })
	group = oneGroup(t, p)
	over, firing := am.messages("resolved"), am.messages("firing")
	end := over[0].EndsAt
	if group.RecoveredAt == nil || end.UnixMilli() != *group.RecoveredAt || end.After(time.Now()) {
		t.Errorf("it ended at %s: %+v", end, group)
	}
	for _, m := range slices.Concat(over, firing) {
		if m.Fingerprint != alert.Fingerprint || len(over) != 1 || len(firing) != 1 {
			t.Errorf("the webhook got %+v and %+v", firing, over)
		}
	}
	checkNotifications(t, p)
	if strings.Contains(p.log(), am.url) {
		t.Error("the log shows the URL of the channel")
	}
}

// oneGroup returns the only group there is.
func oneGroup(t *testing.T, p *process) (group client.AlertGroup) {
	t.Helper()
	n := 0
	for g, err := range p.api.AlertGroups(t.Context(), false, 10) {
		if err != nil {
			t.Fatal(err)
		}
		group, n = g, n+1
	}
	if n != 1 {
		t.Fatalf("%d groups", n)
	}
	return group
}

// checkManaged compares an alert with what docs/alerts.md says of it.
func checkManaged(t *testing.T, a *managed, g *client.AlertGroup, host, link string) {
	t.Helper()
	want := map[string]string{
		"alertname": "BelfryJobsFail", "severity": "critical", "rule": "default", "belfry_group": g.ID, "host": host,
		"team": "ops", "site": "fra",
	}
	for name, value := range want {
		if a.Labels[name] != value {
			t.Errorf("the label %s is %q, not %q", name, a.Labels[name], value)
		}
	}
	if len(a.Labels) != len(want) {
		t.Errorf("the labels are %v", a.Labels)
	}
	for name, words := range map[string][]string{
		"summary": {"backup"}, "description": {host, "404", "out of disks", link},
	} {
		for _, word := range words {
			if !strings.Contains(a.Annotations[name], word) {
				t.Errorf("the annotation %s has no %q: %q", name, word, a.Annotations[name])
			}
		}
	}
	if !strings.HasPrefix(a.GeneratorURL, link) || a.StartsAt.UnixMilli() != g.FirstAt {
		t.Errorf("the alert is %+v, of a group since %d", a, g.FirstAt)
	}
	if d := a.EndsAt.Sub(a.UpdatedAt); d < 29*time.Minute || d > 31*time.Minute {
		t.Errorf("it ends %s after it was told", d)
	}
}

// same compares an alert with what it was before a restart.
func same(t *testing.T, was *managed, is managed) {
	t.Helper()
	if is.Fingerprint != was.Fingerprint || !is.StartsAt.Equal(was.StartsAt) || !is.EndsAt.After(was.EndsAt) {
		t.Errorf("the alert was %+v and is %+v", was, is)
	}
}

// checkNotifications: the channel got one message that it began and one that it is over.
func checkNotifications(t *testing.T, p *process) {
	t.Helper()
	var types []string
	eventually(t, "the messages are delivered", func() bool {
		types = nil
		for n, err := range p.api.Notifications(t.Context(), "am", 10) {
			if err != nil {
				t.Fatal(err)
			}
			if n.State != "DELIVERED" {
				return false
			}
			types = append(types, n.Type)
		}
		return true
	})
	if !slices.Equal(types, []string{"alert.recovered", "alert.opened"}) {
		t.Errorf("the messages are %v", types)
	}
}

// silence makes a silence of the alerts of a group, and returns its id.
func (a *alertmanager) silence(group string) (id string) {
	a.t.Helper()
	body := fmt.Sprintf(`{"matchers":[{"name":"belfry_group","value":%q,"isRegex":false}],"startsAt":%q,"endsAt":%q,
		"createdBy":"ada","comment":"new disks"}`, group, time.Now().UTC().Format(time.RFC3339),
		time.Now().UTC().Add(time.Hour).Format(time.RFC3339))
	status, answer := ask(a.t, http.MethodPost, a.url+"/api/v2/silences", "application/json", body)
	id, _ = answer["silenceID"].(string)
	if status != http.StatusOK || id == "" {
		a.t.Fatalf("a silence of Alertmanager: %d %v", status, answer)
	}
	return id
}

func (a *alertmanager) unsilence(id string) {
	a.t.Helper()
	if status, answer := ask(a.t, http.MethodDelete, a.url+"/api/v2/silence/"+id, "", ""); status != http.StatusOK {
		a.t.Fatalf("the end of a silence: %d %v", status, answer)
	}
}
