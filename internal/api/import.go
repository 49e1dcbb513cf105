package api

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Limits of an import. The results of a million items take 20 MB until the
// answer is sent; the details of refused items, and warnings, are kept up to
// maxErrorBytes in all, later items are answered without.
const maxImportItems = 1_000_000

// importRoute makes many jobs in one request.
type importRoute struct {
	editor    Editor
	rules     *jobRules
	moves     *secretMoves
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
			"With Prefer: return=minimal results has the refused items only. " +
			"onConflict says what becomes of an item whose key a job of its namespace has. With update the item is " +
			"the whole job: a field that is absent gets its default, but ******** keeps a stored secret, and without " +
			"isActive the job stays active or paused. An item that alters nothing makes no version, unless it has " +
			"secrets and the caller is no admin. So a file can be imported again and again. " +
			pastPauseEnds,
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
	Results   []importResult `json:"results" nullable:"false" doc:"One entry for each item, in the order of the body."`
	Imported  int            `json:"imported" doc:"How many jobs were made." example:"100000"`
	Updated   int            `json:"updated" doc:"How many jobs were changed." example:"0"`
	Unchanged int            `json:"unchanged" doc:"How many jobs were as their items say." example:"0"`
	Skipped   int            `json:"skipped" doc:"How many items were skipped." example:"0"`
	Refused   int            `json:"refused" doc:"How many items were refused." example:"0"`
}

type importResult struct {
	Index int        `json:"index" doc:"The item's place in the body, counted from 0." example:"0"`
	JobID string     `json:"jobId,omitempty" format:"uuid" doc:"The job's id: of the new one, or of the one that has the key; absent when the item was refused." example:"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`
	Error *itemError `json:"error,omitempty" doc:"Why the item was refused; absent when it was not."`

	Outcome string `json:"outcome" enum:"created,updated,unchanged,skipped,refused" doc:"What was done: a new job was made, the job that has the key was changed, or it was as the item says, or was left as it is, or nothing was done." example:"created"`

	Warnings []string `json:"warnings,omitempty" doc:"What is allowed but may not be meant: in the schedule, as a preview says it, a target that this server's egress rules refuse, and a pausedUntil that is past. Absent: nothing."`
}

type importInput struct {
	request
	Preference
	OnConflict  conflictParam `query:"onConflict"`
	KeepSecrets boolParam     `query:"keepSecrets" doc:"For admins: secrets may be sent to another origin, although an item that changes the URL of its job does not have them."`
}

// conflictParam says what becomes of an item whose key a job has.
type conflictParam string

var conflictWords = []string{"refuse", "skip", "update"} // by edit.OnConflict

// Schema implements huma.SchemaProvider.
func (conflictParam) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: "string", Enum: []any{"refuse", "skip", "update"}, Default: "refuse", Examples: []any{"update"},
		Description: "What becomes of an item whose key a job has: it is refused (409), or skipped, or the job is " +
			"changed to what the item says.",
	}
}

func (p conflictParam) parse() (edit.OnConflict, error) {
	word := cmp.Or(strings.TrimSpace(string(p)), conflictWords[edit.RefuseItem])
	at := slices.Index(conflictWords, word)
	if at < 0 {
		return 0, kindMalformed.fieldAs(domain.FieldChoice, "onConflict", "must be refuse, skip or update", string(p))
	}
	return edit.OnConflict(at), nil
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
	on, err := in.OnConflict.parse()
	if err != nil {
		return nil, err
	}
	keep, err := in.KeepSecrets.parse("keepSecrets")
	if err != nil {
		return nil, err
	}
	once, end, err := beginOnce(ctx, h.editor.Once(), &in.request)
	if err != nil {
		return nil, err
	}
	defer end()
	items, err := newImportReader(newProgress(in.r.Body, in.w), int(h.maxBody), newDoc(ctx))
	if err != nil {
		return nil, err
	}
	run := importRun{importRoute: h, w: in.w, warned: warningMemory{rules: h.rules}, once: once, on: on,
		keepSecrets: keep != nil && *keep}
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

	on          edit.OnConflict
	keepSecrets bool

	once       *importOnce  // nil: without an Idempotency-Key
	known      []*edit.Item // were dealt with before, and are to be looked up
	knownBytes int
}

// all imports every item. The error is about the whole request: the client is
// gone, and nobody reads results.
func (run *importRun) all(ctx context.Context, items *importReader) (err error) {
	jobs := run.editor.NewImport(edit.ImportConfig{
		OnConflict: run.on, Told: func(places []int, made []edit.Created) { run.note(ctx, places, made) },
		Trail: func(ctx context.Context) context.Context { return run.trail.under(ctx, domain.ActionUpdate) },
	})
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
		made := run.itemOf(ctx, run.report.add(), &item)
		run.noteRefusal(ctx, made.Fault)
		switch {
		case made.Fault != nil && made.Change == nil:
			run.report.refuse(made.Place, problemOf(made.Fault))
		case run.once.repeats():
			err = run.lookUp(ctx, jobs, made)
		default:
			err = jobs.Add(run.once.under(ctx), made)
		}
		if err != nil {
			return err
		}
	}
}

// end commits what is left when there is no other item, and reports why, unless it is the
// end of the body.
func (run *importRun) end(ctx context.Context, jobs *edit.Import, why error) error {
	if err := run.reportKnown(ctx, jobs); err != nil {
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

// maxKnownBytes bounds the items that wait to be looked up, as a chunk is bounded.
const maxKnownBytes = 2 << 20

// lookUp takes an item that was dealt with before, to report what became of it.
func (run *importRun) lookUp(ctx context.Context, jobs *edit.Import, it *edit.Item) error {
	run.known = append(run.known, it)
	run.knownBytes += it.Held + (&domain.Version{Spec: it.Doc.Spec}).Size()
	if len(run.known) < edit.ChunkDocs && run.knownBytes < maxKnownBytes {
		return nil
	}
	return run.reportKnown(ctx, jobs)
}

// reportKnown reports the items that wait to be looked up. One that has no job, and whose key
// no job has, was refused.
func (run *importRun) reportKnown(ctx context.Context, jobs *edit.Import) error {
	if len(run.known) == 0 {
		return nil
	}
	ids := make([]domain.JobID, len(run.known))
	for i, it := range run.known {
		ids[i] = run.once.record.JobOf(it.Place)
	}
	made, err := run.editor.Once().Made(ctx, ids)
	if err != nil {
		return err
	}
	for i, it := range run.known {
		if made[i] {
			run.report.accept(it.Place, ids[i], edit.Made, run.warned.of(&it.Doc.Spec))
		} else if err := run.reportOther(ctx, jobs, ids[i], it); err != nil {
			return err
		}
	}
	clear(run.known)
	run.known, run.knownBytes = run.known[:0], 0
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

// reportOther reports an item that was dealt with before, and has made no job. The error is
// about the store.
func (run *importRun) reportOther(ctx context.Context, jobs *edit.Import, id domain.JobID, it *edit.Item) error {
	found, is := jobs.Before(ctx, it)
	switch {
	case is && domain.ErrorCode(found.Err) == domain.CodeUnavailable:
		return found.Err
	case is && found.Err != nil:
		run.report.refuse(it.Place, problemOf(found.Err))
	case is:
		run.report.accept(it.Place, found.Version.JobID, found.Outcome, run.warned.of(&found.Version.Spec))
	case it.Fault != nil:
		run.report.refuse(it.Place, problemOf(it.Fault))
	default:
		run.report.refuse(it.Place, run.once.refusal(id, &it.Doc))
	}
	return nil
}

// itemOf makes an item of what was read. One with a fault and without Change is refused.
func (run *importRun) itemOf(ctx context.Context, place int, read *importItem) *edit.Item {
	it := &edit.Item{Place: place, Doc: read.doc, Fault: read.err}
	mayConflict := run.on != edit.RefuseItem
	if read.err != nil && mayConflict { // it may still say what job it is
		it.Doc.Key, it.Doc.Namespace = read.named(read.doc.Namespace)
	}
	if err := mayCreate(ctx, &it.Doc); err != nil {
		it.Fault = err
		return it
	}
	if it.Doc.Pause.Until != 0 || read.err != nil && mayConflict {
		item := wire.Item{Text: read.text}
		run.report.ended[place] = run.rules.pauseWarnings(item.PausedUntil()) != nil
	}
	if it.Fault == nil {
		it.Fault = run.rules.endPause(&it.Doc, 0)
	}
	if it.Fault == nil {
		it.Fault = run.rules.checkCertificate(&it.Doc.Spec)
	}
	if mayConflict && domain.ValidJobKey(it.Doc.Key) {
		item := wire.Item{Text: bytes.Clone(read.text)}
		it.Held = len(item.Text)
		it.Change = func(now *domain.Version) func(*domain.SpecDoc) error {
			return forAdmins(ctx, run.moves.altering(ctx, run.rules, now.JobID, item.Replace, run.keepSecrets))
		}
	}
	return it
}

// note puts what became of a chunk into the report.
func (run *importRun) note(ctx context.Context, places []int, made []edit.Created) {
	var fault error
	for i := range made {
		run.pace.Step(i)
		m := &made[i]
		if m.Err == nil {
			run.report.accept(places[i], m.Version.JobID, m.Outcome, run.warned.of(&m.Version.Spec))
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
