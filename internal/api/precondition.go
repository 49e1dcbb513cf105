package api

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/view"
	"github.com/danielgtaylor/huma/v2"
)

// The tag of a job begins with the number of its current version, and a request that
// changes the job may ask for that (RFC 9110, section 13): If-Match goes on if one
// of its tags is the current one, compared strongly, If-None-Match if none is,
// compared weakly. A header that is there but cannot be read is refused: whoever
// sends it does not want an unconditional change.

// Precondition documents the headers. They are read from the request, where
// there may be several lines of each.
type Precondition struct {
	IfMatch     matchParam     `header:"If-Match"`
	IfNoneMatch noneMatchParam `header:"If-None-Match"`
}

// ReadCondition documents the headers of a request that reads.
type ReadCondition struct {
	IfMatch     matchParam       `header:"If-Match"`
	IfNoneMatch notModifiedParam `header:"If-None-Match"`
}

type (
	matchParam       string
	noneMatchParam   string
	notModifiedParam string
)

// Schema implements huma.SchemaProvider.
func (notModifiedParam) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: "string", Examples: []any{`"3-jz2x1c"`},
		Description: "The ETag of an earlier answer, or several: 304 if nothing has changed since. The number of a " +
			"version alone asks for another version.",
	}
}

// Schema implements huma.SchemaProvider.
func (matchParam) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: "string", Examples: []any{`"3"`},
		Description: "Go on only if the job's current version is among these: the ETag of GET /jobs/{id}, in quotes " +
			"or not, several with commas between them, or *. Otherwise 412.",
	}
}

// Schema implements huma.SchemaProvider.
func (noneMatchParam) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: "string", Examples: []any{`"3"`},
		Description: "Go on only if the job's current version is not among these. * is a 412: the job exists.",
	}
}

// entityTag is one tag of a list.
type entityTag struct {
	weak bool
	text string
}

// tags is what a header says. One that is absent asks for nothing.
type tags struct {
	there bool
	any   bool // *
	list  []entityTag
}

// parseTags reads the lines of a header (RFC 9110, section 13.1.1): * alone, or
// tags with commas between them. A number without quotes is taken for a tag.
func parseTags(name string, lines []string) (tags, error) {
	if len(lines) == 0 {
		return tags{}, nil
	}
	rest := strings.Join(lines, ",")
	malformed := kindMalformed.fieldAs(domain.FieldFormat, name,
		`must be tags in quotes, as in "3" or "3", "4", or *`, rest)
	if strings.TrimSpace(rest) == "*" {
		return tags{there: true, any: true}, nil
	}
	out := tags{there: true}
	for {
		rest = strings.TrimLeft(rest, " \t,") // elements may be empty: section 5.6.1
		if rest == "" {
			break
		}
		tag, after, ok := cutTag(rest)
		after = strings.TrimLeft(after, " \t")
		if !ok || after != "" && after[0] != ',' {
			return tags{}, malformed
		}
		out.list = append(out.list, tag)
		rest = after
	}
	if len(out.list) == 0 {
		return tags{}, malformed
	}
	return out, nil
}

// cutTag takes the first tag off a list.
func cutTag(list string) (tag entityTag, after string, ok bool) {
	list, tag.weak = strings.CutPrefix(list, "W/")
	if quoted, is := strings.CutPrefix(list, `"`); is {
		tag.text, after, ok = strings.Cut(quoted, `"`)
		return tag, after, ok && !strings.ContainsFunc(tag.text, func(r rune) bool { return r <= ' ' || r == 0x7f })
	}
	end := strings.IndexFunc(list, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(list)
	}
	tag.text = list[:end]
	return tag, list[end:], !tag.weak && end > 0 && tag.text[0] != '0'
}

// names reports whether the current version is among the tags.
func (t *tags) names(version int, weak bool) bool {
	current := strconv.Itoa(version)
	return t.any || slices.ContainsFunc(t.list, func(tag entityTag) bool {
		return tag.version() == current && (weak || !tag.weak)
	})
}

// version returns the part of a tag that is the number of a version: see tagOf.
func (tag *entityTag) version() string {
	number, _, _ := strings.Cut(tag.text, "-")
	return number
}

// shows reports whether one of the tags is that of a document, or the number of its version
// alone; compared weakly.
func (t *tags) shows(version int, tag string) bool {
	return t.any || slices.ContainsFunc(t.list, func(one entityTag) bool {
		return one.text == strconv.Itoa(version) || `"`+one.text+`"` == tag
	})
}

// single returns the only version that a header can be about; zero: it has to be
// compared with the current one.
func (t *tags) single() int {
	if len(t.list) != 1 || t.list[0].weak {
		return 0
	}
	n, err := strconv.Atoi(t.list[0].version())
	if err != nil || n < 1 || strconv.Itoa(n) != t.list[0].version() {
		return 0
	}
	return n
}

// wanted is the condition of a request that changes something.
type wanted struct {
	r           *http.Request
	match, none tags
}

// conditionOf reads the condition of a request.
func conditionOf(r *http.Request) (w wanted, err error) {
	w.r = r
	if w.match, err = parseTags("If-Match", r.Header.Values("If-Match")); err == nil {
		w.none, err = parseTags("If-None-Match", r.Header.Values("If-None-Match"))
	}
	return w, err
}

// any reports whether there is a condition at all.
func (w *wanted) any() bool { return w.match.there || w.none.there }

// check evaluates the condition for a job at a version.
func (w *wanted) check(current int) error {
	switch {
	case w.match.there && !w.match.names(current, false):
		return staleMatch(w.r)
	case w.none.there && w.none.names(current, true):
		return kindStale.fieldAs(domain.FieldStale, "If-None-Match", "must not name the job's current version",
			strings.Join(w.r.Header.Values("If-None-Match"), ","))
	}
	return nil
}

// checkAbsent evaluates the condition where there is no job.
func (w *wanted) checkAbsent() error {
	if !w.match.there {
		return nil
	}
	return kindStale.fieldAs(domain.FieldStale, "If-Match", "must be absent: there is no job that could match",
		strings.Join(w.r.Header.Values("If-Match"), ","))
}

// condition returns the version that the job must be at for a request to go on;
// zero: at any. The editor compares it again when it has the job to itself.
func condition(ctx context.Context, v *view.View, r *http.Request, id domain.JobID) (version int, err error) {
	w, err := conditionOf(r)
	switch {
	case err != nil:
		return 0, err
	case !w.none.there && (!w.match.there || w.match.any):
		return 0, nil
	case !w.none.there && w.match.single() != 0:
		return w.match.single(), nil
	}
	j, err := v.Job(ctx, id)
	if err != nil {
		return 0, err
	}
	if err = w.check(j.Current.Number); err != nil && madeBefore(ctx, id) {
		return 0, nil
	}
	return j.Current.Number, err
}

// madeBefore reports whether another node has made the change that a request asks for. The condition held
// then, and the editor answers again.
func madeBefore(ctx context.Context, id domain.JobID) bool {
	is, decided := identityOf(ctx)
	if !decided {
		return false
	}
	ctx = store.WithChange(ctx, domain.Change{At: is.At, Nonce: is.Nonce})
	_, made, _ := edit.MadeBefore(ctx, id) // an error comes again from the editor
	return made
}

// staleMatch refuses a request whose If-Match does not name the current version.
func staleMatch(r *http.Request) error {
	return kindStale.fieldAs(domain.FieldStale, "If-Match", "must name the job's current version",
		strings.Join(r.Header.Values("If-Match"), ","))
}
