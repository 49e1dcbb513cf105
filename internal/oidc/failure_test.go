package oidc

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/oidc/oidctest"
)

// failure makes issuers fail at a path. It may change while they are asked.
type failure struct {
	mu   sync.Mutex
	path string
	how  func(http.ResponseWriter, *http.Request)
}

func (f *failure) at(path string, how func(http.ResponseWriter, *http.Request)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.path, f.how = path, how
}

// before answers a request in the place of an issuer.
func (f *failure) before(w http.ResponseWriter, r *http.Request) bool {
	f.mu.Lock()
	path, how := f.path, f.how
	f.mu.Unlock()
	if path != r.URL.Path {
		return false
	}
	how(w, r)
	return true
}

// TestAProviderThatFails: each way to fail is a refusal in words, within bounds, and over when it answers again.
func TestAProviderThatFails(t *testing.T) {
	fails := new(failure)
	i, tells := oidctest.New(t), oidctest.New(t)
	i.Before, tells.Before = fails.before, fails.before
	tells.Told, tells.Claims = map[string]any{}, func(c map[string]any) { delete(c, "groups") }
	endless := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.Copy(w, io.LimitReader(zeros{}, maxAnswer+1))
	}
	elsewhere := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://evil.example/", http.StatusTemporaryRedirect)
	}
	for _, how := range []func(http.ResponseWriter, *http.Request){
		http.NotFound, endless, elsewhere,
		func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"issuer":"https://evil.example"}`)
		},
		func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		s, told := serverOf(t, i), serverOf(t, tells)
		fails.at("/.well-known/openid-configuration", how)
		_, err := s.Begin(t.Context(), "/ui", false)
		wantRefusal(t, "discovery", err, Unavailable)
		if w := s.Warning(); !strings.Contains(w, i.URL) || len(w) > 400 {
			t.Errorf("warning: %q", w)
		}
		fails.at("", nil)
		_, err = s.Begin(t.Context(), "/ui", false)
		wantRefusal(t, "a moment later", err, Unavailable)
		s.clock.Suspend(askAgain)
		a, b := s.come(t, i), told.come(t, tells)
		if w := s.Warning(); w != "" {
			t.Errorf("warning: %q", w)
		}
		fails.at("/token", how)
		_, err = s.Finish(t.Context(), a)
		wantRefusal(t, "token", err, Unavailable)
		fails.at("/userinfo", how)
		_, err = told.Finish(t.Context(), b)
		if why, ok := errors.AsType[*Refusal](err); !ok || why.Reason != Unavailable && why.Reason != Untrusted {
			t.Errorf("user info: %v", err)
		}
		fails.at("", nil)
	}
}

// TestKeysThatCannotBeRead are told before somebody tries to sign in, and are no fault of who does.
func TestKeysThatCannotBeRead(t *testing.T) {
	for what, how := range map[string]func(http.ResponseWriter, *http.Request){
		"none":      http.NotFound,
		"no JSON":   func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"no keys":   func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"keys":[]}`) },
		"no answer": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"a secret": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"keys":[{"kty":"oct","k":"canary"}]}`)
		},
	} {
		i, fails := oidctest.New(t), new(failure)
		i.Before = fails.before
		s := serverOf(t, i)
		a, next := s.come(t, i), s.come(t, i)
		fails.at("/keys", how)
		_, err := s.Finish(t.Context(), a)
		wantRefusal(t, what, err, Unavailable)
		if w := s.Warning(); !strings.Contains(w, "last sign-in") || !strings.Contains(w, "keys") {
			t.Errorf("%s: %q", what, w)
		}
		later := serverOf(t, i)
		_, err = later.Begin(t.Context(), "/ui", false)
		wantRefusal(t, what, err, Unavailable)
		if w := later.Warning(); !strings.Contains(w, "does not answer as it should: its keys") {
			t.Errorf("%s: %q", what, w)
		}
		fails.at("", nil)
		if _, err = s.Finish(t.Context(), next); err != nil || s.Warning() != "" {
			t.Errorf("%s: %v, %q", what, err, s.Warning())
		}
	}
}

// TestASignInThatFailsIsTold: what the provider does wrong is in the warning until somebody comes in, or for an hour;
// what a browser makes up is not.
func TestASignInThatFailsIsTold(t *testing.T) {
	says := func(status int, word string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"error":"`+word+`"}`)
		}
	}
	for _, c := range []struct {
		what string
		how  func(http.ResponseWriter, *http.Request)
		told string // in the warning; empty: there is none
	}{
		{"a code that is none", says(400, "invalid_grant"), ""},
		{"a code that is no text", says(400, "invalid_request"), ""},
		{"another secret", says(401, "invalid_client"), "401: invalid_client"},
		{"an error", says(503, "server_error"), "503: server_error"},
		{"another page", http.NotFound, "404"},
		{"no answer", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
	} {
		i, fails := oidctest.New(t), new(failure)
		i.Before = fails.before
		s := serverOf(t, i)
		next := s.come(t, i)
		fails.at("/token", c.how)
		for range 3 {
			if _, err := s.Finish(t.Context(), s.come(t, i)); err == nil {
				t.Errorf("%s: somebody came in", c.what)
			}
		}
		w, lines := s.Warning(), strings.Count(s.log.String(), "the provider has failed")
		if !strings.Contains(w, c.told) || (w == "") != (c.told == "") || lines != min(1, len(c.told)) {
			t.Errorf("%s: %q, %d lines", c.what, w, lines)
		}
		if s.clock.Suspend(faultHolds); s.Warning() != "" {
			t.Errorf("%s: an hour later: %q", c.what, s.Warning())
		}
		again := serverOf(t, i)
		fails.at("/token", c.how)
		_, _ = again.Finish(t.Context(), again.come(t, i))
		fails.at("", nil)
		if _, err := again.Finish(t.Context(), next); err != nil || again.Warning() != "" {
			t.Errorf("%s: %v, %q", c.what, err, again.Warning())
		}
	}
}

// TestABrowserThatHasGone is no failure of the provider: neither one that waits for what it says of itself, nor one
// that comes back from it.
func TestABrowserThatHasGone(t *testing.T) {
	for _, path := range []string{"/.well-known/openid-configuration", "/token", "/keys"} {
		i, fails := oidctest.New(t), new(failure)
		i.Before = fails.before
		s := serverOf(t, i)
		begins := path != "/token" && path != "/keys"
		var a Answer
		if !begins {
			a = s.come(t, i)
		}
		ctx, leave := context.WithCancel(t.Context())
		fails.at(path, func(w http.ResponseWriter, r *http.Request) {
			fails.at("", nil)
			leave()
			if path != "/token" { // what was asked for is answered for the others
				i.ServeHTTP(w, r)
			} else {
				_, _ = io.Copy(io.Discard, r.Body) // then the server sees that the client has gone
				<-r.Context().Done()
			}
		})
		var err error
		if begins {
			_, err = s.Begin(ctx, "/ui", false)
		} else {
			_, err = s.Finish(ctx, a)
		}
		if err != nil && !errors.Is(err, context.Canceled) || err == nil && !begins {
			t.Errorf("%s: %v", path, err)
		}
		if w := s.Warning(); w != "" || strings.Contains(s.log.String(), "fail") {
			t.Errorf("%s: %q\n%s", path, w, s.log)
		}
		if _, err = s.Finish(t.Context(), s.come(t, i)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestThoseWhoWaitAreBounded: while the provider is silent, so many wait for it, and none that has gone.
func TestThoseWhoWaitAreBounded(t *testing.T) {
	i, fails := oidctest.New(t), new(failure)
	i.Before = fails.before
	asked, answers := make(chan struct{}), make(chan struct{})
	fails.at("/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		fails.at("", nil)
		close(asked)
		<-answers
		i.ServeHTTP(w, r)
	})
	s := serverOf(t, i)
	came := make(chan error, maxWaiting)
	begin := func() {
		_, err := s.Begin(t.Context(), "/ui", false)
		came <- err
	}
	go begin()
	<-asked
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := s.Begin(gone, "/ui", false); !errors.Is(err, context.Canceled) {
		t.Errorf("one that has gone: %v", err)
	}
	for range maxWaiting - 1 {
		s.waiting <- struct{}{}
	}
	_, err := s.Begin(t.Context(), "/ui", false)
	wantRefusal(t, "one more", err, Busy)
	<-s.waiting
	go begin()
	close(answers)
	if err := errors.Join(<-came, <-came); err != nil {
		t.Error(err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
