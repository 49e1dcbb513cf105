package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// answering is a transport that answers with statuses in their order, and notes when.
type answering struct {
	statuses []int
	after    string // Retry-After
	start    time.Time
	at       []string
}

// RoundTrip implements http.RoundTripper.
func (a *answering) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		text, _ := io.ReadAll(r.Body)
		body = string(text)
	}
	a.at = append(a.at, fmt.Sprintf("%v %s", time.Since(a.start), body))
	status := a.statuses[min(len(a.at), len(a.statuses))-1]
	res := &http.Response{StatusCode: status, Header: http.Header{}, Request: r,
		Body: io.NopCloser(strings.NewReader("{}"))}
	res.Header.Set("Content-Type", "application/json")
	if status >= 400 {
		res.Header.Set("Content-Type", "application/problem+json")
		res.Header.Set("Retry-After", a.after)
	}
	return res, nil
}

// TestWaits is the table of what is sent again, and when.
func TestWaits(t *testing.T) {
	t.Parallel()
	keyed := WithIdempotencyKey(context.Background(), "k")
	get := func(ctx context.Context, c *Client) error { _, err := c.Jobs.Get(ctx, "1"); return err }
	create := func(ctx context.Context, c *Client) error {
		_, err := c.Jobs.Create(ctx, Spec{Name: "n"})
		return err
	}
	change := func(ctx context.Context, c *Client) error {
		_, err := c.Jobs.Update(ctx, "1", 0, Change{"name": "n"})
		return err
	}
	stream := func(ctx context.Context, c *Client) error {
		_, err := c.Jobs.Import(ctx, Lines, io.MultiReader(strings.NewReader("x")))
		return err
	}
	health := func(ctx context.Context, c *Client) error { _, err := c.Ready(ctx); return err }
	for name, row := range map[string]struct {
		ctx      context.Context
		do       func(context.Context, *Client) error
		after    string
		statuses []int
		sent     int
		took     time.Duration
		status   int // of the problem; 0: none
	}{
		"too many, then well":          {nil, get, "2", []int{429, 429, 200}, 3, 4 * time.Second, 0},
		"a change, too many":           {nil, create, "1", []int{429, 201}, 2, time.Second, 0},
		"not now":                      {nil, get, "1", []int{503, 200}, 2, time.Second, 0},
		"a change, not now":            {nil, change, "1", []int{503, 200}, 1, 0, 503},
		"what makes a job, not now":    {nil, create, "1", []int{503, 201}, 2, time.Second, 0},
		"what makes a job, under way":  {nil, create, "1", []int{409, 409, 201}, 3, 2 * time.Second, 0},
		"a change, a conflict":         {nil, change, "1", []int{409, 200}, 1, 0, 409},
		"a conflict without a time":    {nil, create, "", []int{409, 201}, 1, 0, 409},
		"a keyed change, not now":      {keyed, create, "1", []int{503, 201}, 2, time.Second, 0},
		"never":                        {nil, get, "1", []int{429}, 1 + maxWaits, maxWaits * time.Second, 429},
		"longer than the client waits": {nil, get, "11", []int{429}, 1, 0, 429},
		"longer in all":                {nil, get, "4", []int{429}, 3, 8 * time.Second, 429},
		"at once":                      {nil, get, "0", []int{429, 200}, 2, leastWait, 0},
		"without a time":               {nil, get, "", []int{429}, 1, 0, 429},
		"with a date":                  {nil, get, "Mon, 30 Nov 2026 00:00:00 GMT", []int{429}, 1, 0, 429},
		"another failure":              {nil, get, "1", []int{500}, 1, 0, 500},
		"a stream":                     {nil, stream, "1", []int{429}, 1, 0, 429},
		"a probe":                      {nil, health, "1", []int{429, 200}, 2, time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, err := New("http://belfry.test", "")
				if err != nil {
					t.Fatal(err)
				}
				a := &answering{statuses: row.statuses, after: row.after, start: time.Now()}
				c.server.http.Transport = a
				if row.ctx == nil {
					row.ctx = context.Background()
				}
				var p *Problem
				err = row.do(row.ctx, c)
				if errors.As(err, &p) && p.Status != row.status || row.status != 0 && p == nil {
					t.Errorf("the call ended with %v, want status %d", err, row.status)
				}
				if took := time.Since(a.start); len(a.at) != row.sent || took != row.took {
					t.Errorf("sent %q in %v, want %d in %v", a.at, took, row.sent, row.took)
				}
				_, first, _ := strings.Cut(a.at[0], " ")
				for _, sent := range a.at {
					if _, body, _ := strings.Cut(sent, " "); body != first {
						t.Errorf("the bodies differ: %q", a.at)
					}
				}
			})
		})
	}
}

// A wait ends with the context, and is not begun if it would.
func TestWaitEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, err := New("http://belfry.test", "")
		if err != nil {
			t.Fatal(err)
		}
		a := &answering{statuses: []int{429}, after: "5", start: time.Now()}
		c.server.http.Transport = a
		short, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		var p *Problem
		if _, err := c.Jobs.Get(short, "1"); !errors.As(err, &p) || p.Status != 429 || time.Since(a.start) != 0 {
			t.Errorf("%v after %v", err, time.Since(a.start))
		}
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, stop)
		if _, err := c.Jobs.Get(ctx, "1"); !errors.Is(err, context.Canceled) || time.Since(a.start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(a.start))
		}
	})
}

// What makes something has a key of its own, a new one for each call and the same for each time that
// it is sent; when the server keeps no more keys, it is sent without.
func TestOwnKeys(t *testing.T) {
	full := false
	var keys []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/jobs" && !strings.Contains(string(body), `"name":"n"`) {
			t.Errorf("the body is %s", body)
		}
		switch {
		case full && keys[len(keys)-1] != "":
			w.Header().Set("Retry-After", "60")
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, `{"code":"idempotency-keys-full"}`)
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{}`)
		}
	}))
	defer srv.Close()
	c, err := New(srv.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ask := func() []string {
		t.Helper()
		keys = nil
		for name, call := range map[string]func() error{
			"create":  func() error { _, err := c.Jobs.Create(t.Context(), Spec{Name: "n"}); return err },
			"trigger": func() error { _, err := c.Jobs.Trigger(t.Context(), "1"); return err },
			"by key":  func() error { _, err := c.Jobs.TriggerByKey(t.Context(), JobKey{Key: "k"}); return err },
			"silence": func() error { _, err := c.Alerting.CreateSilence(t.Context(), NewSilence{}); return err },
		} {
			if err := call(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		return keys
	}
	own := ask()
	if slices.Sort(own); len(own) != 4 || len(slices.Compact(own)) != 4 || slices.Contains(own, "") {
		t.Errorf("the keys are %q", own)
	}
	full = true
	if got := ask(); len(got) != 8 || got[1] != "" || got[3] != "" || got[5] != "" || got[7] != "" {
		t.Errorf("without room the keys are %q", got)
	}
	var p *Problem
	if _, err := c.Jobs.Create(WithIdempotencyKey(t.Context(), "mine"), Spec{Name: "n"}); !errors.As(err, &p) ||
		p.Status != 429 {
		t.Errorf("with a key of the caller: %v", err)
	}
	keys = nil
	if _, err := c.Jobs.Pause(t.Context(), "1"); err != nil || keys[0] != "" {
		t.Errorf("a pause has the key %q, %v", keys, err)
	}
}
