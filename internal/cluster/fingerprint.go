package cluster

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
)

// Fingerprint says of the settings that must be the same at all nodes whether they are, and nothing
// else of them. It has a hash of each part under each key: by the name of the part, then by the mark of
// the key. While keys are replaced, nodes have at least one key in common.
type Fingerprint map[string]map[string]string

// NewFingerprint returns the fingerprint of parts, each of which is a list of texts. The keys must be
// secret: some settings could be guessed from a plain hash.
func NewFingerprint(keys [][]byte, parts map[string][]string) Fingerprint {
	f := make(Fingerprint, len(parts))
	for name, texts := range parts {
		f[name] = make(map[string]string, len(keys))
		for _, key := range keys {
			f[name][hashOf(key, 4, "mark")] = hashOf(key, 8, append([]string{"part", name}, texts...)...)
		}
	}
	return f
}

// hashOf returns the first bytes of an HMAC-SHA256 in hex. The length is before each text, so that no
// two lists are the same.
func hashOf(key []byte, size int, texts ...string) string {
	h := hmac.New(sha256.New, key)
	for _, text := range texts {
		_, _ = fmt.Fprintf(h, "%d\n%s", len(text), text) // never fails
	}
	return hex.EncodeToString(h.Sum(nil)[:size])
}

// String returns the text that [ParseFingerprint] reads.
func (f Fingerprint) String() string {
	text, err := json.Marshal(f)
	if err != nil {
		panic(err) // only for types that have no JSON
	}
	return string(text)
}

// ParseFingerprint reads the text of a node. One that says nothing, or that a later build has written in
// another form, is empty: it is compared with nothing.
func ParseFingerprint(text string) Fingerprint {
	var f Fingerprint
	if json.Unmarshal([]byte(text), &f) != nil {
		return nil
	}
	return f
}

// Unlike returns the names of the parts that differ, in order. What only one of the two says, or under
// other keys, is not compared.
func (f Fingerprint) Unlike(other Fingerprint) (names []string) {
	for name, hashes := range f {
		for mark, hash := range hashes {
			if theirs, said := other[name][mark]; said && theirs != hash {
				names = append(names, name)
				break
			}
		}
	}
	slices.Sort(names)
	return names
}
