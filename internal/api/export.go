package api

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/front"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// An export holds so many jobs at a time, or so many bytes of them and the last job.
const (
	exportPage  = 1_000
	exportBytes = 1 << 20
)

// exportRoute writes jobs as they can be imported.
type exportRoute struct {
	jobs    store.Jobs
	changes store.Changes
	trail   *trail
	pace    *clock.Pace
	log     *slog.Logger
	places  *lender
	repeats *Repeats
}

func (h *exportRoute) register(rt *router) {
	responses := func() map[string]*huma.Response {
		return map[string]*huma.Response{"200": {
			Description: "The jobs.",
			Content: map[string]*huma.MediaType{"application/x-ndjson": {
				Schema: reference.Lines("JobSpec"),
			}},
		}}
	}
	register(rt, huma.Operation{
		OperationID: "export-jobs", Method: http.MethodGet, Path: "/jobs/export", Tags: []string{"Jobs"},
		Summary: "Export jobs",
		Description: "NDJSON: one job a line, each a document that POST /jobs and POST /jobs/import take, with every " +
			"default filled in; ids are not part of it. " +
			"Secrets, of headers and of signing, are ********, which an import refuses: a GET shows none. " +
			"In the order of their ids. A job that is changed while the export runs appears as it was or as it is. " +
			"When the store fails on the way, or the client takes less than 64 KiB in 20 s, the connection is closed " +
			"before the end: a complete answer is a " +
			"complete export.",
		Responses: responses(),
	}, h.exportJobs, kindBusy, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "export-jobs-with-secrets", Method: http.MethodPost, Path: "/jobs/export", Tags: []string{"Jobs"},
		Summary: "Export jobs with their secrets",
		Description: "The same as GET. With withSecrets it shows secrets, of headers and of signing: that is " +
			"for admins, " +
			"and writes an entry of the audit trail. It is a POST so that neither a link nor a page of another " +
			"origin starts it.",
		Responses: responses(),
	}, h.exportJobs, kindBusy, kindUnavailable)
}

type exportInput struct {
	JobFilter
	WithSecrets boolParam `query:"withSecrets" doc:"Whether secrets, of headers and of signing, are shown, which takes POST. false: each is shown as ********."`

	method string
	filter string // what is selected
}

// Resolve implements huma.Resolver.
func (in *exportInput) Resolve(ctx huma.Context) []error {
	in.method = ctx.Method()
	asked := ctx.URL()
	in.filter = filterOf(asked.Query())
	return nil
}

func (h *exportRoute) exportJobs(ctx context.Context, in *exportInput) (*streamOutput, error) {
	q, err := in.query(ctx)
	if err != nil {
		return nil, err
	}
	show, err := in.WithSecrets.parse("withSecrets")
	if err != nil {
		return nil, err
	}
	x := export{exportRoute: h, document: wire.Document, filter: "jobs " + confine(ctx, in.filter)}
	if show != nil && *show {
		if in.method != http.MethodPost {
			return nil, kindMalformed.fieldAs(domain.FieldUnsupported, "withSecrets",
				"takes POST: a GET shows no secrets", "true")
		}
		if err := x.mayReveal(ctx); err != nil {
			return nil, err
		}
	}
	if err := take(ctx, h.places, 1); err != nil {
		return nil, err
	}
	q.Limit, q.MaxBytes = exportPage, exportBytes
	first, err := h.jobs.List(ctx, q) // before the status is sent: it may be a 503
	if err != nil {
		return nil, store.Coded(err)
	}
	return &streamOutput{func(hc huma.Context) {
		_, w := humago.Unwrap(hc)
		w.Header().Set("Content-Type", "application/x-ndjson")
		w.Header().Set("Content-Disposition", `attachment; filename="belfry-jobs.ndjson"`)
		if err := x.write(ctx, w, q, first); err != nil {
			if front.WriteError(w) == nil { // otherwise the client went away
				_ = tell(ctx, h.log, err)
			}
			panic(http.ErrAbortHandler) // the status is out: only the connection can tell
		}
	}}, nil
}

// maxFilter is how many bytes of a filter are in the trail.
const maxFilter = 512

// filterOf writes the parameters that select something, sorted.
func filterOf(query url.Values) string {
	query.Del("withSecrets")
	text := query.Encode()
	return text[:min(len(text), maxFilter)]
}

// confine adds the namespace that the caller's key is confined to.
func confine(ctx context.Context, filter string) string {
	if only := visitorOf(ctx).namespace; only != "" && !strings.Contains(filter, "namespace=") {
		return strings.TrimPrefix(filter+"&namespace="+only, "&")
	}
	return cmp.Or(filter, "all")
}

// export is one export under way.
type export struct {
	*exportRoute
	document func(*domain.Version) json.Marshaler
	filter   string
	reveal   *domain.Change // the entry of one with secrets
	written  int64          // jobs
}

// mayReveal refuses to show secrets to others than admins, and to show them
// without an entry of the trail.
func (x *export) mayReveal(ctx context.Context) error {
	if !visitorOf(ctx).role.Covers(domain.RoleAdmin) {
		return kindRole.plain()
	}
	entry := x.trail.changeBy(ctx, domain.ActionReveal)
	entry.Detail = x.filter
	x.document, x.reveal = wire.Revealed, &entry
	return store.Coded(x.changes.Add(ctx, entry))
}

// note writes into the trail that n more jobs are shown: of secrets before they are.
func (x *export) note(ctx context.Context, n int) error {
	if x.written += int64(n); x.reveal == nil || n == 0 {
		return nil
	}
	x.reveal.Count = x.written
	return store.Coded(x.changes.Add(ctx, *x.reveal))
}

func (x *export) write(ctx context.Context, w http.ResponseWriter, q store.JobQuery, page store.JobPage) error {
	out := bufio.NewWriterSize(w, 32<<10)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if x.reveal == nil {
		defer func() { x.repeats.note(ctx, domain.ActionExport, x.filter, x.written) }()
	}
	for {
		extendDeadlines(w)
		if err := x.note(ctx, len(page.Jobs)); err != nil {
			return err
		}
		for i := range page.Jobs {
			x.pace.Step(i)
			if err := enc.Encode(x.document(&page.Jobs[i].Current)); err != nil {
				return err
			}
		}
		if page.Next.IsZero() {
			return out.Flush()
		}
		q.After = page.Next
		var err error
		if page, err = x.jobs.List(ctx, q); err != nil {
			return store.Coded(err)
		}
	}
}
