package e2e

import (
	"bufio"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// What is in the database about alerts is shown by one server, and what a server has counted by each.
var (
	alertGauges = []string{"belfry_alert_groups", "belfry_alert_silences", "belfry_alert_lag_seconds",
		"belfry_notifications_pending", "belfry_notification_oldest_seconds"}
	alertCounters = []string{"belfry_notification_attempts_total", "belfry_notifications_total"}
)

// overlapMs is how long two servers may show the gauges, see "Metrics of alerts" in docs/operations.md.
const overlapMs = 3_000

// exposed returns the names of the metrics that a server exposes; none: it does not answer.
func exposed(t *testing.T, p *process) (names []string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		series, _, _ := strings.Cut(lines.Text(), " ")
		name, _, _ := strings.Cut(series, "{")
		names = append(names, name)
	}
	return names
}

// gaugeWatch looks at who shows the gauges of alerts.
type gaugeWatch struct {
	t       *testing.T
	servers []*process
	two     time.Time     // since when two show them; zero: they do not
	longest time.Duration // for which two have shown them
}

// look returns the servers that show any of the gauges, those that show all of them, and those that have the counters.
func (w *gaugeWatch) look() (some, all, counted []*process) {
	w.t.Helper()
	for _, p := range w.servers {
		names := exposed(w.t, p)
		has := func(name string) bool { return slices.Contains(names, name) }
		lacks := func(name string) bool { return !has(name) }
		if slices.ContainsFunc(alertGauges, has) {
			some = append(some, p)
		}
		if !slices.ContainsFunc(alertGauges, lacks) {
			all = append(all, p)
		}
		if !slices.ContainsFunc(alertCounters, lacks) {
			counted = append(counted, p)
		}
	}
	switch now := time.Now(); {
	case len(some) < 2:
		w.two = time.Time{}
	case w.two.IsZero():
		w.two = now
	default:
		w.longest = max(w.longest, now.Sub(w.two))
	}
	return some, all, counted
}

// alone waits until one server alone shows the gauges, another one than the last, while so many have the counters.
func (w *gaugeWatch) alone(what string, last *process, counting int) (alone *process) {
	w.t.Helper()
	eventually(w.t, what, func() bool {
		some, all, counted := w.look()
		if len(some) != 1 || len(all) != 1 || all[0] == last || len(counted) != counting {
			return false
		}
		alone = all[0]
		return true
	})
	return alone
}

// TestOneOfThreeServersShowsAlerts: of three servers on one database one shows what is open and what waits, and all
// have the counters. When it is killed another one shows it, when that is drained the third one does, and two do so at
// the same time for as long as the documentation says.
func TestOneOfThreeServersShowsAlerts(t *testing.T) {
	t.Parallel()
	hook := newPager(t)
	hook.open = true
	url, machine := newPostgres(t).Database(t), watchStalls(t)
	w := &gaugeWatch{t: t}
	names := make(map[*process]string)
	for _, name := range []string{"east", "west", "south"} {
		p := servePostgres(t, url, "BELFRY_NODE_NAME="+name, "BELFRY_ALERT_URL="+hook.URL,
			"BELFRY_SIGNING_SECRET="+alertSecret)
		w.servers, names[p] = append(w.servers, p), name
	}
	first := w.alone("one of three servers shows what is open", nil, 3)
	first.importJobs(`{"schedule":"* * * * * *","api":"http://127.0.0.1:1/","type":"ATLEAST_ONCE",` +
		`"retry":{"maxRetries":0}}`)
	eventually(t, "people are told", func() bool { w.look(); return len(hook.messages()) == 1 })
	first = w.alone("one of three servers shows what is open", nil, 3) // shards may have moved meanwhile

	first.kill()
	second := w.alone("another server shows it after the kill", first, 2)
	if _, err := second.api.DrainNode(t.Context(), names[second]); err != nil {
		t.Fatal(err)
	}
	third := w.alone("the third server shows it after the drain", second, 2)
	if third == first || third.metric("belfry_alert_groups") != 1 {
		t.Errorf("%s shows %v groups", names[third], third.metric("belfry_alert_groups"))
	}
	t.Logf("two servers have shown the gauges for %s", w.longest)
	if most := machine.longestMs() + overlapMs; w.longest.Milliseconds() > most {
		t.Errorf("two servers have shown the gauges for %s, want %d ms at most", w.longest, most)
	}
}
