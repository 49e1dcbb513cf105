package cron

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestEmbeddedZones compares the embedded data with those of the toolchain, release and content.
func TestEmbeddedZones(t *testing.T) {
	if Zones().Release() != EmbeddedRelease || Zones().Source() != "embedded" {
		t.Errorf("in force: %s", Zones())
	}
	lib := filepath.Join(runtime.GOROOT(), "lib", "time") //nolint:staticcheck // the test runs where it was built
	script, err := os.ReadFile(filepath.Join(lib, "update.bash"))
	if err != nil {
		t.Skip("the toolchain has no zone data beside it: ", err)
	}
	if !strings.Contains(string(script), "\nDATA="+EmbeddedRelease+"\n") {
		t.Skip("the toolchain has another release")
	}
	ours, err := os.ReadFile(filepath.Join(lib, "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	if string(ours) != embeddedZip {
		t.Errorf("zoneinfo.zip is not that of release %s in the toolchain", EmbeddedRelease)
	}
}

// TestOnlyNamesOfTheData: a name is known only if the data have it, character by
// character, no matter which files the system has.
func TestOnlyNamesOfTheData(t *testing.T) {
	for _, name := range strings.Fields(zoneNames) {
		if _, err := LoadLocation(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Setenv("ZONEINFO", "/usr/share/zoneinfo")
	for _, name := range []string{
		"Europe//Berlin", "Europe/Berlin/", "/Europe/Berlin", "Europe/./Berlin", "Europe/../Europe/Berlin",
		"europe/berlin", "EUROPE/BERLIN",
		"Europe/berlin", "posix/UTC", "posix/Europe/Berlin", "right/UTC", "posixrules", "localtime", "Local", "local",
		"Factory", "utc", "Utc",
		"Europe", "Europe/", "zone.tab", "tzdata.zi", "+VERSION", "leapseconds", "Europe\\Berlin", "Europe/Berlin\x00",
		" UTC", "UTC ", "..", ".",
	} {
		if _, err := LoadLocation(name); err == nil {
			t.Errorf("%q is taken for a zone", name)
		}
	}
}

// zoneZip writes a zip with the zones of the embedded data that are named, under the names that are given.
func zoneZip(t *testing.T, zones map[string]string, more map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	add := func(name, data string) {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write([]byte(data))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, from := range zones {
		add(name, embedded().zones[from])
	}
	for name, data := range more {
		add(name, data)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "zones.zip")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpenZones(t *testing.T) {
	d, err := OpenZones(zoneZip(t, map[string]string{"UTC": "UTC", "Mars/Olympus": "Europe/Berlin"},
		map[string]string{"+VERSION": "2099a\n"}))
	if err != nil || d.Release() != "2099a" || len(d.zones) != 2 {
		t.Fatalf("%v, error %v", d, err)
	}
	UseZones(d)
	defer UseZones(nil)
	if _, err := Parse("@daily", "Mars/Olympus", DST{}); err != nil {
		t.Errorf("a zone of the data that were named: %v", err)
	}
	if _, err := Parse("@daily", "Europe/Berlin", DST{}); err == nil {
		t.Error("a zone that they have not is taken")
	}
	UseZones(nil)
	if _, err := Parse("@daily", "Mars/Olympus", DST{}); err == nil {
		t.Error("a zone of other data is still taken")
	}

	folder := t.TempDir()
	for name, from := range map[string]string{"UTC": "UTC", "Europe/Berlin": "Europe/Berlin", "posix/UTC": "UTC",
		"localtime": "Europe/Berlin"} {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(embedded().zones[from]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d, err = OpenZones(folder)
	if err != nil || len(d.zones) != 2 || !strings.HasPrefix(d.Release(), "sha256:") {
		t.Fatalf("%v, error %v", d, err)
	}
}

func TestWrongZoneData(t *testing.T) {
	empty, text := t.TempDir(), filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no zip"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(empty, "none"): "no such file",
		empty:                        "it holds no compiled zone",
		text:                         "it is not a zip",
		zoneZip(t, map[string]string{"Europe/Berlin": "Europe/Berlin"}, nil):               "it has no zone UTC",
		zoneZip(t, map[string]string{"UTC": "UTC"}, map[string]string{"A/B": "TZif2 cut"}): "its zone A/B is damaged",
	} {
		_, err := OpenZones(path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want one line with %q", err, want)
		}
	}
}
