package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// exportPage is how many jobs of an export are in memory at a time.
const exportPage = 1_000

func (s *server) registerExport() {
	register(s, huma.Operation{
		OperationID: "export-jobs", Method: http.MethodGet, Path: "/jobs/export", Tags: []string{"Jobs"},
		Summary: "Export jobs",
		Description: "NDJSON: one job a line, each a document that POST /jobs and POST /jobs/import take, with every default filled in; ids are not part of it. " +
			"Secrets, of headers and of signing, are ********, which an import refuses, unless withSecrets is true: that is for admins. " +
			"In the order of their ids. A job that is changed while the export runs appears as it was or as it is. " +
			"When the store fails on the way the connection is closed before the end: a complete answer is a complete export.",
		Responses: map[string]*huma.Response{"200": {
			Description: "The jobs.",
			Content: map[string]*huma.MediaType{"application/x-ndjson": {
				Schema: &huma.Schema{Ref: "#/components/schemas/JobSpec"},
			}},
		}},
	}, s.exportJobs, kindUnavailable)
}

type exportInput struct {
	JobFilter
	WithSecrets boolParam `query:"withSecrets" doc:"Whether secrets, of headers and of signing, are shown. false: ******** stands for each."`
}

func (s *server) exportJobs(ctx context.Context, in *exportInput) (*streamOutput, error) {
	q, err := in.query(ctx)
	if err != nil {
		return nil, err
	}
	show, err := in.WithSecrets.parse("withSecrets")
	if err != nil {
		return nil, err
	}
	document := func(d domain.SpecDoc) any { return domain.SpecDoc{Spec: d.Masked(), IsActive: d.IsActive} }
	if show != nil && *show {
		if err := s.mayReveal(ctx); err != nil {
			return nil, err
		}
		document = func(d domain.SpecDoc) any { return revealed(d) }
	}
	q.Limit = exportPage
	first, err := s.Store.Jobs().List(ctx, q) // before the status is sent: it may be a 503
	if err != nil {
		return nil, fromStore(err)
	}
	return &streamOutput{func(hc huma.Context) {
		_, w := humago.Unwrap(hc)
		w.Header().Set("Content-Type", "application/x-ndjson")
		w.Header().Set("Content-Disposition", `attachment; filename="belfry-jobs.ndjson"`)
		if err := s.writeExport(ctx, w, q, first, document); err != nil {
			if rec, ok := w.(*recorder); !ok || rec.err == nil { // otherwise the client went away
				s.tell(ctx, err)
			}
			panic(http.ErrAbortHandler) // the status is out: only the connection can tell
		}
	}}, nil
}

// mayReveal refuses to show secrets to others than admins, and to show them
// without an entry of the trail.
func (s *server) mayReveal(ctx context.Context) error {
	if !visitorOf(ctx).role.Covers(domain.RoleAdmin) {
		return kindRole.plain()
	}
	return fromStore(s.Store.Changes().Add(ctx, s.changeBy(ctx, domain.ActionReveal)))
}

// revealed is a document that is encoded with its secrets.
type revealed domain.SpecDoc

// MarshalJSON implements json.Marshaler.
func (d revealed) MarshalJSON() ([]byte, error) { return domain.SpecDoc(d).RevealedJSON() }

func (s *server) writeExport(
	ctx context.Context, w http.ResponseWriter, q store.JobQuery, page []domain.Job, document func(domain.SpecDoc) any,
) error {
	out := bufio.NewWriterSize(w, 32<<10)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for {
		extendDeadlines(w)
		for i := range page {
			s.Pace.Step(i)
			v := &page[i].Current
			if err := enc.Encode(withFault(document(domain.SpecDoc{Spec: v.Spec, IsActive: v.Active}), v)); err != nil {
				return err
			}
		}
		if len(page) < q.Limit {
			return out.Flush()
		}
		q.After = page[len(page)-1].ID
		var err error
		if page, err = s.Store.Jobs().List(ctx, q); err != nil {
			return fromStore(err)
		}
	}
}

// withFault adds to the document of a job that cannot be run why. What could not
// be read is not in it: an import refuses the field by its name.
func withFault(doc any, v *domain.Version) any {
	fault := v.Unusable()
	if fault == nil {
		return doc
	}
	return faultyDocument{doc, domain.FaultText(fault)}
}

type faultyDocument struct {
	doc   any
	fault string
}

// MarshalJSON implements json.Marshaler.
func (d faultyDocument) MarshalJSON() ([]byte, error) {
	doc, err := json.Marshal(d.doc)
	if err != nil {
		return nil, err
	}
	fault, err := json.Marshal(d.fault)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(doc[:len(doc)-1], `,"error":%s}`, fault), nil
}
