package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/google/uuid"
)

// problemPath and the slug of a kind are the type of a problem.
const problemPath = reference.ProblemPath

// Limits of what a problem document echoes. A body of 1 MiB that is wrong in
// every byte is answered with at most 100 * (256 + 1024 + 256) bytes.
const (
	maxFieldProblems = 100
	maxEchoBytes     = 256
	maxMessageBytes  = 1024 // what is wrong may quote what was sent
)

// Problem is an error as the API tells it: a problem document of RFC 9457.
type Problem struct {
	Type     string         `json:"type" format:"uri-reference" doc:"What kind of problem this is: a section of /docs. There may be more one day." example:"/docs#problem-invalid"`
	Code     string         `json:"code" doc:"The kind of problem as one word, for programs: the end of type. It keeps its meaning." example:"invalid"`
	Title    string         `json:"title" doc:"The kind of problem in words. The same for every problem of a type." example:"The document has wrong fields"`
	Status   int            `json:"status" doc:"The HTTP status." example:"422"`
	Detail   string         `json:"detail,omitempty" doc:"What went wrong this time." example:"1 field is wrong"`
	Instance string         `json:"instance,omitempty" format:"uri-reference" doc:"For a 500: a number that the server's log has too." example:"urn:uuid:5f0c8f7e-3a55-4a8e-9a3e-7c1d2f0b6a11"`
	Errors   []FieldProblem `json:"errors,omitempty" nullable:"false" doc:"Every wrong field."`

	SignIn *signInBody `json:"signIn,omitempty" doc:"For a 401: how one signs in."`

	header http.Header
	cause  error
}

// signInBody says how one signs in.
type signInBody struct {
	Key  bool        `json:"key" doc:"With an API key." example:"true"`
	OIDC *signInOIDC `json:"oidc,omitempty" doc:"By OpenID Connect, in a browser; absent: not."`
}

// signInOIDC says how one signs in by OpenID Connect.
type signInOIDC struct {
	Name string `json:"name" doc:"What people call the provider." example:"login.example.com"`
	URL  string `json:"url" format:"uri" doc:"Where the browser goes, with to if it is to come back elsewhere than to the overview of the page." example:"https://belfry.example.com/session/oidc"`
}

// FieldProblem says which field is wrong and what would be right.
type FieldProblem struct {
	Field   string           `json:"field" doc:"The field, as a dotted path from the top of the document, or the name of a parameter or header." example:"retry.maxRetries"`
	Code    domain.FieldCode `json:"code" doc:"What is wrong with it, for programs: see FieldCode." example:"out-of-range"`
	Message string           `json:"message" doc:"What would be right. Its wording may change." example:"must be from 0 to 100"`
	Value   any              `json:"value,omitempty" doc:"What was given. Absent when nothing was, or when it may be secret; long text is cut."`
}

// kind is a kind of problem.
type kind struct {
	slug, title string
	status      int
	meaning     string // for the docs page
}

// The kinds of problems. The page at /docs lists them.
var (
	kindMalformed = kind{"malformed", "The request cannot be read", http.StatusBadRequest,
		"The body is no JSON document of the right shape, or a parameter, a header or an id is wrong. errors names it."}
	kindInvalid = kind{"invalid", "The document has wrong fields", http.StatusUnprocessableEntity,
		"The body is JSON, but fields are missing, unknown or wrong. errors names every one. Nothing was stored."}
	kindUnknownKey = kind{"unauthorized", "An API key is needed", http.StatusUnauthorized,
		"Send Authorization: Bearer KEY with one of the server's keys. A session, if there was one, has ended."}
	kindRole = kind{"forbidden", "The key may not do this", http.StatusForbidden,
		"Its role is too weak (viewer reads, editor changes jobs, admin does everything), or it is confined to a " +
			"namespace and this is about another one, or about all."}
	kindGuessing = kind{"wrong-keys", "Too many wrong keys", http.StatusTooManyRequests,
		"Ten wrong keys at once, then one a second, are taken of one address. Retry-After says when to try again. A " +
			"right key of 32 characters or more never has to wait."}
	kindSignIn = kind{"sign-in-refused", "The sign-in was refused", http.StatusForbidden,
		"The provider of OpenID Connect has not let the person in, its answer does not belong to a sign-in that this " +
			"browser has begun or does not hold, or nothing is granted to the person. detail says which."}
	kindRate = kind{"rate", "Too many requests", http.StatusTooManyRequests,
		"The key makes more requests a second than the settings allow. Retry-After says when to try again."}
	kindForbidden = kind{"cross-origin", "Cross-origin requests are refused", http.StatusForbidden,
		"A web page of another origin tried to change something."}
	kindForwarded = kind{"forwarded", "A proxy needs API keys", http.StatusForbidden,
		"A proxy has forwarded the request, and no API key is set: then the server answers only to " +
			"programs on its own " +
			"machine, since everybody whom the proxy lets in would be an admin."}
	kindMisdirected = kind{"misdirected", "This server does not answer for that host", http.StatusMisdirectedRequest,
		"Without an API key a server on loopback answers only to loopback names, so that a web page cannot reach it " +
			"by DNS rebinding."}
	kindNotFound = kind{"not-found", "There is no such thing", http.StatusNotFound,
		"The path, the job or the execution does not exist."}
	kindMethod = kind{"method", "The method is not allowed here", http.StatusMethodNotAllowed,
		"Allow names the methods of the path."}
	kindConflict = kind{"conflict", "Somebody else was first", http.StatusConflict,
		"The job changed while the request was on its way. Read it and try again."}
	kindStale = kind{"stale", "The version is not the current one", http.StatusPreconditionFailed,
		"If-Match names other versions than the current one, or If-None-Match names it. Read the job and decide again."}
	kindKeyInUse = kind{"idempotency-key-in-use", "The same request is under way", http.StatusConflict,
		"A request with this Idempotency-Key has not been answered yet. Send it again after Retry-After."}
	kindKeyReused = kind{"idempotency-key-reused", "The Idempotency-Key belongs to another request",
		http.StatusUnprocessableEntity, "The key came with another method, path, query, condition or body in the " +
			"last 24 hours. Take a new key for each new request."}
	kindKeysFull = kind{"idempotency-keys-full", "Too many Idempotency-Keys are kept", http.StatusTooManyRequests,
		"As many as there may be are kept, of the caller or of all; each for 24 hours. Nothing was carried out. " +
			"Try again later, or without a key."}
	kindTooLarge = kind{"too-large", "The body is too large", http.StatusRequestEntityTooLarge,
		"The body is over the limit of the path."}
	kindMediaType = kind{"media-type", "The content type is not supported", http.StatusUnsupportedMediaType,
		"Send Content-Type: application/json, without Content-Encoding; an import takes application/x-ndjson too."}
	kindSlow = kind{"slow", "The request came too slowly", http.StatusRequestTimeout,
		"The body did not arrive in time."}
	kindBusy = kind{"busy", "Too much at a time", http.StatusTooManyRequests,
		"As many imports, audits, exports or sign-ins as the server takes are under way, or other requests hold all " +
			"memory that there is for requests. Retry-After says when to try again."}
	kindInternal = kind{"internal", "A fault of the server", http.StatusInternalServerError,
		"instance is in the server's log, with the cause."}
	kindUnavailable = kind{"unavailable", "Not now", http.StatusServiceUnavailable,
		"The store cannot commit, or the server is stopping. Retry-After says when to try again."}
)

var kinds = []kind{
	kindMalformed, kindInvalid, kindUnknownKey, kindRole, kindGuessing, kindSignIn, kindRate, kindForbidden,
	kindForwarded,
	kindMisdirected,
	kindNotFound, kindMethod, kindConflict,
	kindStale, kindKeyInUse, kindKeyReused, kindKeysFull, kindTooLarge, kindMediaType, kindSlow, kindBusy, kindInternal,
	kindUnavailable,
}

// kindOfCode is the one mapping of the house's error codes to HTTP.
var kindOfCode = map[domain.Code]kind{
	domain.CodeInvalid:     kindInvalid,
	domain.CodeNotFound:    kindNotFound,
	domain.CodeConflict:    kindConflict,
	domain.CodeUnavailable: kindUnavailable,
	domain.CodeInternal:    kindInternal,
}

func (k kind) problem(format string, args ...any) *Problem {
	p := k.plain()
	p.Detail = fmt.Sprintf(format, args...)
	return p
}

// plain returns a problem that says no more than its kind.
func (k kind) plain() *Problem {
	return &Problem{Type: problemPath + k.slug, Code: k.slug, Title: k.title, Status: k.status}
}

// field returns a problem about one parameter, header or part of the body.
func (k kind) field(name, message string, value any) *Problem {
	return k.fieldAs(domain.FieldInvalid, name, message, value)
}

// fieldAs is field with the code of what is wrong.
func (k kind) fieldAs(code domain.FieldCode, name, message string, value any) *Problem {
	p := k.problem("%s %s", name, message)
	p.Errors = []FieldProblem{{name, cmp.Or(code, domain.FieldInvalid), message, echo(value)}}
	return p
}

// with sets a response header.
func (p *Problem) with(name, value string) *Problem {
	if p.header == nil {
		p.header = http.Header{}
	}
	p.header.Set(name, value)
	return p
}

// Error implements error.
func (p *Problem) Error() string { return p.Title + ": " + p.Detail }

// Unwrap returns the cause, which is never shown to a client.
func (p *Problem) Unwrap() error { return p.cause }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders implements huma.HeadersError.
func (p *Problem) GetHeaders() http.Header { return p.header }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// problemOf makes the problem document of any error. What is not an error of
// the caller becomes a 500 that says nothing but the number of its log line.
func problemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		// Nobody waits for the rest of the body.
		return kindTooLarge.problem("The body must be at most %d bytes.", e.Limit).with("Connection", "close")
	}
	if f, ok := errors.AsType[*wire.Fault](err); ok {
		return problemOfFault(f)
	}
	if e, ok := errors.AsType[*domain.Error](err); ok && e.Code != domain.CodeInternal {
		return problemOfDomain(e, err)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		p := kindUnavailable.problem("The request was given up before it was done.").with("Retry-After", "1")
		p.cause = err
		return p
	}
	return internalProblem(err)
}

// problemOfFault tells why a body or a parameter cannot be read.
func problemOfFault(f *wire.Fault) *Problem {
	switch {
	case f.Subject == "":
		return kindMalformed.fieldAs(f.Code, wire.Shorten(f.Field, maxEchoBytes), f.Message, f.Value)
	case f.TooLong:
		return kindTooLarge.problem("%v.", f)
	}
	return kindMalformed.problem("%v.", f)
}

func internalProblem(cause error) *Problem {
	p := kindInternal.problem("The server failed. Its log has the cause under the number in instance.")
	p.Instance = "urn:uuid:" + uuid.NewString()
	p.cause = cause
	return p
}

func problemOfDomain(e *domain.Error, cause error) *Problem {
	k, known := kindOfCode[e.Code]
	if !known {
		return internalProblem(cause)
	}
	p := k.problem("%s", e.Message)
	p.cause = cause
	for _, f := range e.Fields[:min(len(e.Fields), maxFieldProblems)] {
		p.Errors = append(p.Errors, FieldProblem{wire.Shorten(f.Field, maxEchoBytes),
			cmp.Or(f.Code, domain.FieldInvalid),
			wire.Shorten(f.Message, maxMessageBytes), echo(f.Value)})
	}
	if p.Detail == "" {
		p.Detail = summary(e.Fields)
	}
	if e.Code == domain.CodeUnavailable {
		p.with("Retry-After", "1")
	}
	return p
}

// summary is the detail of a problem whose fields say the rest: the first
// fault in words, for clients that show nothing but the detail.
func summary(fields []domain.FieldError) string {
	if len(fields) == 0 {
		return ""
	}
	first := strings.TrimSpace(wire.Shorten(fields[0].Field, maxEchoBytes) + " " +
		wire.Shorten(fields[0].Message, maxMessageBytes))
	switch n := len(fields); {
	case n == 1:
		return first
	case n > maxFieldProblems:
		return fmt.Sprintf("%d fields are wrong (the first %d are listed): %s", n, maxFieldProblems, first)
	default:
		return fmt.Sprintf("%d fields are wrong: %s", n, first)
	}
}

// asParameter makes of a domain error about a value in the URL a 400 that
// names the parameter.
func asParameter(name string, err error) error {
	e, ok := errors.AsType[*domain.Error](err)
	if !ok || len(e.Fields) == 0 {
		return err
	}
	return kindMalformed.fieldAs(e.Fields[0].Code, name, e.Fields[0].Message, e.Fields[0].Value)
}

// echo cuts a value that is sent back.
func echo(value any) any {
	var text string
	switch v := value.(type) {
	case nil, bool, int, int64, float64:
		return v
	case string:
		text = v
	default:
		text = fmt.Sprint(v)
	}
	return wire.Shorten(text, maxEchoBytes)
}

// write answers with the problem outside of huma.
func (p *Problem) write(w http.ResponseWriter) {
	for name, values := range p.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client is gone: there is nobody to tell
}

// tell makes the problem of an error, and logs the error where it is not the
// caller's.
func tell(ctx context.Context, log *slog.Logger, err error) *Problem {
	p := problemOf(err)
	switch {
	case p.Status < http.StatusInternalServerError:
	case errors.Is(err, context.Canceled):
	default:
		log.LogAttrs(ctx, slog.LevelError, "request failed",
			slog.Int(telemetry.KeyHTTPStatus, p.Status), slog.String(telemetry.KeyInstance, p.Instance),
			slog.Any(telemetry.KeyError, err))
	}
	return p
}

// panicProblem is the answer to a request that ended in a panic, and its number.
func panicProblem() (id string, answer http.Handler) {
	p := internalProblem(nil)
	return p.Instance, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { p.write(w) })
}

// unclearProblem is the answer to a request that has more than one reading.
func unclearProblem(why string) http.Handler {
	p := kindMalformed.problem("The request %s: other programs may read it differently. The connection is closed.", why)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { p.write(w) })
}
