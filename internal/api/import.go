package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strconv"

	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Limits of an import. The results of a million items take 20 MB until the
// answer is sent; the details of refused items, and warnings, are kept up to
// maxErrorBytes in all, later items are answered without.
const (
	maxImportItems = 1_000_000
	maxErrorBytes  = 4 << 20
)

// importRoute makes many jobs in one request.
type importRoute struct {
	editor    Editor
	rules     *jobRules
	trail     *trail
	pace      *clock.Pace
	log       *slog.Logger
	maxBody   int64 // of one item
	maxImport int64 // of all
	places    *lender
	repeats   *Repeats
}

func (h *importRoute) register(rt *router) {
	schemas := rt.huma.OpenAPI().Components.Schemas
	item := &huma.Schema{Ref: "#/components/schemas/JobSpec"}
	limit := maxImportItems
	op := huma.Operation{
		OperationID: "import-jobs", Method: http.MethodPost, Path: "/jobs/import", Tags: []string{"Jobs"},
		Summary: "Register many jobs",
		Description: "A JSON array of jobs, or NDJSON: one job a line. The first byte that is not white space " +
			"decides which. Up to 64 MiB and 1,000,000 items. " +
			"Jobs are committed in chunks while the body is read. Each item is judged on its own: one that is wrong " +
			"does not prevent the others. " +
			"The answer is 200 also when items were refused; results has one entry for each item in the order of the " +
			"body (empty lines are not counted). " +
			"A syntax error inside an array ends the import: the items before it are imported, and one entry reports " +
			"the error. In NDJSON only the line with the error is refused. " +
			"If the connection breaks, the items that were committed stay. With an Idempotency-Key an import ends at " +
			"the first commit that fails; sent again, it answers with the jobs that were made, and makes the others. " +
			"With Prefer: return=minimal results has the refused items only.",
		RequestBody: &huma.RequestBody{Required: true, Description: "The jobs.", Content: map[string]*huma.MediaType{
			"application/json":     {Schema: &huma.Schema{Type: "array", Items: item, MaxItems: &limit}},
			"application/x-ndjson": {Schema: reference.Lines("JobSpec")},
		}},
		MaxBodyBytes: h.maxImport,
		Responses: map[string]*huma.Response{"200": {
			Description: "What became of each item.",
			Content: map[string]*huma.MediaType{"application/json": {
				Schema: schemas.Schema(reflect.TypeFor[importBody](), true, ""),
			}},
		}},
	}
	documentKey(&op)
	register(rt, op, h.importJobs, kindBusy, kindKeyInUse, kindKeyReused, kindKeysFull, kindUnavailable)
	documentReplay(rt, &op)
}

// importBody documents the answer of an import. It is written as a stream, by
// [importReport.write].
type importBody struct {
	Results  []importResult `json:"results" nullable:"false" doc:"One entry for each item, in the order of the body."`
	Imported int            `json:"imported" doc:"How many jobs were made." example:"100000"`
	Refused  int            `json:"refused" doc:"How many items were refused." example:"0"`
}

type importResult struct {
	Index int        `json:"index" doc:"The item's place in the body, counted from 0." example:"0"`
	JobID string     `json:"jobId,omitempty" format:"uuid" doc:"The new job's id; absent when the item was refused." example:"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`
	Error *itemError `json:"error,omitempty" doc:"Why the item was refused; absent when it was imported."`

	Warnings []string `json:"warnings,omitempty" doc:"What is allowed but may not be meant: in the schedule, as a preview says it, and a target that this server's egress rules refuse. Absent: nothing."`
}

type importInput struct {
	request
	Preference
}

type importOutput struct {
	PreferenceApplied string `header:"Preference-Applied" doc:"What of Prefer was followed."`
	Body              func(huma.Context)
}

type streamOutput struct{ Body func(huma.Context) }

func (h *importRoute) importJobs(ctx context.Context, in *importInput) (*importOutput, error) {
	if err := take(ctx, h.places, 1); err != nil {
		return nil, err
	}
	extendDeadlines(in.w) // it may have waited
	once, end, err := beginOnce(ctx, h.editor.Once(), &in.request)
	if err != nil {
		return nil, err
	}
	defer end()
	items, err := newImportReader(newProgress(in.r.Body, in.w), int(h.maxBody), newDoc(ctx))
	if err != nil {
		return nil, err
	}
	run := importRun{importRoute: h, w: in.w, warned: warningMemory{rules: h.rules}, once: once}
	run.report.text = asText(ctx)
	if err := run.all(h.trail.under(ctx, domain.ActionImport), items); err != nil {
		return nil, err
	}
	prefers := preferredReturn(in.r)
	run.report.short = prefers == returnMinimal
	return &importOutput{prefers, func(ctx huma.Context) {
		_, w := humago.Unwrap(ctx)
		w.Header().Set("Content-Type", "application/json")
		if once.replayed() {
			w.Header().Set(headerReplayed, "true")
		}
		// The answer is written only now: a client that sends its whole body
		// before it reads must not find us waiting for it to read.
		run.report.write(w)
	}}, nil
}

// importRun is one import under way. [edit.Import] commits its documents in chunks while
// the next ones are read.
type importRun struct {
	*importRoute
	w      http.ResponseWriter
	report importReport
	warned warningMemory

	forbidden bool // an item was refused for what the caller may do

	once   *importOnce // nil: without an Idempotency-Key
	known  []domain.SpecDoc
	places []int // of those in known: they were dealt with before, and are to be looked up
}

// all imports every item. The error is about the whole request: the client is
// gone, and nobody reads results.
func (run *importRun) all(ctx context.Context, items *importReader) (err error) {
	jobs := run.editor.NewImport(func(places []int, made []edit.Created) { run.note(ctx, places, made) })
	defer func() { err = errors.Join(err, jobs.Wait()) }() // nothing of it outlives the request
	for n := 1; ; n++ {
		run.pace.Step(n)
		item, err := items.next()
		if err == nil && len(run.report.jobs) == maxImportItems {
			err = limitReached(maxImportItems)
		}
		if err == nil {
			run.once.add(item.text)
		}
		if other := run.once.checkSame(errors.Is(err, io.EOF)); other != nil {
			return other
		}
		if err != nil {
			return run.end(ctx, jobs, err)
		}
		index := run.report.add()
		if item.err == nil {
			item.err = run.takes(ctx, &item.doc)
			run.noteRefusal(ctx, item.err)
		}
		switch {
		case item.err != nil:
			run.report.refuse(index, problemOf(item.err))
		case run.once.repeats():
			err = run.lookUp(ctx, index, &item.doc)
		default:
			err = jobs.Add(run.once.under(ctx), index, &item.doc)
		}
		if err != nil {
			return err
		}
	}
}

// end commits what is left when there is no other item, and reports why, unless it is the
// end of the body.
func (run *importRun) end(ctx context.Context, jobs *edit.Import, why error) error {
	if err := run.reportKnown(ctx); err != nil {
		return err
	}
	if err := jobs.Finish(run.once.under(ctx)); err != nil {
		return err
	}
	if !errors.Is(why, io.EOF) {
		run.report.refuse(run.report.add(), tell(ctx, run.log, why))
		return nil
	}
	run.once.finish(ctx)
	return nil
}

// lookUp takes an item that was dealt with before, to report what became of it.
func (run *importRun) lookUp(ctx context.Context, place int, doc *domain.SpecDoc) error {
	run.places, run.known = append(run.places, place), append(run.known, *doc)
	if len(run.places) < edit.ChunkDocs {
		return nil
	}
	return run.reportKnown(ctx)
}

// reportKnown reports the items that wait to be looked up. One that is right and has no job
// was refused when it was to be committed.
func (run *importRun) reportKnown(ctx context.Context) error {
	if len(run.places) == 0 {
		return nil
	}
	ids := make([]domain.JobID, len(run.places))
	for i, place := range run.places {
		ids[i] = run.once.record.JobOf(place)
	}
	made, err := run.editor.Once().Made(ctx, ids)
	if err != nil {
		return err
	}
	for i, place := range run.places {
		if made[i] {
			run.report.accept(place, ids[i], run.warned.of(&run.known[i].Spec))
		} else {
			run.report.refuse(place, run.once.refusal(ids[i], &run.known[i]))
		}
	}
	clear(run.known)
	run.places, run.known = run.places[:0], run.known[:0]
	extendDeadlines(run.w)
	return nil
}

// noteRefusal notes in the trail, once for all items, that there is one that the caller may not make.
func (run *importRun) noteRefusal(ctx context.Context, err error) {
	p, ok := errors.AsType[*Problem](err)
	if !ok || run.forbidden || p.Code != kindRole.slug {
		return
	}
	run.forbidden = true
	run.repeats.noteRefusal(ctx, p, "POST /jobs/import")
}

// takes refuses a document that this caller, or this server, cannot have.
func (run *importRun) takes(ctx context.Context, doc *domain.SpecDoc) error {
	if err := mayCreate(ctx, doc); err != nil {
		return err
	}
	return run.rules.checkCertificate(&doc.Spec)
}

// note puts what became of a chunk into the report.
func (run *importRun) note(ctx context.Context, places []int, made []edit.Created) {
	var fault error
	for i := range made {
		run.pace.Step(i)
		m := &made[i]
		if m.Err == nil {
			run.report.accept(places[i], m.Version.JobID, run.warned.of(&m.Version.Spec))
			continue
		}
		p := problemOf(m.Err)
		if p.Status >= http.StatusInternalServerError {
			fault = m.Err
		}
		run.report.refuse(places[i], p)
	}
	if fault != nil && run.once == nil { // once for the commit, not for each of its items
		_ = tell(ctx, run.log, fault)
	}
	extendDeadlines(run.w)
}

// importReport holds what became of each item, in little space.
type importReport struct {
	jobs     []domain.JobID // by index; zero: refused
	errors   map[int]json.RawMessage
	warnings map[int]json.RawMessage
	bytes    int // of errors and warnings
	imported int
	short    bool // results has the refused items only
	text     bool // instants that errors repeat are text
}

func (r *importReport) add() int {
	r.jobs = append(r.jobs, domain.JobID{})
	return len(r.jobs) - 1
}

// accept takes the warnings as a JSON array; nil: none.
func (r *importReport) accept(index int, id domain.JobID, warnings json.RawMessage) {
	r.jobs[index] = id
	r.imported++
	if warnings == nil || r.bytes >= maxErrorBytes {
		return
	}
	if r.warnings == nil {
		r.warnings = map[int]json.RawMessage{}
	}
	r.warnings[index] = warnings
	r.bytes += len(warnings)
}

// omittedError replaces the details that were not kept.
var omittedError = json.RawMessage(`{"title":"Refused; details are omitted after so many","status":422}`)

func (r *importReport) refuse(index int, p *Problem) {
	if r.bytes >= maxErrorBytes {
		return
	}
	if r.text {
		p = p.withText()
	}
	text, err := json.Marshal(itemErrorOf(p))
	if err != nil {
		return // write says omittedError
	}
	if r.errors == nil {
		r.errors = map[int]json.RawMessage{}
	}
	r.errors[index] = text
	r.bytes += len(text)
}

// write answers. An error of the writer means that the client is gone.
func (r *importReport) write(w http.ResponseWriter) {
	out := bufio.NewWriterSize(w, 32<<10)
	defer func() { _ = out.Flush() }()
	_, _ = out.WriteString(`{"results":[`)
	first := true
	for i, id := range r.jobs {
		if i%edit.ChunkDocs == 0 {
			extendDeadlines(w)
		}
		if r.short && !id.IsZero() {
			continue
		}
		if !first {
			_ = out.WriteByte(',')
		}
		first = false
		_, _ = out.WriteString(`{"index":` + strconv.Itoa(i))
		if id.IsZero() {
			text, ok := r.errors[i]
			if !ok {
				text = omittedError
			}
			_, _ = out.WriteString(`,"error":`)
			_, _ = out.Write(text)
		} else {
			_, _ = out.WriteString(`,"jobId":"` + id.String() + `"`)
			if text, ok := r.warnings[i]; ok {
				_, _ = out.WriteString(`,"warnings":`)
				_, _ = out.Write(text)
			}
		}
		if out.WriteByte('}') != nil {
			return
		}
	}
	_, _ = out.WriteString(`],"imported":` + strconv.Itoa(r.imported) +
		`,"refused":` + strconv.Itoa(len(r.jobs)-r.imported) + "}\n")
}
