package cron

import (
	"archive/zip"
	"crypto/sha256"
	_ "embed" // the zip below
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// embeddedZip is Go's lib/time/zoneinfo.zip: every zone of the IANA database, compiled. It is public domain.
//
//go:embed zoneinfo.zip
var embeddedZip string

// EmbeddedRelease is the release of the IANA database in it. A test compares both with the toolchain's.
const EmbeddedRelease = "2025c"

// Limits of zone data that an operator names.
const (
	maxZoneFiles = 4096     // the database has 598 names
	maxZoneBytes = 64 << 10 // of one zone; the largest has 3.5 KB, a "fat" one 7 KB
	maxZoneZip   = 32 << 20
)

// ZoneData is one release of the time zone database. Names and rules come from it alone.
// $ZONEINFO and the zone files of the system are never read, so that the same binary
// gives the same answers on every machine.
type ZoneData struct {
	release string
	source  string // a path; empty: embedded
	zones   map[string]string
}

// Release is the release of the IANA database, such as 2025c; of a folder or a zip that does not say, its digest.
func (d *ZoneData) Release() string { return d.release }

// Source is the path that the data were read from, or "embedded".
func (d *ZoneData) Source() string {
	if d.source == "" {
		return "embedded"
	}
	return d.source
}

// String says the release and the source.
func (d *ZoneData) String() string { return d.release + " (" + d.Source() + ")" }

var embedded = sync.OnceValue(func() *ZoneData {
	d, err := readZoneZip(strings.NewReader(embeddedZip), int64(len(embeddedZip)))
	if err != nil {
		panic("cron: the embedded zone data: " + err.Error()) // a test reads them
	}
	d.release = EmbeddedRelease
	return d
})

// location finds a zone by its exact name.
func (d *ZoneData) location(name string) (*time.Location, bool) {
	data, ok := d.zones[name]
	if !ok {
		return nil, false
	}
	if name == "UTC" {
		return time.UTC, true
	}
	loc, err := time.LoadLocationFromTZData(name, []byte(data))
	return loc, err == nil
}

// OpenZones reads zone data from a zip in the form of Go's zoneinfo.zip, or from a folder of compiled zones. The error
// is one line that names the path.
func OpenZones(path string) (*ZoneData, error) {
	d, err := openZones(path)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be used as zone data: %w", path, err)
	}
	d.source = path
	if len(d.zones) == 0 {
		return nil, fmt.Errorf("%s cannot be used as zone data: it holds no compiled zone; want Go's zoneinfo.zip or "+
			"a folder like /usr/share/zoneinfo", path)
	}
	if _, ok := d.location("UTC"); !ok {
		return nil, fmt.Errorf("%s cannot be used as zone data: it has no zone UTC", path)
	}
	for name := range d.zones {
		if _, ok := d.location(name); !ok {
			return nil, fmt.Errorf("%s cannot be used as zone data: its zone %s is damaged", path, name)
		}
	}
	return d, nil
}

func openZones(path string) (*ZoneData, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, errors.Unwrap(err) // the path is said already
	}
	if info.IsDir() {
		return readZoneFolder(path)
	}
	if !info.Mode().IsRegular() || info.Size() > maxZoneZip {
		return nil, fmt.Errorf("it must be a folder, or a zip of at most %d MiB", maxZoneZip>>20)
	}
	data, err := os.ReadFile(path) //nolint:gosec // the file is the one that the operator named
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	return readZoneZip(strings.NewReader(string(data)), int64(len(data)))
}

func readZoneZip(r io.ReaderAt, size int64) (*ZoneData, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, errors.New("it is not a zip")
	}
	d := &ZoneData{zones: make(map[string]string, len(z.File))}
	for _, f := range z.File {
		if f.Mode().IsDir() {
			continue
		}
		if f.UncompressedSize64 > maxZoneBytes {
			continue // tzdata.zi and the like
		}
		if err := d.addFrom(f.Name, func() (io.ReadCloser, error) { return f.Open() }); err != nil {
			return nil, err
		}
	}
	return d.named(), nil
}

func readZoneFolder(path string) (*ZoneData, error) {
	root, err := os.OpenRoot(path) // a link out of it is not followed
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer root.Close() //nolint:errcheck // it was read
	d := &ZoneData{zones: make(map[string]string)}
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (name == "posix" || name == "right"): // the same again, and with leap seconds
			return fs.SkipDir
		case entry.IsDir() || name == "localtime":
			return nil
		}
		info, err := root.Stat(filepath.FromSlash(name))
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxZoneBytes {
			return nil //nolint:nilerr // a link out of the folder is no zone of it
		}
		return d.addFrom(name, func() (io.ReadCloser, error) { return root.Open(filepath.FromSlash(name)) })
	})
	return d.named(), err
}

// addFrom adds a file if it is a compiled zone, or says the release.
func (d *ZoneData) addFrom(name string, open func() (io.ReadCloser, error)) error {
	if len(d.zones) >= maxZoneFiles {
		return fmt.Errorf("it has more than %d zones", maxZoneFiles)
	}
	f, err := open()
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was read
	data, err := io.ReadAll(io.LimitReader(f, maxZoneBytes))
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	case name == "+VERSION" || name == "version":
		d.release = strings.TrimSpace(string(data[:min(len(data), 32)]))
	case strings.HasPrefix(string(data), "TZif") && zoneName(name):
		d.zones[name] = string(data)
	}
	return nil
}

// named sets the release of data that have none to the digest of their content.
func (d *ZoneData) named() *ZoneData {
	if d.release == "" {
		h := sha256.New()
		for _, name := range slices.Sorted(maps.Keys(d.zones)) {
			_, _ = io.WriteString(h, name+"\x00"+d.zones[name])
		}
		d.release = "sha256:" + hex.EncodeToString(h.Sum(nil)[:8])
	}
	return d
}
