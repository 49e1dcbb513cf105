package front

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/front/fronttest"
)

func (c *Certificate) want(t *testing.T, number int64) {
	t.Helper()
	got, err := c.get(nil)
	if err != nil || got.Leaf.SerialNumber.Int64() != number {
		t.Errorf("certificate %v, error %v; want number %d", got.Leaf.SerialNumber, err, number)
	}
}

// TestRenewal replaces the files in every order and state.
func TestRenewal(t *testing.T) { synctest.Test(t, renewal) }

func renewal(t *testing.T) {
	var log bytes.Buffer
	p := fronttest.NewPair(t)
	c, err := OpenCertificate(p.Cert, p.Key, clock.System{}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	c.want(t, 1)
	p.Write(t, 2)
	c.want(t, 1) // looked at a moment ago
	time.Sleep(lookEvery)
	c.want(t, 2)

	// The new certificate is there before its key: the old pair stays, and it is
	// reported once.
	old, err := os.ReadFile(p.Key)
	if err != nil {
		t.Fatal(err)
	}
	p.Write(t, 3)
	next, err := os.ReadFile(p.Key)
	if err != nil {
		t.Fatal(err)
	}
	p.Put(t, p.Key, old, 2)
	for range 10 {
		time.Sleep(lookEvery)
		c.want(t, 2)
	}
	if n := strings.Count(log.String(), "cannot be used"); n != 1 {
		t.Errorf("told %d times:\n%s", n, log.String())
	}
	p.Put(t, p.Key, next, 3)
	time.Sleep(lookEvery)
	c.want(t, 3)

	// Gone, and back.
	if err := os.Remove(p.Cert); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		time.Sleep(lookEvery)
		c.want(t, 3)
	}
	if n := strings.Count(log.String(), "cannot be used"); n != 2 {
		t.Errorf("told %d times:\n%s", n, log.String())
	}
	p.Write(t, 4)
	time.Sleep(lookEvery)
	c.want(t, 4)
	if strings.Contains(log.String(), "PRIVATE") {
		t.Error("the key is in the log")
	}
}

func TestACertificateThatCannotBeUsed(t *testing.T) {
	p := fronttest.NewPair(t)
	other := fronttest.NewPair(t)
	garbage := filepath.Join(t.TempDir(), "garbage")
	if err := os.WriteFile(garbage, []byte("canary"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, files := range [][2]string{{p.Cert, "nowhere"}, {"nowhere", p.Key}, {p.Cert, other.Key}, {garbage, p.Key},
		{p.Cert, garbage}, {p.Key, p.Cert}} {
		_, err := OpenCertificate(files[0], files[1], clock.System{}, slog.New(slog.DiscardHandler))
		if err == nil || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%v: %v", files, err)
		}
	}
}
