package api

import (
	"context"
	"hash/crc32"
	"net/http"
	"reflect"
	"slices"
	"strconv"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

// savedOutput answers a request that has made or changed a job: with the document of GET,
// or without it.
type savedOutput struct {
	Location          string `header:"Location" doc:"The path of a new job."`
	ETag              string `header:"ETag" doc:"As that of GET /jobs/{id}: for If-Match and If-None-Match."`
	PreferenceApplied string `header:"Preference-Applied" doc:"What of Prefer was followed."`
	Status            int
	Body              any // a savedBody, or a savedShort
}

// savedBody is the document of a job, and what was done.
type savedBody struct {
	wire.Job

	Message  string   `json:"message" doc:"What was done, for people." example:"Job updated"`
	Warnings []string `json:"warnings,omitempty" doc:"What is allowed but may not be meant: in the schedule, as a preview says it, a target that this server's egress rules refuse, and a pausedUntil that is past. Absent: nothing."`
}

// savedShort is the answer with Prefer: return=minimal. Its members are some of savedBody's.
type savedShort struct {
	JobID         string   `json:"jobId"`
	Message       string   `json:"message"`
	Version       int      `json:"version"`
	EffectiveFrom int64    `json:"effectiveFrom"`
	Warnings      []string `json:"warnings,omitempty"`
}

// answersJob documents the answer of a route that makes or changes a job.
func answersJob(rt *router, status int) map[string]*huma.Response {
	schema := rt.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[savedBody](), true, "")
	return map[string]*huma.Response{strconv.Itoa(status): {
		Description: "The job as GET /jobs/{id} answers it, and what was done. With Prefer: return=minimal " +
			"no more than " +
			"jobId, message, version, effectiveFrom and warnings.",
		Content: map[string]*huma.MediaType{"application/json": {Schema: schema}},
	}}
}

// saved answers with a version that was just made, or is current, and maybe with warnings about the request.
func (h *jobRoutes) saved(r *http.Request, v *domain.Version, message string, more ...string) *savedOutput {
	now := h.view.Of(v)
	return h.answer(r, http.StatusOK, wire.JobOf(&now.Job, now.NextFireAt),
		slices.Concat(h.rules.warnings(&v.Spec), more), message)
}

// savedFirst answers with version 1 of a job as it was made, whatever has become of the job
// since: a request that comes again gets the answer of then.
func (h *jobRoutes) savedFirst(r *http.Request, status int, v domain.Version, message string,
	more ...string) *savedOutput {
	v.EffectiveTo = domain.Forever
	job := domain.JobOf(v)
	var next *int64
	if timing, err := v.Timing(); err == nil {
		if at, fires := timing.Next(v.EffectiveFrom - 1); fires {
			next = &at
		}
	}
	return h.answer(r, status, wire.JobOf(&job, next), slices.Concat(h.rules.warnings(&v.Spec), more), message)
}

func (h *jobRoutes) answer(r *http.Request, status int, doc wire.Job, warnings []string,
	message string) *savedOutput {
	out := &savedOutput{ETag: tagOf(r.Context(), &doc), Status: status, PreferenceApplied: preferredReturn(r)}
	if out.PreferenceApplied == returnMinimal {
		out.Body = savedShort{doc.JobID, message, doc.Version, doc.EffectiveFrom, warnings}
	} else {
		out.Body = savedBody{doc, message, warnings}
	}
	return out
}

// tagOf returns the tag of a job's document: the number of the version, and after a hyphen
// what else in the document changes by itself, so that an answer of 304 is true of all of it.
// Conditions of a change ask for the version alone.
func tagOf(ctx context.Context, doc *wire.Job) string {
	rest := ""
	if doc.NextFireAt != nil {
		rest = "-" + strconv.FormatInt(*doc.NextFireAt, 36)
	}
	if doc.Error != "" {
		rest += "-" + strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(doc.Error))), 36)
	}
	return `"` + strconv.Itoa(doc.Version) + rest + tagSuffix(ctx) + `"`
}

// notModified reports whether a caller has the document of a job already
// (RFC 9110, section 13.1.2). The number of a version alone asks for another version.
func notModified(r *http.Request, doc *wire.Job) (bool, error) {
	none, err := parseTags("If-None-Match", r.Header.Values("If-None-Match"))
	if err != nil || !none.there {
		return false, err
	}
	return none.shows(doc.Version, tagOf(r.Context(), doc)), nil
}

// checkRead evaluates If-Match of a request that only reads.
func checkRead(r *http.Request, version int) error {
	match, err := parseTags("If-Match", r.Header.Values("If-Match"))
	if err != nil || !match.there || match.names(version, false) {
		return err
	}
	return staleMatch(r)
}
