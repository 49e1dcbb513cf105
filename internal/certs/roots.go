package certs

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/charset"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

const (
	// lookEvery is the shortest interval between two looks at the file of authorities. A look
	// reads it (a bundle of all public authorities has 220 KB: 0.1 ms) and computes its sum.
	lookEvery = 2 * time.Second
	// maxRootsBytes is the size of the largest file of authorities: some 30 times the bundle
	// of all public ones.
	maxRootsBytes = 8 << 20
)

// Authorities are those that sign the certificates of targets, at one moment.
type Authorities struct {
	Pool       *x509.CertPool // nil: the system's
	Generation uint64         // another one for each content
}

// Roots has the authorities of the moment: those of the system and those of a file, which
// is read again when it has changed. Its methods may be called from many goroutines.
type Roots struct {
	file  string // empty: the authorities never change
	clock clock.Clock
	log   *slog.Logger

	mu      sync.Mutex
	current Authorities
	readAt  time.Time // when current was read
	seen    [sha256.Size]byte
	looked  clock.Mark
	fault   string // why the file cannot be used; empty: it is in use
}

// FixedRoots returns authorities that never change; nil stands for the system's.
func FixedRoots(pool *x509.CertPool) *Roots { return &Roots{current: Authorities{Pool: pool}} }

// OpenRoots reads the file of authorities, or says in one line why it cannot be used. No
// file means the authorities of the system.
func OpenRoots(file string, clk clock.Clock, log *slog.Logger) (*Roots, error) {
	if file == "" {
		return FixedRoots(nil), nil
	}
	r := &Roots{file: file, clock: clk, log: log, readAt: clk.Now(), looked: clk.Mark()}
	text, err := r.read()
	if err != nil {
		return nil, fmt.Errorf("egress_ca_file %s %w", file, err)
	}
	r.seen = sha256.Sum256(text)
	pool, err := parseRoots(text)
	if pool == nil {
		return nil, fmt.Errorf("egress_ca_file %s %w", file, err)
	}
	r.current = Authorities{Pool: pool}
	r.note(err) // what is cut off was no reason not to start before either
	return r, nil
}

// Current returns the authorities of the moment. A look at the file, when one is due, is
// part of it: all handshakes after a change use the new ones.
func (r *Roots) Current() Authorities {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file != "" && r.clock.Elapsed(r.looked) >= lookEvery {
		r.look()
		r.looked = r.clock.Mark()
	}
	return r.current
}

// Warning says why the file of authorities cannot be used, or returns "". It looks at the
// file like a handshake.
func (r *Roots) Warning() string {
	r.Current()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fault == "" {
		return ""
	}
	return fmt.Sprintf("egress_ca_file %s %s; the authorities read at %s stay in use", r.file, r.fault, date(r.readAt))
}

// look reads the file again if it has changed; r.mu is held.
func (r *Roots) look() {
	text, err := r.read()
	if err != nil {
		r.seen = [sha256.Size]byte{}
		r.note(err)
		return
	}
	sum := sha256.Sum256(text)
	if sum == r.seen {
		return
	}
	r.seen = sum
	pool, err := parseRoots(text)
	r.note(err)
	if err == nil {
		r.current, r.readAt = Authorities{pool, r.current.Generation + 1}, r.clock.Now()
		r.log.Info("the certificate authorities have changed", telemetry.KeyPath, r.file)
	}
}

// note keeps and logs why the file cannot be used, once for each reason; r.mu is held.
func (r *Roots) note(err error) {
	fault := ""
	if err != nil {
		fault = err.Error()
	}
	if fault != "" && fault != r.fault {
		r.log.Error("the file of certificate authorities cannot be used; those read before stay in use",
			telemetry.KeyPath, r.file, telemetry.KeyReason, fault)
	}
	r.fault = fault
}

func (r *Roots) read() ([]byte, error) {
	file, err := os.Open(r.file)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", withoutPath(err))
	}
	defer file.Close() //nolint:errcheck // read only
	text, err := io.ReadAll(io.LimitReader(file, maxRootsBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot be read: %w", withoutPath(err))
	case len(text) > maxRootsBytes:
		return nil, fmt.Errorf("is larger than %d MiB", maxRootsBytes>>20)
	}
	return text, nil
}

var (
	errNoCertificate = errors.New("holds no certificate in PEM form")
	errCutOff        = errors.New("is cut off in its last certificate")
)

// parseRoots returns the authorities of the system and those of the text. With errCutOff
// it returns those before the end.
func parseRoots(text []byte) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil { // this system has none
		pool = x509.NewCertPool()
	}
	text = charset.Trim(text) // a mark would hide the first one
	if !pool.AppendCertsFromPEM(text) {
		return nil, errNoCertificate
	}
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		text = rest
	}
	if bytes.Contains(text, []byte("-----BEGIN ")) {
		return pool, errCutOff
	}
	return pool, nil
}

// withoutPath drops the path from an error about a file: the message names it.
func withoutPath(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}
