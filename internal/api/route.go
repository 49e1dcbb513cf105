package api

import (
	"context"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/front"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// request gives a handler the raw request. Inputs embed it where huma's typed
// fields are not enough: bodies that are streamed, or read by the domain.
type request struct {
	r *http.Request
	w http.ResponseWriter
}

// Resolve implements huma.Resolver.
func (rq *request) Resolve(ctx huma.Context) []error {
	rq.r, rq.w = humago.Unwrap(ctx)
	return nil
}

// router finds the handler of a request: who may come in, which route it is, whether its
// form is right.
type router struct {
	mux     *muxes
	huma    huma.API
	guard   *guard
	metrics *telemetry.Metrics
	log     *slog.Logger
	version string // of Belfry
	room    *room
	repeats *Repeats
	forward *forwarder   // nil: there are no other nodes
	gate    http.Handler // of their requests; nil: there are none
	asked   http.Handler // answers their questions
	page    http.Handler // the dashboard; nil: there is none

	internal   bool // see Config
	deprecated map[string]deprecation
}

func newRouter(g *guard, rm *room, metrics *telemetry.Metrics, log *slog.Logger, version string) *router {
	mux := newMuxes()
	return &router{
		mux: mux, huma: humago.New(mux, reference.Config()), guard: g, metrics: metrics, log: log,
		version: version, room: rm, deprecated: deprecations,
	}
}

// register adds a route to the mux and to the OpenAPI document. refusals are
// the kinds of problems that it can answer with, beside those that every route
// can.
func register[I, O any](rt *router, op huma.Operation, handle func(context.Context, *I) (*O, error), refusals ...kind) {
	op.SkipValidateParams, op.SkipValidateBody = true, true
	if d, ok := rt.deprecated[op.OperationID]; ok {
		d.document(&op)
		op.Middlewares = append(op.Middlewares, d.middleware)
	}
	op.Middlewares = append(op.Middlewares, rt.admit)
	rt.documentProblems(&op, refusals)
	body := op.RequestBody
	op.RequestBody = nil // huma would read the body itself
	huma.Register(rt.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err == nil {
			return out, nil
		}
		p := tell(ctx, rt.log, err)
		rt.repeats.noteRefusal(ctx, p, op.Method+" "+op.Path)
		if asText(ctx) {
			p = p.withText()
		}
		return nil, p
	})
	rt.documented(&op).RequestBody = body
}

// registerPage adds a route whose answer is not made by huma.
func (rt *router) registerPage(op huma.Operation, contentType string, h http.Handler) {
	rt.documentProblems(&op, nil)
	schema := &huma.Schema{Type: huma.TypeString}
	if contentType == "application/json" {
		schema = &huma.Schema{Type: huma.TypeObject}
	}
	op.Responses["200"] = &huma.Response{
		Description: "OK",
		Content:     map[string]*huma.MediaType{contentType: {Schema: schema}},
	}
	rt.huma.OpenAPI().AddOperation(&op)
	rt.mux.Handle(op.Method+" "+op.Path, h)
}

// documentProblems writes the problems of a route into its responses.
func (rt *router) documentProblems(op *huma.Operation, refusals []kind) {
	schema := rt.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "")
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	all := append([]kind{kindMalformed, kindMisdirected, kindInternal}, refusals...)
	if op.Security == nil { // otherwise the route is open to everybody
		all = append(all, kindUnknownKey, kindGuessing, kindRate, kindRole, kindForwarded)
	}
	if op.Method != http.MethodGet {
		all = append(all, kindForbidden, kindMediaType)
	}
	if op.RequestBody != nil {
		all = append(all, kindTooLarge, kindSlow)
	}
	if (op.RequestBody != nil || costs[op.OperationID] > 0) && !slices.Contains(all, kindBusy) {
		all = append(all, kindBusy)
	}
	for _, k := range all {
		status, text := strconv.Itoa(k.status), k.title+". "+k.meaning
		if other := op.Responses[status]; other != nil { // two kinds of one status
			text = other.Description + " Or: " + text
		}
		op.Responses[status] = &huma.Response{
			Description: text,
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: schema}},
		}
	}
}

// admit refuses a request whose form is wrong before its handler sees it:
// unknown or repeated query parameters, the wrong content type, a body that is
// announced as too large.
func (rt *router) admit(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	op := ctx.Operation()
	var err error
	text := false
	// Probes put what they like there, to pass caches by, and providers what only they understand.
	if !openPaths[op.Path] && op.Path != callbackPath {
		text, err = checkQuery(op, r.URL.RawQuery)
	}
	if err == nil {
		err = checkHeaders(op, r)
	}
	if err == nil && op.RequestBody != nil {
		err = checkOptionalBody(op, r)
		r.Body = http.MaxBytesReader(front.ServerWriter(w), r.Body, op.MaxBodyBytes)
	} else if err == nil && !reads(op.Method) {
		err = checkNoBody(r)
	}
	if text {
		ctx = withText(ctx)
	}
	h := new(held)
	defer h.release()
	ctx = huma.WithValue(ctx, heldKey{}, h)
	if err == nil {
		err = rt.takeRoom(ctx.Context(), op, r)
	}
	if err != nil {
		tell(r.Context(), rt.log, err).write(w)
		return
	}
	ctx, answered, err := rt.forward.try(rt.forward.notes(ctx))
	if err != nil {
		tell(r.Context(), rt.log, err).write(w)
	}
	if err == nil && !answered {
		next(ctx)
	}
}

// takeRoom takes what an operation costs.
func (rt *router) takeRoom(ctx context.Context, op *huma.Operation, r *http.Request) error {
	cost, from := costs[op.OperationID], rt.room.bodies
	if cost == pageCost { // single jobs are read beside them
		from = rt.room.answers
	}
	if op.OperationID == "trigger-job" && len(r.Header["If-Match"]) == 0 && len(r.Header["If-None-Match"]) == 0 {
		cost = 0
	}
	if op.RequestBody != nil && op.OperationID != "import-jobs" { // which has a place instead
		size := r.ContentLength
		if size < 0 {
			size = op.MaxBodyBytes
		}
		if size > smallBody {
			cost += bodyCopies * size
		}
	}
	if cost == 0 {
		return nil
	}
	return take(ctx, from, cost)
}

// withRoom serves an answer of another package, which is at most jobCost.
func (rt *router) withRoom(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := new(held)
		defer h.release()
		ctx := context.WithValue(r.Context(), heldKey{}, h)
		if err := take(ctx, rt.room.bodies, jobCost); err != nil {
			tell(ctx, rt.log, err).write(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// checkQuery refuses parameters that the operation does not take, and says whether the answer
// has its instants as text.
func checkQuery(op *huma.Operation, raw string) (text bool, err error) {
	if raw == "" {
		return false, nil
	}
	query, err := url.ParseQuery(raw)
	if err != nil {
		return false, kindMalformed.problem("The query string cannot be read: %v.", err)
	}
	names := make([]string, 0, len(query))
	for name := range query {
		names = append(names, name)
	}
	sort.Strings(names)
	var known []string
	for _, p := range op.Parameters {
		if p.In == "query" {
			known = append(known, p.Name)
		}
	}
	for _, name := range names {
		if !slices.Contains(known, name) && name != timeParam {
			return false, unknownParameter(name, known)
		}
		if n := len(query[name]); n > 1 {
			return false, kindMalformed.fieldAs(domain.FieldDuplicate, name,
				fmt.Sprintf("must be there once, not %d times", n), nil)
		}
	}
	return parseTime(query)
}

func unknownParameter(name string, known []string) error {
	name = fmt.Sprint(echo(name))
	if len(known) == 0 {
		return kindMalformed.fieldAs(domain.FieldUnknown, name, "is not a parameter: this path takes none", nil)
	}
	return kindMalformed.fieldAs(domain.FieldUnknown, name, "is not a parameter of this path: it takes "+
		strings.Join(known, ", "), nil)
}

// checkOptionalBody is checkBody for a body that may be absent where the operation says so, or say nothing.
func checkOptionalBody(op *huma.Operation, r *http.Request) error {
	if op.RequestBody.Required || r.ContentLength != 0 && isJSON(r) {
		return checkBody(op, r)
	}
	if checkNoBody(r) == nil {
		r.Body = http.NoBody
		return nil
	}
	return checkBody(op, r)
}

// isJSON reports whether a request says that its body is JSON.
func isJSON(r *http.Request) bool {
	ct, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && ct == "application/json"
}

func checkBody(op *huma.Operation, r *http.Request) error {
	if r.ContentLength > op.MaxBodyBytes {
		return &http.MaxBytesError{Limit: op.MaxBodyBytes}
	}
	if err := checkCoding(r.Header.Values("Content-Encoding")); err != nil {
		return err
	}
	ct, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := strings.ToLower(params["charset"])
	if err == nil && op.RequestBody.Content[ct] != nil && (charset == "" || charset == "utf-8" || charset == "utf8") {
		return nil
	}
	var want []string
	for name := range op.RequestBody.Content {
		want = append(want, name)
	}
	sort.Strings(want)
	p := kindMediaType.fieldAs(domain.FieldUnsupported, "Content-Type",
		"must be "+strings.Join(want, " or ")+", in UTF-8",
		r.Header.Get("Content-Type")).with("Accept", strings.Join(want, ", "))
	if op.Method == http.MethodPatch { // RFC 5789, section 2.2
		p.with("Accept-Patch", strings.Join(want, ", "))
	}
	return p
}
