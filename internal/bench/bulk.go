package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
)

// Bulk is what an operation on many jobs takes, and how late fires are beside it.
type Bulk struct {
	Action    string  `json:"action"`
	Jobs      int     `json:"jobs"`
	Seconds   float64 `json:"seconds"`       // from the request to the end
	MatchedMs int64   `json:"matchedMs"`     // until all jobs were matched
	CPUMicros float64 `json:"cpuMicrosEach"` // of the server for each job, with that of the fires beside
	Beside    *Burst  `json:"beside,omitempty"`
}

// bulkTag selects the jobs of an operation.
const bulkTag = "bulk"

// Bulk measures an operation of each action on n jobs, each beside so many fires a second, and
// these fires alone. Triggers have none beside: their calls would be among them.
func (b *Bench) Bulk(ctx context.Context, n, rate, seconds int) (out []Bulk, err error) {
	m := burst{jobs: rate, seconds: seconds, jitter: time.Second, path: "/ok"}
	alone, err := b.env.burst(ctx, m)
	if err != nil {
		return nil, err
	}
	out = append(out, Bulk{Action: "none", Beside: &alone})
	for _, request := range []client.Bulk{
		{Action: client.Pause}, {Action: client.Resume}, {Action: client.Tag, AddTags: []string{"seen"}},
		{Action: client.Delete}, {Action: client.Trigger},
	} {
		request.Filter.Tag = bulkTag
		got, err := b.bulk(ctx, n, request, m)
		if err != nil {
			return out, fmt.Errorf("%s: %w", request.Action, err)
		}
		b.env.say("%s of %d jobs: %.1f s, %.0f us of CPU each", got.Action, n, got.Seconds, got.CPUMicros)
		out = append(out, got)
	}
	return out, nil
}

func (b *Bench) bulk(ctx context.Context, n int, request client.Bulk, m burst) (out Bulk, err error) {
	out.Action, out.Jobs = request.Action, n
	w, err := b.env.world(ctx, worldConfig{})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	_, err = w.importEach(ctx, n, func(int) client.Spec {
		spec := b.env.receiver.idle()
		spec.Tags, spec.IsActive = []string{bulkTag}, new(request.Action != client.Resume)
		return spec
	})
	if err != nil {
		return out, err
	}
	if request.Action == client.Trigger {
		err = w.operate(ctx, request, &out)
		return out, err
	}
	var fault error
	ended := make(chan struct{})
	m.meanwhile = func(context.Context) error { // it goes on when all fires have come
		defer close(ended)
		fault = w.operate(ctx, request, &out)
		return nil
	}
	beside, err := w.burst(ctx, m)
	if err != nil {
		return out, err
	}
	<-ended
	out.Beside = &beside
	return out, fault
}

// operate carries out an operation, and measures it.
func (w *world) operate(ctx context.Context, request client.Bulk, out *Bulk) error {
	before := w.usage().cpu
	began, err := w.api.Jobs.Bulk(ctx, request)
	if err != nil {
		return err
	}
	const often = 20 * time.Millisecond
	o, err := w.api.Operations.Wait(ctx, began.ID, often, nil)
	if err != nil {
		return err
	}
	if want := (client.OperationCounts{Matched: int64(out.Jobs), Done: int64(out.Jobs)}); o.Counts != want {
		return fmt.Errorf("the operation is %s, with %+v", o.State, o.Counts)
	}
	out.CPUMicros = microsEach(w.usage().cpu-before, int64(out.Jobs))
	out.Seconds = float64(*o.EndedAt-o.CreatedAt) / 1000
	out.MatchedMs = *o.MatchedAt - o.CreatedAt
	return nil
}
