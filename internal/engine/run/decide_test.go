package run

import (
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/target"
)

func TestDecideOverlap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy  domain.OverlapPolicy
		busy    int
		waiting bool
		want    Admission
	}{
		{domain.OverlapAllow, 0, false, AdmitSend},
		{domain.OverlapAllow, 1, false, AdmitSend},
		{domain.OverlapAllow, 7, true, AdmitSend},
		{domain.OverlapSkip, 0, false, AdmitSend},
		{domain.OverlapSkip, 1, false, AdmitSkip},
		{domain.OverlapSkip, 2, true, AdmitSkip},
		{domain.OverlapQueue, 0, false, AdmitSend},
		{domain.OverlapQueue, 1, false, AdmitWait},
		{domain.OverlapQueue, 0, true, AdmitWait}, // behind those that came first
		{domain.OverlapQueue, 3, true, AdmitWait},
	} {
		if got := DecideOverlap(c.policy, c.busy, c.waiting); got != c.want {
			t.Errorf("%s, %d busy, waiting %v: %d, want %d", c.policy, c.busy, c.waiting, got, c.want)
		}
	}
}

func TestKeepFrom(t *testing.T) {
	t.Parallel()
	// Fires at 100, 110, .. 200, and others of the schedule around them.
	prev := func(before int64) (int64, bool) {
		at := (before - 1) / 10 * 10
		return at, at > 0
	}
	const first, last = 100, 200
	for _, c := range []struct {
		name string
		m    domain.Misfire
		now  int64
		want int64
	}{
		{"SKIP drops all", domain.Misfire{Policy: domain.MisfireSkip, MaxAgeMs: 1000, MaxRuns: 99}, 205, last + 1},
		{"RUN_LATEST keeps the last", domain.Misfire{Policy: domain.MisfireRunLatest, MaxAgeMs: 1000, MaxRuns: 99},
			205, 200},
		{"RUN_LATEST, too old", domain.Misfire{Policy: domain.MisfireRunLatest, MaxAgeMs: 50, MaxRuns: 99}, 300, 250},
		{"RUN_ALL keeps all", domain.Misfire{Policy: domain.MisfireRunAll, MaxAgeMs: 1000, MaxRuns: 99}, 205, first},
		{"RUN_ALL, exactly as many", domain.Misfire{Policy: domain.MisfireRunAll, MaxAgeMs: 1000, MaxRuns: 11},
			205, first},
		{"RUN_ALL, one too many", domain.Misfire{Policy: domain.MisfireRunAll, MaxAgeMs: 1000, MaxRuns: 10}, 205, 110},
		{"RUN_ALL, one run", domain.Misfire{Policy: domain.MisfireRunAll, MaxAgeMs: 1000, MaxRuns: 1}, 205, 200},
		{"RUN_ALL, as old as allowed", domain.Misfire{Policy: domain.MisfireRunAll, MaxAgeMs: 60, MaxRuns: 99},
			210, 150},
		{"RUN_ALL, all too old", domain.Misfire{Policy: domain.MisfireRunAll, MaxAgeMs: 60, MaxRuns: 99}, 900, 840},
	} {
		if got := KeepFrom(c.m, first, last, c.now, prev); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	// The step back may end before the first fire: a version that began there.
	got := KeepFrom(domain.Misfire{Policy: domain.MisfireRunAll, MaxAgeMs: 1000, MaxRuns: 5}, 100, 100, 105,
		func(int64) (int64, bool) { return 0, false })
	if got != 100 {
		t.Errorf("a single fire: %d", got)
	}
}

func TestDecideEnding(t *testing.T) {
	t.Parallel()
	p := Plan{retry: domain.DefaultRetry()}
	onceOnly := p
	onceOnly.Once = true
	success := domain.Outcome{Verdict: domain.VerdictSuccess, HTTPStatus: 200}
	final := domain.Outcome{Verdict: domain.VerdictFinal, HTTPStatus: 404, MaybeSent: true}
	busy := domain.Outcome{Verdict: domain.VerdictRetry, HTTPStatus: 503, MaybeSent: true}
	later := domain.Outcome{Verdict: domain.VerdictRetry, HTTPStatus: 429, MaybeSent: true, RetryAfterMs: 9000}
	refused := domain.Outcome{Verdict: domain.VerdictRetry}
	for _, c := range []struct {
		plan     Plan
		out      domain.Outcome
		failures int
		want     Ending
	}{
		{p, success, 1, Ending{Status: domain.StatusSuccess}},
		{p, success, 9, Ending{Status: domain.StatusSuccess}},
		{p, final, 1, Ending{Status: domain.StatusFailed}},
		{p, busy, 1, Ending{domain.StatusPending, 1000}},
		{p, busy, 2, Ending{domain.StatusPending, 2000}},
		{p, busy, 3, Ending{domain.StatusPending, 3000}},
		{p, busy, 4, Ending{Status: domain.StatusFailed}},
		{p, later, 1, Ending{domain.StatusPending, 9000}},
		{p, later, 4, Ending{Status: domain.StatusFailed}},
		{onceOnly, success, 1, Ending{Status: domain.StatusSuccess}},
		{onceOnly, busy, 1, Ending{Status: domain.StatusFailed}}, // it arrived: a second one would be twice
		{onceOnly, refused, 1, Ending{domain.StatusPending, 1000}},
		{onceOnly, refused, 4, Ending{Status: domain.StatusFailed}},
	} {
		if got := DecideEnding(c.plan, &c.out, c.failures); got != c.want {
			t.Errorf("once %v, %+v after %d failures: %+v, want %+v", c.plan.Once, c.out, c.failures, got, c.want)
		}
	}
}

func TestDecideResume(t *testing.T) {
	t.Parallel()
	failedOnce := []domain.Attempt{{Number: 1, StartedAt: 5, CompletedAt: 6, Error: "answered 500"}}
	hidden := []domain.Attempt{{Number: 1, CompletedAt: 5, Error: LostOutcome}}
	for _, c := range []struct {
		inFlight, once bool
		loss           Loss
		crashes        int
		stop           string
		attempts       []domain.Attempt
		want           domain.Status
	}{
		{inFlight: false, want: domain.StatusPending},
		{inFlight: false, once: true, want: domain.StatusPending}, // never sent, or known not to be
		{inFlight: false, attempts: failedOnce, want: domain.StatusPending},
		{inFlight: false, crashes: 9, want: domain.StatusPending},
		{inFlight: true, want: domain.StatusPending},
		{inFlight: true, once: true, want: domain.StatusUnknown},
		{inFlight: true, crashes: 1, want: domain.StatusPending},
		{inFlight: true, crashes: 2, want: domain.StatusFailed}, // the third in a row
		{inFlight: true, crashes: 2, once: true, want: domain.StatusUnknown},
		{inFlight: true, crashes: 2, loss: LossGivenUp, want: domain.StatusPending}, // nothing has crashed
		{inFlight: true, crashes: 2, loss: LossSilence, want: domain.StatusPending},
		{inFlight: true, loss: LossSilence, once: true, want: domain.StatusUnknown},
		{inFlight: true, loss: LossGivenUp, stop: StoppedByPause, want: domain.StatusUnknown},
		{inFlight: true, stop: StoppedByPause, want: domain.StatusUnknown},
		{inFlight: true, stop: StoppedByDelete, attempts: failedOnce, want: domain.StatusUnknown},
		{inFlight: false, stop: StoppedByPause, want: domain.StatusSkipped},
		{inFlight: false, stop: StoppedByPause, attempts: failedOnce, want: domain.StatusFailed},
		{inFlight: false, stop: StoppedByPause, attempts: hidden, want: domain.StatusUnknown},
	} {
		run := domain.OpenRun{InFlight: c.inFlight, Crashes: c.crashes, Attempts: c.attempts}
		got := DecideResume(&run, c.loss, c.once, c.stop)
		if got.Status != c.want || (got.Reason == "") != (c.want == domain.StatusPending) {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

func TestSplitTarget(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{ // what is kept
		"http://a.example/x?y=1":       "/x?y=1",
		"http://a.example:80/":         "/",
		"https://a.example":            "",
		"https://a.example:8443/x":     "/x",
		"http://[2001:db8::1]:8080/":   "/",
		"http://127.0.0.1:4444/status": "/status",
		"http://a.example:81":          "",
		"http://a.example?x":           "?x",
		"https://10.0.0.1/a:b":         "/a:b",
		"http://a.example:81#x":        "#x",
		"http://A.example/x?y=1":       "http://A.example/x?y=1",
		"http://[2001:DB8::1]/":        "http://[2001:DB8::1]/",
		"HTTP://a.example:81/":         "HTTP://a.example:81/",
		"http://a.example:/x":          "http://a.example:/x",
		"http://a.example:080/x":       "http://a.example:080/x",
		"http://u:1@a.example:81/":     "http://u:1@a.example:81/",
		"ftp://a.example/":             "ftp://a.example/",
		"/":                            "/",
		"":                             "",
	} {
		v := Version{}
		v.Host, v.rest, v.form = splitTarget(url)
		if v.Host != target.Of(url) || v.rest != want {
			t.Errorf("%s: %q of %s, want %q", url, v.rest, v.Host, want)
		}
		if origin, path := v.target(); origin+path != url {
			t.Errorf("%s became %s and %s", url, origin, path)
		}
	}
}

func TestSurplus(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ runs, waiting, want int }{
		{1, 0, 0}, {1, 1, 0}, {1, 2, 1}, {8, 9, 0}, {8, 10, 2}, {1000, 1125, 0}, {1000, 1126, 126},
	} {
		if got := Surplus(domain.Misfire{MaxRuns: c.runs}, c.waiting); got != c.want {
			t.Errorf("maxRuns %d, %d wait: %d are given up, want %d", c.runs, c.waiting, got, c.want)
		}
	}
}

func TestCrowded(t *testing.T) {
	t.Parallel()
	for busy, want := range map[int]bool{0: false, 2: false, 3: false, 4: true} {
		if got := Crowded(domain.Misfire{MaxRuns: 3}, busy); got != want {
			t.Errorf("maxRuns 3, %d busy: crowded %v, want %v", busy, got, want)
		}
	}
}
