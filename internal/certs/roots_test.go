package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/certs/certstest"
	"github.com/belfry-scheduler/belfry/internal/clock"
)

// rootsFile is a file of authorities and what is logged about it.
type rootsFile struct {
	t    *testing.T
	path string
	log  bytes.Buffer
	*Roots
}

func newRootsFile(t *testing.T, text []byte) *rootsFile {
	t.Helper()
	f := &rootsFile{t: t, path: filepath.Join(t.TempDir(), "ca.pem")}
	f.write(text)
	var err error
	f.Roots, err = OpenRoots(f.path, new(clock.Manual), slog.New(slog.NewTextHandler(&f.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *rootsFile) write(text []byte) {
	f.t.Helper()
	if err := os.WriteFile(f.path, text, 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// has reports whether the authority is among those of the moment.
func (f *rootsFile) has(a *certstest.Authority, leaf *x509.Certificate) bool {
	_, err := leaf.Verify(x509.VerifyOptions{Roots: f.Current().Pool, CurrentTime: leaf.NotBefore})
	return err == nil
}

// A change of the file takes effect lookEvery after the last look; what cannot be used
// changes nothing, and is logged once.
func TestRootsChange(t *testing.T) {
	one, two := certstest.New(t, "one", nil), certstest.New(t, "two", nil)
	leafOne, leafTwo := one.Issue(t, nil).Leaf, two.Issue(t, nil).Leaf
	synctest.Test(t, func(t *testing.T) {
		f := newRootsFile(t, one.PEM())
		expect := func(what string, wantOne, wantTwo bool, generation uint64, warning string, lines int) {
			t.Helper()
			if a, b := f.has(one, leafOne), f.has(two, leafTwo); a != wantOne || b != wantTwo {
				t.Errorf("%s: one %t, two %t", what, a, b)
			}
			if got := f.Current().Generation; got != generation {
				t.Errorf("%s: generation %d, want %d", what, got, generation)
			}
			if got := f.Warning(); (got == "") != (warning == "") || !strings.Contains(got, warning) {
				t.Errorf("%s: warning %q, want %q", what, got, warning)
			}
			if got := strings.Count(f.log.String(), "\n"); got != lines {
				t.Errorf("%s: %d lines, want %d: %s", what, got, lines, f.log.String())
			}
		}
		expect("at first", true, false, 0, "", 0)
		f.write(two.PEM())
		time.Sleep(lookEvery - time.Millisecond)
		expect("not yet", true, false, 0, "", 0)
		time.Sleep(time.Millisecond)
		expect("changed", false, true, 1, "", 1)
		time.Sleep(lookEvery)
		expect("the same", false, true, 1, "", 1)
		f.write(append(two.PEM(), one.PEM()...))
		time.Sleep(lookEvery)
		expect("both", true, true, 2, "", 2)

		f.write(nil)
		time.Sleep(lookEvery)
		expect("empty", true, true, 2, "holds no certificate in PEM form; the authorities read at ", 3)
		time.Sleep(lookEvery)
		expect("still empty", true, true, 2, "holds no certificate", 3)
		if err := os.Remove(f.path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lookEvery)
		expect("missing", true, true, 2, "cannot be read: no such file", 4)
		time.Sleep(lookEvery)
		expect("still missing", true, true, 2, "cannot be read: no such file", 4)
		f.write(append(one.PEM(), two.PEM()[:200]...))
		time.Sleep(lookEvery)
		expect("half written", true, true, 2, "is cut off in its last certificate", 5)
		f.write(append(one.PEM(), make([]byte, maxRootsBytes)...))
		time.Sleep(lookEvery)
		expect("too large", true, true, 2, "is larger than 8 MiB", 6)
		f.write(one.PEM())
		time.Sleep(lookEvery)
		expect("one again", true, false, 3, "", 7)
	})
}

// A file that is missing for a moment and comes back as it was changes nothing.
func TestRootsComeBack(t *testing.T) {
	one := certstest.New(t, "one", nil)
	synctest.Test(t, func(t *testing.T) {
		f := newRootsFile(t, one.PEM())
		before := f.Current()
		if err := os.Rename(f.path, f.path+".old"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lookEvery)
		if f.Warning() == "" {
			t.Error("no warning of a missing file")
		}
		if err := os.Rename(f.path+".old", f.path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lookEvery)
		if f.Warning() != "" || !f.Current().Pool.Equal(before.Pool) {
			t.Errorf("warning %q", f.Warning())
		}
	})
}

// At the start, a file that is cut off is used as far as it goes, with a warning.
func TestRootsCutOffAtStart(t *testing.T) {
	t.Parallel()
	one := certstest.New(t, "one", nil)
	f := newRootsFile(t, append(one.PEM(), one.PEM()[:100]...))
	if !f.has(one, one.Issue(t, nil).Leaf) || !strings.Contains(f.Warning(), "is cut off") {
		t.Errorf("warning %q", f.Warning())
	}
}

func TestRootsAtStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.pem")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		filepath.Join(dir, "none.pem"): "egress_ca_file " + dir + "/none.pem cannot be read: no such file or directory",
		dir:                            "egress_ca_file " + dir + " cannot be read: is a directory",
		empty:                          "egress_ca_file " + empty + " holds no certificate in PEM form",
	} {
		if _, err := OpenRoots(file, clock.System{}, slog.New(slog.DiscardHandler)); err == nil || err.Error() != want {
			t.Errorf("%s: %v", file, err)
		}
	}
	none, err := OpenRoots("", clock.System{}, nil)
	if err != nil || none.Current() != (Authorities{}) || none.Warning() != "" {
		t.Errorf("no file: %+v, %v", none, err)
	}
}

// New handshakes use the new authorities, whatever is remembered: results and sessions
// of the old ones do not count, and a target that has moved to the new one is called
// without a failure.
func TestChangeOfRootsInHandshakes(t *testing.T) {
	t.Parallel()
	one, two := certstest.New(t, "one", nil), certstest.New(t, "two", nil)
	versions(t, func(t *testing.T, version uint16) {
		f := newRootsFile(t, one.PEM())
		change := func(to []byte) {
			f.write(to)
			f.mu.Lock()
			f.look()
			f.mu.Unlock()
		}
		s := serve(t, &tls.Config{Certificates: []tls.Certificate{one.Issue(t, nil)}, MaxVersion: version})
		c := newClient(f.Roots)
		to := c.to(s)
		mustDial(t, s, to, false)
		mustDial(t, s, to, true)
		change(append(one.PEM(), two.PEM()...))
		mustDial(t, s, to, false)
		s.present(two.Issue(t, nil))
		change(two.PEM())
		mustDial(t, s, to, false)
		mustDial(t, s, to, true)
		change(one.PEM())
		for range 2 {
			if _, err := dial(t, s, to); err == nil {
				t.Error("the authority was removed")
			}
		}
	})
}
