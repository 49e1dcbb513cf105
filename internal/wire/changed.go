package wire

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Changed returns the names of the fields in which two versions of a job differ, sorted: isActive,
// pausedReason, pausedUntil and those of the spec, with a dot before a member of headers, retry,
// misfire, dst and signing. A secret whose value alone differs is named only if the caller may know
// that: see secrets.
func Changed(before, after *domain.Version, secrets bool) ([]string, error) {
	was, err := contentOf(before, secrets)
	if err != nil {
		return nil, err
	}
	is, err := contentOf(after, secrets)
	if err != nil {
		return nil, err
	}
	changed := differing("", was, is)
	if !bytes.Equal(before.Spec.Body, after.Spec.Body) || before.BodyCut != after.BodyCut {
		changed = append(changed, "body")
	}
	slices.Sort(changed)
	return changed, nil
}

// contentOf returns the members of a document, but for the body, which may be long.
func contentOf(v *domain.Version, secrets bool) (map[string]json.RawMessage, error) {
	doc := domain.SpecDoc{Spec: v.Spec, IsActive: v.Active, Pause: v.Pause}
	if !secrets {
		doc.Spec = doc.Masked()
	}
	doc.Body = nil
	text, err := encode(&doc, secrets)
	if err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	err = json.Unmarshal(text, &members)
	return members, err
}

// differing returns the names of members that differ, each with a prefix.
func differing(prefix string, was, is map[string]json.RawMessage) (names []string) {
	all := map[string]json.RawMessage{}
	maps.Copy(all, was)
	maps.Copy(all, is)
	for name := range all {
		a, b := was[name], is[name]
		if bytes.Equal(a, b) {
			continue
		}
		inA, objectA := objectOf(a)
		inB, objectB := objectOf(b)
		if prefix == "" && objectA && objectB {
			names = append(names, differing(name+".", inA, inB)...)
		} else {
			names = append(names, prefix+name)
		}
	}
	return names
}

// objectOf returns the members of a value that is an object, or absent as the object that has none.
func objectOf(raw json.RawMessage) (members map[string]json.RawMessage, is bool) {
	if raw == nil {
		return nil, true
	}
	is = raw[0] == '{' && json.Unmarshal(raw, &members) == nil
	return members, is
}
