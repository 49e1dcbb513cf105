package deadman

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

const (
	lookEvery    = time.Second      // while jobs are not fired
	retryEvery   = 10 * time.Second // after a call that failed, or the interval if that is shorter
	readOfAnswer = 4 << 10          // bytes of an answer that are read
)

// Config is what a switch is made of. All of it is required.
type Config struct {
	URL       string
	Interval  time.Duration // between calls
	Fault     func() string // why not all jobs are fired; empty: they are
	Client    *http.Client  // its timeout bounds a call
	Log       *slog.Logger
	UserAgent string
}

// Switch calls the URL.
type Switch struct {
	cfg    Config
	fault  string // of the last look
	failed string // why the last call failed; empty: it did not
}

// New returns a switch that has not called yet.
func New(cfg Config) *Switch { return &Switch{cfg: cfg} }

// Run calls until the context ends. It may be run again.
func (s *Switch) Run(ctx context.Context) {
	for ctx.Err() == nil {
		clock.Wait(ctx, s.step(ctx))
	}
}

// step looks, calls if jobs are fired, and returns how long to wait.
func (s *Switch) step(ctx context.Context) time.Duration {
	fault := s.cfg.Fault()
	s.tell(&s.fault, fault, "the dead man's switch is not called, since not all jobs are fired",
		"the dead man's switch is called again")
	if fault != "" {
		return lookEvery
	}
	err := s.call(ctx)
	if ctx.Err() != nil {
		return 0
	}
	failed := ""
	if err != nil {
		failed = err.Error()
	}
	s.tell(&s.failed, failed, "the dead man's switch does not answer", "the dead man's switch answers again")
	if err != nil {
		return min(retryEvery, s.cfg.Interval)
	}
	return s.cfg.Interval
}

// tell logs the beginning and the end of a fault.
func (s *Switch) tell(was *string, is, begun, ended string) {
	switch {
	case *was == "" && is != "":
		s.cfg.Log.Warn(begun, "reason", is)
	case *was != "" && is == "":
		s.cfg.Log.Info(ended)
	}
	*was = is
}

// call makes one request. The error does not have the URL.
func (s *Switch) call(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.URL, http.NoBody)
	if err != nil {
		return errors.New("its URL is not valid")
	}
	req.Header.Set("User-Agent", s.cfg.UserAgent)
	res, err := s.cfg.Client.Do(req)
	if err != nil {
		var about *url.Error
		if errors.As(err, &about) { // its text has the URL
			err = about.Err
		}
		return err
	}
	defer res.Body.Close() //nolint:errcheck // it was only read
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, readOfAnswer))
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("it answered %d", res.StatusCode)
	}
	return nil
}
