package seal

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func box(t testing.TB, keys ...Key) *Box {
	t.Helper()
	b, err := NewBox(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sealed(t testing.TB, b *Box, place []byte, value string) string {
	t.Helper()
	text, err := b.Seal(place, value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestSealedValuesOpen(t *testing.T) {
	b := box(t, NewKey())
	for _, value := range []string{"", "x", "Bearer 1234", "\x00\xff", strings.Repeat("s", MaxValueBytes)} {
		text := sealed(t, b, Place("a"), value)
		if len(value) > 3 && strings.Contains(text, value) {
			t.Error("the value can be read")
		}
		if got, err := b.Open(Place("a"), text); err != nil || got != value {
			t.Errorf("a value of %d bytes opens as %d bytes, error %v", len(value), len(got), err)
		}
		if text == sealed(t, b, Place("a"), value) {
			t.Error("two calls gave one text: the nonce is not random")
		}
	}
	if _, err := b.Seal(nil, strings.Repeat("s", MaxValueBytes+1)); err == nil {
		t.Error("a value beyond the limit was sealed")
	}
}

func TestOpensOnlyAtItsPlace(t *testing.T) {
	b := box(t, NewKey())
	text := sealed(t, b, Place("job", "1", "headers.A"), "value")
	for _, place := range [][]byte{
		nil, Place("job", "2", "headers.A"), Place("job", "1", "headers.B"), Place("job", "1h", "eaders.A"),
		Place("job1headers.A"),
	} {
		if got, err := b.Open(place, text); !errors.Is(err, ErrDamaged) || got != "" {
			t.Errorf("at place %q: %q, error %v, want ErrDamaged", place, got, err)
		}
	}
}

func TestPlacesDiffer(t *testing.T) {
	seen := map[string][]string{}
	for _, parts := range [][]string{nil, {""}, {"", ""}, {"a"}, {"a", ""}, {"", "a"}, {"a", "b"}, {"ab"}, {"\x01a"}} {
		if other, is := seen[string(Place(parts...))]; is {
			t.Errorf("%q and %q are one place", other, parts)
		}
		seen[string(Place(parts...))] = parts
	}
}

// Every bit of a text counts: whichever is flipped, the value does not open.
func TestEveryBitCounts(t *testing.T) {
	b := box(t, NewKey())
	text := sealed(t, b, Place("a"), "value")
	for i := range len(text) {
		for bit := range 8 {
			flipped := []byte(text)
			flipped[i] ^= 1 << bit
			if got, err := b.Open(Place("a"), string(flipped)); err == nil {
				t.Errorf("bit %d of byte %d: opened as %q", bit, i, got)
			}
		}
	}
	for n := range len(text) {
		if _, err := b.Open(Place("a"), text[:n]); err == nil {
			t.Errorf("the first %d bytes opened", n)
		}
	}
	if _, err := b.Open(Place("a"), text+"\n"); !errors.Is(err, ErrForm) {
		t.Errorf("with a line break at the end: %v", err)
	}
}

func TestSeveralKeysOpenOneSeals(t *testing.T) {
	oldKey, newKey := NewKey(), NewKey()
	before, both, after := box(t, oldKey), box(t, newKey, oldKey), box(t, newKey)
	text := sealed(t, before, nil, "value")
	if got, err := both.Open(nil, text); err != nil || got != "value" {
		t.Errorf("%q, error %v", got, err)
	}
	if both.IsCurrent(text) || !both.IsCurrent(sealed(t, both, nil, "value")) || both.KeyID() != newKey.ID() {
		t.Error("the first key does not seal")
	}
	_, err := after.Open(nil, text)
	if !errors.Is(err, ErrUnknownKey) || !strings.Contains(err.Error(), oldKey.ID()) ||
		!strings.Contains(err.Error(), newKey.ID()) {
		t.Errorf("error %v, want one that names both keys", err)
	}
	if _, err := NewBox(oldKey, newKey, oldKey); err == nil {
		t.Error("the same key twice was taken")
	}
	if _, err := NewBox(); err == nil {
		t.Error("a box without a key was made")
	}
	if got := both.Keys(); len(got) != 2 || got[0] != newKey {
		t.Error("Keys does not return the sealing key first")
	}
}

func TestParseKeySaysWhatIsRight(t *testing.T) {
	k := NewKey()
	if got, err := ParseKey(" " + k.Reveal() + "\n"); err != nil || got != k {
		t.Errorf("a key does not come back: %v", err)
	}
	for _, text := range []string{"", "short", "c2hvcnQ=", k.Reveal()[1:], k.Reveal() + "AAAA",
		strings.Repeat("A", 43) + "="} {
		_, err := ParseKey(text)
		if err == nil || !strings.Contains(err.Error(), "openssl rand -base64 32") {
			t.Errorf("%q: error %v", text, err)
		} else if text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("error %q shows the key", err)
		}
	}
}

// No usual way to print a key shows it.
func TestKeysPrintAsTheirID(t *testing.T) {
	k := NewKey()
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", k)
	doc, err := json.Marshal(struct{ K Key }{k})
	if err != nil {
		t.Fatal(err)
	}
	all := log.String() + string(doc) + fmt.Sprintf("%v %+v %#v %s %q %x %d", k, k, k, k, k, k, k)
	if strings.Contains(all, k.Reveal()) || strings.Contains(all, fmt.Sprintf("%x", k.secret[:4])) ||
		!strings.Contains(all, k.ID()) {
		t.Errorf("printed as %s", all)
	}
}

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "encryption.key")
	if _, err := ReadFile(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	first, second := NewKey(), NewKey()
	for _, keys := range [][]Key{{first}, {second, first}} {
		if err := os.WriteFile(path+".new", []byte("left by a crash"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := WriteFile(path, keys...); err != nil {
			t.Fatal(err)
		}
		got, err := ReadFile(path)
		if err != nil || len(got) != len(keys) || got[0] != keys[0] || got[len(got)-1] != first {
			t.Errorf("read %v, error %v", got, err)
		}
		info, err := os.Stat(path)
		if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, error %v", info.Mode(), err)
		}
	}
	marked := filepath.Join(t.TempDir(), "encryption.key") // as an editor of Windows leaves it
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(marked, append([]byte("\xef\xbb\xbf"),
		bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))...), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadFile(marked); err != nil || len(got) != 2 || got[0] != second {
		t.Errorf("with a byte order mark: %v, error %v", got, err)
	}
	if names, _ := filepath.Glob(filepath.Dir(path) + "/*"); len(names) != 1 {
		t.Errorf("the folder holds %v", names)
	}
}

func TestKeyFilesThatAreRefused(t *testing.T) {
	good := NewKey().Reveal()
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"empty":    {"", 0o600, "holds no key"},
		"comments": {"# nothing\n\n", 0o600, "holds no key"},
		"line":     {"# keys\n" + good + "\nbroken\n", 0o600, "line 3"},
		"large":    {strings.Repeat("#", maxKeyFileBytes+1), 0o600, "no key file"},
		"readable": {good, 0o640, "chmod 600"},
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" && c.mode != 0o600 {
				t.Skip("modes mean nothing here")
			}
			path := filepath.Join(t.TempDir(), "k")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
			_, err := ReadFile(path)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want one that says %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), good) {
				t.Errorf("error %q shows a key", err)
			}
		})
	}
}

// A text from outside never panics, and only what Seal made opens.
func FuzzOpen(f *testing.F) {
	var k Key
	k.secret[0] = 1
	b := box(f, k)
	f.Add("sealed:v1:" + k.ID() + ":AAAA")
	f.Add("sealed:v1:00000000:")
	f.Add("sealed:v1:" + k.ID() + ":" + strings.Repeat("A", 54))
	f.Add("sealed:v2:x:y")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := b.Open(Place("a"), text); err == nil {
			t.Errorf("%q opened as %q", text, got)
		} else if !errors.Is(err, ErrForm) && !errors.Is(err, ErrUnknownKey) && !errors.Is(err, ErrDamaged) {
			t.Errorf("%q: error %v wraps none of the three", text, err)
		}
		if _, err := parseFile(text); err == nil && !strings.Contains(text, "=") {
			t.Errorf("%q was read as a key file", text)
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	bx := box(b, NewKey())
	text, err := bx.Seal(Place("job"), "Bearer 0123456789abcdef0123456789abcdef")
	if err != nil {
		b.Fatal(err)
	}
	place := Place("job")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := bx.Open(place, text); err != nil {
			b.Fatal(err)
		}
	}
}

// TestDerive: a derived key is the same for the same key and purpose, and says nothing of others.
// The vector was computed with openssl kdf.
func TestDerive(t *testing.T) {
	t.Parallel()
	key, err := ParseKey("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{key.Reveal(): true}
	for _, k := range []Key{key, NewKey(), NewKey()} {
		for _, purpose := range []string{"", "a", "b"} {
			got := k.Derive(purpose)
			if len(got) != 32 || !bytes.Equal(got, k.Derive(purpose)) || seen[string(got)] {
				t.Errorf("%s for %q: %x", k, purpose, got)
			}
			seen[string(got)] = true
		}
	}
	const vector = "a5e14c6aee4abcd00cd69639a9c8b2022bd8f2aa44edda8ea14f67d42f32815d"
	if got := hex.EncodeToString(key.Derive("a")); got != vector {
		t.Errorf("derived %s", got)
	}
}

// TestBoxDerives: two processes that have the same keys in other orders have the same derived keys,
// each that of the key that seals first.
func TestBoxDerives(t *testing.T) {
	t.Parallel()
	before, next := NewKey(), NewKey()
	one, other := box(t, before, next).Derive("a"), box(t, next, before).Derive("a")
	if len(one) != 2 || len(other) != 2 || !bytes.Equal(one[0], before.Derive("a")) ||
		!bytes.Equal(other[0], next.Derive("a")) || !bytes.Equal(one[1], other[0]) || !bytes.Equal(one[0], other[1]) {
		t.Errorf("%x and %x", one, other)
	}
}
