package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/view"
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

const (
	// eventWrite is how long a client may take for an event once the buffers of its connection are full.
	eventWrite = 10 * time.Second
	// eventBeat is after how long without an event a client hears that the server is there.
	eventBeat = 10 * time.Second
	// eventRetry is when a client whose stream has ended is to come back.
	eventRetry = 2 * time.Second
)

// eventRoutes send what goes on, as server-sent events.
type eventRoutes struct {
	view     *view.View
	members  Members
	clock    clock.Clock
	guard    *guard
	feed     *feed
	stopping <-chan struct{}
}

func newEventRoutes(c *Config, g *guard) *eventRoutes {
	h := &eventRoutes{view: c.View, members: c.Cluster.Members, clock: c.Clock, guard: g, stopping: c.Stopping}
	h.feed = &feed{count: h.count}
	return h
}

func (h *eventRoutes) register(rt *router) {
	register(rt, huma.Operation{
		OperationID: "get-events", Method: http.MethodGet, Path: "/events", Tags: []string{"Observability"},
		Summary: "Follow what goes on",
		Description: "Server-sent events: once a second one of the type counters, whose data is a JSON " +
			"object with at, since, completed {success, failed, skipped, missed, unknown} (fires " +
			"that ended since then, the last midnight UTC), firesPerSecond (of the last ten " +
			"seconds), inFlight, queued, driftMs {p50, p99} (of the last minute; absent: nothing " +
			"was sent), health (healthy or unhealthy, of this server) and nodes. Of several servers " +
			"on one database rates, calls and queues are added up, and driftMs is that of the " +
			"worst; partial is true where a server that fires jobs has not told. Each event is " +
			"whole, so that none is missed by who comes back: the latest is sent at once, unless " +
			"Last-Event-ID names it. The stream ends when the key or the session does not hold any " +
			"more, when the server stops, and when the client does not take an event within 10 s. " +
			"At most 256 clients follow at a time, 64 of them with one key.",
		Responses: map[string]*huma.Response{"200": {
			Description: "The events.",
			Content: map[string]*huma.MediaType{"text/event-stream": {
				Schema: &huma.Schema{Type: huma.TypeString},
			}},
		}},
	}, h.events, kindBusy)
}

// eventBody is the data of an event.
type eventBody struct {
	At        int64        `json:"at"`
	Since     int64        `json:"since"`
	Completed *endedCounts `json:"completed,omitempty"` // nil: the store does not answer
	FiresPerS float64      `json:"firesPerSecond"`
	InFlight  int          `json:"inFlight"`
	Queued    int          `json:"queued"`
	Drift     *eventDrift  `json:"driftMs,omitempty"`
	Health    string       `json:"health"`
	Nodes     int          `json:"nodes"`
	Partial   bool         `json:"partial,omitempty"`
}

type eventDrift struct {
	P50 int64 `json:"p50"`
	P99 int64 `json:"p99"`
}

// count makes an event.
func (h *eventRoutes) count(ctx context.Context) eventBody {
	now := clock.NowMs(h.clock)
	b := eventBody{At: now, Since: domain.StepDay.Start(now), Health: "healthy"}
	if t, err := h.view.Ended(ctx, b.Since); err == nil {
		b.Completed = endedOf(t)
	}
	if !h.view.Health().Ready {
		b.Health = "unhealthy"
	}
	b.addNodes(h.members.Cluster(ctx).Nodes)
	return b
}

func endedOf(t store.Totals) *endedCounts {
	n := t.ByStatus
	return &endedCounts{n[domain.StatusSuccess], n[domain.StatusFailed], n[domain.StatusSkipped],
		n[domain.StatusMissed], n[domain.StatusUnknown]}
}

// addNodes adds up what servers do.
func (b *eventBody) addNodes(nodes []view.Node) {
	for i := range nodes {
		n := &nodes[i]
		if n.State == view.NodeGone {
			continue
		}
		b.Nodes++
		if n.Load == nil {
			b.Partial = b.Partial || n.Shards > 0
			continue
		}
		b.FiresPerS += n.Load.FiresPerSecond
		b.InFlight += n.Load.InFlight
		b.Queued += n.Load.Queued
		if n.Load.DriftP50Ms == nil || n.Load.DriftP99Ms == nil {
			continue
		}
		if b.Drift == nil {
			b.Drift = new(eventDrift)
		}
		b.Drift.P50, b.Drift.P99 = max(b.Drift.P50, *n.Load.DriftP50Ms), max(b.Drift.P99, *n.Load.DriftP99Ms)
	}
}

type eventsInput struct {
	request

	LastEventID string `header:"Last-Event-ID" doc:"The id of the last event that the client has: if that is the latest, it is not sent again."`
}

func (h *eventRoutes) events(ctx context.Context, in *eventsInput) (*streamOutput, error) {
	caller := callerName(ctx)
	if refusal := h.feed.join(caller); refusal != nil {
		return nil, refusal
	}
	last, _ := strconv.ParseInt(strings.TrimSpace(in.LastEventID), 10, 64)
	return &streamOutput{func(hc huma.Context) {
		defer h.feed.leave(caller)
		r, w := humago.Unwrap(hc)
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Accel-Buffering", "no") // nginx would wait for more
		if r.Method == http.MethodHead {
			return
		}
		h.follow(ctx, w, last)
	}}, nil
}

// follow writes events until the client is gone, its key does not hold any more, or the server stops.
func (h *eventRoutes) follow(ctx context.Context, w http.ResponseWriter, last int64) {
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{}) // the server's own would end the request
	send := func(text string) bool {
		_ = rc.SetWriteDeadline(clock.System{}.Now().Add(eventWrite)) // the network knows no other clock
		if _, err := w.Write([]byte(text)); err != nil {
			return false
		}
		return rc.Flush() == nil
	}
	goesOn := send(fmt.Sprintf("retry: %d\n\n", eventRetry.Milliseconds()))
	for e := h.feed.now(); goesOn; e = h.feed.now() {
		if e.data != nil && e.id != last { // not by order: the clock of another server may be behind
			if goesOn = h.guard.holds(ctx) && send(e.text()); !goesOn {
				return
			}
			last = e.id
		}
		beat := time.NewTimer(eventBeat)
		select {
		case <-e.next:
		case <-beat.C:
			goesOn = h.guard.holds(ctx) && send(": still here\n\n")
		case <-h.stopping:
			goesOn = false
		case <-ctx.Done():
			goesOn = false
		}
		beat.Stop()
	}
}

// text is an event as it is sent.
func (e *event) text() string {
	return fmt.Sprintf("event: counters\nid: %d\ndata: %s\n\n", e.id, e.data)
}
