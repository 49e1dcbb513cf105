package api

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/front"
	"github.com/belfry-scheduler/belfry/internal/peer"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/belfry-scheduler/belfry/internal/view"
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Peers are the other nodes of a cluster.
type Peers interface {
	// Owner returns the node that owns a job, if that is another one, and it is there.
	Owner(job domain.JobID) (owner peer.Node, elsewhere bool)
	// Node returns the node with a name, and whether that is another one. The error says why it cannot be
	// asked.
	Node(name string) (n peer.Node, elsewhere bool, err error)
	// Send sends a request to a node: see [peer.Link.Send].
	Send(ctx context.Context, to peer.Node, r *http.Request, body []byte, caller peer.Caller) (
		*http.Response, peer.Outcome, error)
	// Gate returns what takes the requests of other nodes, for next to answer.
	Gate(next func(w http.ResponseWriter, r *http.Request, caller peer.Caller)) (http.Handler, error)
}

// forwarding is how an operation is sent on to the owner of a job.
type forwarding int

const (
	staysHere   forwarding = iota // it is not: any node can do it alike
	readsJob                      // the owner knows what has not ended
	changesJob                    // it is valid at once if the owner makes it
	triggersJob                   // the owner begins at once
	asksNode                      // it is about a node, which does it
)

// forwardings has the operations that are sent on.
var forwardings = map[string]forwarding{
	"list-job-executions": readsJob, "list-job-executions-by-key": readsJob,
	"update-job": changesJob, "patch-job": changesJob, "delete-job": changesJob,
	"pause-job": changesJob, "resume-job": changesJob, "restore-job-version": changesJob,
	"put-job-by-key": changesJob, "patch-job-by-key": changesJob, "delete-job-by-key": changesJob,
	"pause-job-by-key": changesJob, "resume-job-by-key": changesJob,
	"trigger-job": triggersJob, "trigger-job-by-key": triggersJob,
	"drain-node": asksNode, "resume-node": asksNode,
}

// forwarder sends a request about one job on to the node that owns it. Where that is this node,
// or cannot be reached, the request is answered here.
type forwarder struct {
	peers   Peers
	jobs    store.Jobs
	changes store.Changes
	trail   *trail
	metrics *telemetry.Metrics
	log     *slog.Logger
}

// try sends a request on, if it is about a job of another node, and reports whether it was
// answered. If not, it is to be answered here, under the context that it returns.
func (f *forwarder) try(ctx huma.Context) (next huma.Context, answered bool, err error) {
	r, w := humago.Unwrap(ctx)
	how := forwardings[ctx.Operation().OperationID]
	if f == nil || how == staysHere || forwarded(ctx.Context()) {
		return ctx, false, nil
	}
	if how == asksNode {
		answered, err = f.askNode(ctx)
		return ctx, answered, err
	}
	job, found := f.jobOf(ctx.Context(), ctx.Param("id"), ctx.Param("key"), ctx.Query("namespace"))
	if !found {
		return ctx, false, nil
	}
	owner, elsewhere := f.peers.Owner(job.ID)
	if !elsewhere {
		return ctx, false, nil
	}
	var body []byte
	if ctx.Operation().RequestBody != nil {
		if body, err = wholeBody(r); err != nil {
			return ctx, false, err
		}
	}
	if owner.Older && saysOfPause(ctx.Operation().OperationID, body) {
		return ctx, false, nil
	}
	is := f.identity(ctx.Context(), how, &job)
	v := visitorOf(ctx.Context())
	res, outcome, err := f.peers.Send(ctx.Context(), owner, outward(r), body, //nolint:bodyclose // pass does
		peer.Caller{By: v.author, Role: v.role, Namespace: v.namespace, Identity: is})
	f.metrics.Cluster.Forwarded.WithLabelValues(outcome.String()).Inc()
	if outcome == peer.Answered {
		pass(w, res)
		return ctx, true, nil
	}
	f.log.LogAttrs(ctx.Context(), slog.LevelDebug, "the owner of a job has not answered; the request is answered here",
		slog.String(telemetry.KeyNode, owner.Name), slog.String("outcome", outcome.String()),
		slog.Any(telemetry.KeyError, err))
	here := identified(ctx.Context(), is)
	switch {
	case how == readsJob:
		notePartial(w)
	case outcome == peer.Unknown:
		here = askingAbout(edit.WithUncertain(here, f.changes), job.ID)
	}
	return huma.WithContext(ctx, here), false, nil
}

// saysOfPause reports whether a request says something of a pause, as far as the text shows. A server of an older
// version would not look at it: the change is made here, or is refused.
func saysOfPause(operation string, body []byte) bool {
	switch operation {
	case "pause-job", "pause-job-by-key":
		return len(bytes.TrimSpace(body)) > 0
	case "restore-job-version": // the version may say it
		return true
	}
	return bytes.Contains(body, []byte(`"paused`))
}

// askNode sends a request on to the node that it is about, and reports whether it was answered. If not, it
// is about this node.
func (f *forwarder) askNode(ctx huma.Context) (answered bool, err error) {
	r, w := humago.Unwrap(ctx)
	if err := checkNodeName(ctx.Param("name")); err != nil {
		return false, err
	}
	to, elsewhere, err := f.peers.Node(ctx.Param("name"))
	if err != nil || !elsewhere {
		return false, err
	}
	v := visitorOf(ctx.Context())
	res, outcome, err := f.peers.Send(ctx.Context(), to, outward(r), nil, //nolint:bodyclose // pass does
		peer.Caller{By: v.author, Role: v.role, Namespace: v.namespace})
	f.metrics.Cluster.Forwarded.WithLabelValues(outcome.String()).Inc()
	switch {
	case outcome == peer.Answered && res.StatusCode == http.StatusNotFound: // it has no such route
		return false, domain.Unavailable(nil, "the version of the server %s does not know this request", to.Name)
	case outcome == peer.Answered:
		pass(w, res)
		return true, nil
	case outcome == peer.NotSent:
		return false, domain.Unavailable(err, "the server %s cannot be reached at %s", to.Name, to.URL)
	}
	return false, domain.Unavailable(err, "the server %s has not answered, and may do it nevertheless: try again",
		to.Name)
}

// jobOf returns the job that a path names. One that is not there is dealt with here.
func (f *forwarder) jobOf(ctx context.Context, id, key, namespace string) (domain.Job, bool) {
	if id != "" {
		job, err := parseJobID("id", id)
		return domain.Job{ID: job}, err == nil
	}
	q := store.JobQuery{Namespace: cmp.Or(namespace, newDoc(ctx).Namespace), Key: key, Limit: 1}
	if !domain.ValidJobKey(key) || !domain.ValidNamespace(q.Namespace) || !seesNamespace(ctx, q.Namespace) {
		return domain.Job{}, false
	}
	found, err := f.jobs.List(ctx, q)
	if err != nil || len(found.Jobs) == 0 {
		return domain.Job{}, false
	}
	return found.Jobs[0], true
}

// identity chooses under what a request makes what it makes, so that it is made once whichever
// nodes try. What is triggered is due when the current version holds: an earlier pause does not stop it.
func (f *forwarder) identity(ctx context.Context, how forwarding, job *domain.Job) (is peer.Identity) {
	if how == readsJob {
		return is
	}
	entry := f.trail.changeBy(ctx, "")
	is.At, is.Nonce = entry.At, entry.Nonce
	if how != triggersJob {
		return is
	}
	now, err := f.jobs.Get(ctx, job.ID)
	if err != nil { // the owner, or this node, will say so
		now.Current.EffectiveFrom = 0
	}
	is.Due = max(clock.NowMs(f.trail.clock), now.Current.EffectiveFrom)
	return is
}

// outward returns a request as its client has sent it, with its id.
func outward(r *http.Request) *http.Request {
	out := r.Clone(r.Context())
	if versioned := versionedURL(r.Context()); versioned != nil {
		out.URL = versioned
	}
	out.Header.Set(front.RequestIDHeader, telemetry.RequestID(r.Context()))
	return out
}

// pass hands the answer of another node to the client.
func pass(w http.ResponseWriter, res *http.Response) {
	defer func() { _ = res.Body.Close() }()
	res.Header.Del(front.RequestIDHeader) // it is in the answer already
	maps.Copy(w.Header(), res.Header)
	w.WriteHeader(res.StatusCode)
	_, _ = io.Copy(w, res.Body) // a client that is gone has no use for it
}

// headerLive tells that an answer lacks what some nodes know alone.
const headerLive = "Belfry-Live"

// notePartial marks an answer that lacks what another node knows.
func notePartial(w http.ResponseWriter) { w.Header().Set(headerLive, "partial") }

// notes returns a context under which answers that lack what other nodes know are marked.
func (f *forwarder) notes(ctx huma.Context) huma.Context {
	if f == nil {
		return ctx
	}
	_, w := humago.Unwrap(ctx)
	return huma.WithContext(ctx, view.WithPartial(ctx.Context(), func() { notePartial(w) }))
}
