package deadman

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// answers is a client whose calls are noted with the time since the start, in seconds.
type answers struct {
	start  time.Time
	calls  []int
	answer func() (status int, err error)
}

// RoundTrip implements http.RoundTripper.
func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.calls = append(a.calls, int(time.Since(a.start).Seconds()))
	status, err := a.answer()
	return &http.Response{StatusCode: status, Body: http.NoBody, Request: r}, err
}

// TestCalls: calls are made while jobs are fired, sooner after one that failed, and at once when jobs are fired again.
func TestCalls(t *testing.T) {
	t.Parallel()
	const url = "https://hc.example/ping/secret-token"
	ok := func() (int, error) { return 200, nil }
	for _, c := range []struct {
		name     string
		fault    func(second int) string
		answer   func(call int) (int, error)
		interval time.Duration
		want     []int // seconds of the calls in five minutes
		logs     []string
	}{
		{"all is well", func(int) string { return "" }, func(int) (int, error) { return ok() }, time.Minute,
			[]int{0, 60, 120, 180, 240}, nil},
		{"jobs are not fired for two minutes", func(s int) string {
			if s >= 30 && s < 150 {
				return "the store does not commit"
			}
			return ""
		}, func(int) (int, error) { return ok() }, time.Minute, []int{0, 150, 210, 270},
			[]string{"is not called", "the store does not commit", "is called again"}},
		{"it fails twice", func(int) string { return "" }, func(call int) (int, error) {
			switch call {
			case 1:
				return 0, errors.New("refused")
			case 2:
				return 404, nil
			}
			return ok()
		}, 2 * time.Minute, []int{0, 120, 130, 140, 260}, []string{"does not answer", "refused", "answers again"}},
		{"the interval is shorter than a retry", func(int) string { return "" }, func(call int) (int, error) {
			if call < 3 {
				return 500, nil
			}
			return ok()
		}, 5 * time.Second, []int{0, 5, 10, 15}, []string{"it answered 500", "answers again"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				a := &answers{start: time.Now()}
				a.answer = func() (int, error) { return c.answer(len(a.calls) - 1) }
				s := New(Config{
					URL: url, Interval: c.interval, Client: &http.Client{Transport: a}, UserAgent: "belfry/1",
					Log:   slog.New(slog.NewTextHandler(&log, nil)),
					Fault: func() string { return c.fault(int(time.Since(a.start).Seconds())) },
				})
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute-time.Millisecond)
				defer cancel()
				s.Run(ctx)
				if got := a.calls[:min(len(a.calls), len(c.want))]; !slices.Equal(got, c.want) {
					t.Errorf("called at %v, want %v", got, c.want)
				}
				for _, want := range c.logs {
					if !strings.Contains(log.String(), want) {
						t.Errorf("the log lacks %q: %s", want, log.String())
					}
				}
				if n := strings.Count(log.String(), "\n"); n > 2 || n > 0 && c.logs == nil {
					t.Errorf("%d lines of log: %s", n, log.String())
				}
				if strings.Contains(log.String(), "secret-token") {
					t.Errorf("the log has the URL: %s", log.String())
				}
			})
		})
	}
}
