package oidc

import (
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
	fails.at("/keys", http.NotFound)
	s := serverOf(t, i)
	_, err := s.Finish(t.Context(), s.come(t, i))
	wantRefusal(t, "keys", err, Untrusted)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
