package api

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"

	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/front"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// maxHistoryExports is how many exports of the history are answered at a time:
// each keeps a core busy for as long as it runs.
const maxHistoryExports = 2

// historyBuffer is what an export collects before it writes: some 200 lines.
const historyBuffer = 64 << 10

// historyRoute writes executions that have ended.
type historyRoute struct {
	history  store.History
	scope    *scope
	pace     *clock.Pace
	log      *slog.Logger
	underWay chan struct{} // a place for each export
	repeats  *Repeats
}

// executionLine documents a line of the export; [appendExecution] writes it.
type executionLine struct {
	ExecutionBody
	Attempts []attemptBody `json:"attempts,omitempty" nullable:"false" doc:"Every HTTP request of the execution, oldest first. Absent where there was one at most."`
}

func (h *historyRoute) register(rt *router) {
	rt.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[executionLine](), true, "")
	register(rt, huma.Operation{
		OperationID: "export-executions", Method: http.MethodGet, Path: "/executions/export",
		Tags:    []string{"Executions"},
		Summary: "Export executions",
		Description: "NDJSON: one execution that has ended a line, as in lists; with attempts where there " +
			"were several. " +
			"Oldest scheduled first. A key that is confined to a namespace gets those of its jobs. One that ends " +
			"while the export runs is part of it if its place is still to come. " +
			"When the store fails on the way, retention drops what is still to come, or the client takes less than " +
			"64 KiB in 20 s, the connection is closed " +
			"before the end: " +
			"a complete answer is a complete export.",
		Responses: map[string]*huma.Response{"200": {
			Description: "The executions.",
			Content: map[string]*huma.MediaType{"application/x-ndjson": {
				Schema: reference.Lines("ExecutionLine"),
			}},
		}},
	}, h.exportExecutions, kindBusy, kindUnavailable)
}

type historyExportInput struct {
	From instantParam `query:"from" doc:"The first scheduled instant. Absent: from the oldest on."`
	To   instantParam `query:"to" doc:"The scheduled instant to end before. Absent: to the newest."`
}

func (h *historyRoute) exportExecutions(ctx context.Context, in *historyExportInput) (*streamOutput, error) {
	from, err := in.From.parse("from", 0)
	if err != nil {
		return nil, err
	}
	to, err := in.To.parse("to", domain.Forever)
	if err != nil {
		return nil, err
	}
	if err := checkRange(from, to, in.To); err != nil {
		return nil, err
	}
	if err := h.canStream(ctx, from, to); err != nil { // before the status is sent: it may be a 503
		return nil, store.Coded(err)
	}
	select {
	case h.underWay <- struct{}{}:
	default:
		return nil, kindBusy.problem("%d exports of the history are under way.",
			maxHistoryExports).throttled(atATime("executions-exports", maxHistoryExports), busyWait)
	}
	return &streamOutput{func(hc huma.Context) {
		defer func() { <-h.underWay }()
		_, w := humago.Unwrap(hc)
		w.Header().Set("Content-Type", "application/x-ndjson")
		w.Header().Set("Content-Disposition", `attachment; filename="belfry-executions.ndjson"`)
		n, err := h.writeHistory(ctx, w, from, to)
		h.repeats.note(ctx, domain.ActionExport, "executions "+confine(ctx, windowOf(in)), n)
		if err != nil {
			if front.WriteError(w) == nil { // otherwise the client went away
				_ = tell(ctx, h.log, err)
			}
			panic(http.ErrAbortHandler) // the status is out: only the connection can tell
		}
	}}, nil
}

// canStream begins to read a window of the history and stops at the first piece.
func (h *historyRoute) canStream(ctx context.Context, from, to int64) error {
	stop := errors.New("enough")
	err := h.history.Stream(ctx, from, to, func([]domain.Execution) error { return stop })
	if errors.Is(err, stop) {
		return nil
	}
	return err
}

// windowOf writes the parameters of an export.
func windowOf(in *historyExportInput) string {
	query := url.Values{}
	if in.From != "" {
		query.Set("from", string(in.From))
	}
	if in.To != "" {
		query.Set("to", string(in.To))
	}
	return filterOf(query)
}

// writeHistory returns how many executions it has written.
func (h *historyRoute) writeHistory(ctx context.Context, w http.ResponseWriter, from, to int64) (n int64, err error) {
	out := bufio.NewWriterSize(w, historyBuffer)
	var line []byte
	confined := visitorOf(ctx).namespace != ""
	err = h.history.Stream(ctx, from, to, func(piece []domain.Execution) error {
		extendDeadlines(w)
		for i := range piece {
			h.pace.Step(i)
			if confined { // otherwise it need not be asked for each of millions
				sees, err := h.scope.sees(ctx, piece[i].JobID)
				if err != nil {
					return err
				}
				if !sees {
					continue
				}
			}
			line = append(appendExecution(line[:0], &piece[i]), '\n')
			if _, err := out.Write(line); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if err != nil {
		return n, store.Coded(err)
	}
	return n, out.Flush()
}
