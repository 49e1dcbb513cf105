package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/belfry-scheduler/belfry/internal/charset"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/spelling"
)

// Merge merges a JSON object into the document of a job. A field that is absent is
// unchanged, null sets the default, an object (retry, misfire, dst, signing) is merged
// field by field, and headers, secretHeaders, tags, body and the signing secrets are
// replaced as a whole; a [domain.Mask] in place of a secret leaves the stored one
// unchanged. A mask in place of anything else is refused, and a secret that is sent is noted
// (SpecDoc.SecretsSent), whatever its value. The error has CodeInvalid and names every field that is unknown or of a
// wrong
// kind, and in addition the fields whose values are wrong, so that one response names all;
// the document is then unchanged. If no field is unknown or of a wrong kind, values are not
// checked: see [domain.Spec.Validate].
func Merge(doc *domain.SpecDoc, data []byte) error { return merge(doc, data, overOld) }

// Patch is [Merge] by the rules of a merge patch (RFC 7396): headers and body are merged
// member by member, too, and null removes a member of them. Names of headers are compared
// as HTTP does, in any letter case.
func Patch(doc *domain.SpecDoc, data []byte) error { return merge(doc, data, asPatch) }

// Replace is [Merge] of an object that is the whole job: a field that is absent gets its
// default. What stays is the namespace, and whether the job is active, if the object does
// not say it; a mask still leaves the stored secret unchanged, and a body that is the same
// JSON value stays as it is written.
func Replace(doc *domain.SpecDoc, data []byte) error { return merge(doc, data, overDefaults) }

// manner is how an object is laid over a document.
type manner int

const (
	overOld      manner = iota // what is absent stays
	asPatch                    // headers and body are merged, too
	overDefaults               // what is absent gets its default
)

func merge(doc *domain.SpecDoc, data []byte, how manner) error {
	err := lay(doc, data, how)
	first, ok := errors.AsType[*domain.Error](err)
	if !ok {
		return err
	}
	rest := *doc
	var object map[string]json.RawMessage
	if json.Unmarshal(data, &object) != nil {
		return err
	}
	told := make(map[string]bool, len(first.Fields))
	for _, f := range first.Fields {
		top, _, _ := strings.Cut(f.Field, ".")
		told[top] = true
		delete(object, top)
	}
	readable, merr := json.Marshal(object)
	if merr != nil || lay(&rest, readable, how) != nil {
		return err
	}
	all := &domain.Error{Code: first.Code, Message: first.Message, Fields: first.Fields, Err: first.Err}
	if more, ok := errors.AsType[*domain.Error](rest.Spec.Validate()); ok {
		for _, f := range more.Fields {
			if top, _, _ := strings.Cut(f.Field, "."); !told[top] {
				all.Fields = append(all.Fields, f)
			}
		}
	}
	return all
}

// lay is [Merge], [Patch] or [Replace] without the check of values.
func lay(doc *domain.SpecDoc, data []byte, how manner) error {
	m := mergers.Get().(*merger)
	defer m.release()
	m.next, m.patch = *doc, how == asPatch
	if how == overDefaults {
		m.next = domain.NewSpecDoc()
		m.next.Namespace, m.next.IsActive, m.next.Pause, m.next.Body = doc.Namespace, doc.IsActive, doc.Pause, doc.Body
	}
	m.object("", data, specFields)
	if _, sent := m.members["body"]; !sent && how == overDefaults {
		m.next.Body = nil
	}
	m.keepSecrets(doc)
	m.checkNames(doc)
	if err := m.faults.err(); err != nil {
		return err
	}
	*doc = m.next
	return nil
}

// merger merges JSON into a document and collects its errors.
type merger struct {
	next        domain.SpecDoc
	faults      faults
	headersSent bool // the document has headers
	patch       bool // headers and body are merged, too
	signingSent bool // and signing secrets

	// Of the outermost object, to be used again.
	members map[string]json.RawMessage
	names   []string
}

// mergers pools the memory of earlier merges: an import makes 100,000 of them in a second.
var mergers = sync.Pool{New: func() any { return new(merger) }}

// Longer lists and names are not reused for the next merge.
const maxKeptMembers = 64

func (m *merger) release() {
	kept := merger{}
	if len(m.members) <= maxKeptMembers {
		clear(m.members)
		clear(m.names)
		kept.members, kept.names = m.members, m.names[:0]
	}
	*m = kept
	mergers.Put(m)
}

// absent is the document in which every field is absent.
var absent = domain.NewSpecDoc()

// object merges a JSON object whose members are the given fields. The path leads to the
// object: "" for the document, "retry." for an object in it.
func (m *merger) object(path string, data []byte, fields map[string]specField) {
	var members map[string]json.RawMessage
	var names []string
	if path == "" {
		members, names = m.members, m.names
	}
	if kind := jsonKind(data); path != "" && kind != "object" {
		m.faults.addAs(domain.FieldType, strings.TrimSuffix(path, "."), "must be an object with "+
			strings.Join(sortedKeys(fields), ", ")+", not "+withArticle(kind))
		return
	}
	if err := json.Unmarshal(data, &members); err != nil {
		m.fault(strings.TrimSuffix(path, "."), err)
		return
	}
	if members == nil {
		m.faults.addAs(domain.FieldType, strings.TrimSuffix(path, "."), "must be a JSON object")
		return
	}
	names = appendSortedKeys(names, members)
	if path == "" {
		m.members, m.names = members, names
	}
	for _, name := range names {
		field, known := fields[name]
		raw := members[name]
		m.headersSent = m.headersSent || path == "" && name == "headers"
		m.signingSent = m.signingSent || path == "signing." && name == "secrets"
		switch {
		case !known:
			m.faults.addAs(domain.FieldUnknown, path+name, "is not a field of a job"+suggest(name, sortedKeys(fields)))
		case isNull(raw):
			field.reset(&m.next, &absent)
		case field.members != nil:
			m.object(path+name+".", raw, field.members)
		case m.patch && field.patch != nil:
			if err := field.patch(raw, &m.next); err != nil {
				m.fault(path+name, err)
			}
		default:
			if err := field.decode(raw, &m.next); err != nil {
				m.fault(path+name, err)
			}
		}
	}
}

func (m *merger) fault(field string, err error) {
	m.faults = append(m.faults, jsonFault(field, err).Fields...)
}

// noSecret is the message for a mask that stands for no stored secret.
const noSecret = "must be the value itself: " + domain.Mask + " keeps a value that is stored, and none is. " +
	"Exported jobs have the values only with --with-secrets"

// keepSecrets replaces each mask in the document by the stored value. A mask that stands
// for no stored value is a fault.
func (m *merger) keepSecrets(old *domain.SpecDoc) {
	m.keepHeaders(old)
	m.keepSigning(old)
}

// keepHeaders replaces masks in headers. A change that would make a stored secret visible
// without providing its value again is a fault too: a secret value stays secret.
func (m *merger) keepHeaders(old *domain.SpecDoc) {
	copied := false
	for _, name := range sortedKeys(m.next.Headers) {
		value, secret := m.next.Headers[name], m.next.IsSecret(name)
		stored, was := secretValue(&old.Spec, name)
		masked := value == domain.Mask && (secret || was || old.Headers[name] != value)
		if secret && m.headersSent && value != domain.Mask {
			m.next.SecretsSent = true
		}
		switch {
		case masked && !was:
			m.faults.addAs(domain.FieldMasked, "headers."+name, noSecret)
		case was && !secret && (masked || !m.headersSent):
			m.faults.addAs(domain.FieldMasked, "secretHeaders", "must go on to name "+name+
				", or its value must be sent anew")
		case masked:
			if !copied { // the map may be the one of the version that is current
				m.next.Headers, copied = maps.Clone(m.next.Headers), true
			}
			m.next.Headers[name] = stored
		}
	}
}

// secretValue returns the secret of a header, whose name may be written in
// another case.
func secretValue(s *domain.Spec, name string) (string, bool) {
	for known, value := range s.Headers {
		if strings.EqualFold(known, name) && s.IsSecret(known) {
			return value, true
		}
	}
	return "", false
}

// keepSigning replaces masks by the stored secrets, in their order. So [new, mask] adds a
// secret before the one in use, and [mask] then removes the old one. Only a list that was
// sent has masks, and that list is not shared with a stored version.
func (m *merger) keepSigning(old *domain.SpecDoc) {
	secrets, kept := m.next.Signing.Secrets, old.Signing.Secrets
	for i := range secrets {
		switch {
		case secrets[i] != domain.Mask:
			m.next.SecretsSent = m.next.SecretsSent || m.signingSent
		case len(kept) == 0:
			m.faults.addAs(domain.FieldMasked, fmt.Sprintf("signing.secrets[%d]", i), noSecret)
		default:
			secrets[i], kept = kept[0], kept[1:]
		}
	}
	if len(secrets) == 0 {
		m.next.Signing.Secrets = nil
	}
}

// checkNames refuses names and tags that show something else than they hold. What was
// stored before that was refused stays: a job with it can be changed, and sent back whole.
func (m *merger) checkNames(old *domain.SpecDoc) {
	if fault := NameFault(m.next.Name); fault != "" && m.next.Name != old.Name {
		m.faults.addAs(domain.FieldFormat, "name", fault)
	}
	for i, tag := range m.next.Tags {
		if fault := NameFault(tag); fault != "" && !slices.Contains(old.Tags, tag) {
			m.faults.addAs(domain.FieldFormat, fmt.Sprintf("tags[%d]", i), fault)
		}
	}
}

// NameFault returns why a text cannot be a name, for the character that it must not have;
// empty: it can.
func NameFault(name string) string {
	r, found := charset.Invisible(name)
	if !found {
		return ""
	}
	return fmt.Sprintf("must be printable text: it has %U, which is a control, has no width, or changes the order of "+
		"the others", r)
}

// suggest asks whether a known name was meant that is near to a wrong one.
func suggest(wrong string, known []string) string {
	near := spelling.Nearest(wrong, known, nil)
	if near == nil {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", near[0])
}
