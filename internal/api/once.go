package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/danielgtaylor/huma/v2"
)

// A request with an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header) is carried
// out once in 24 hours; [edit.Once] sees to that. What the routes add is what makes two
// requests the same, and which answers are kept: successes, as what they have made, and
// refusals that are final.

const (
	headerKey      = "Idempotency-Key"
	headerReplayed = "Idempotent-Replayed"

	maxKeyLength = 255
	keyAgain     = "1"  // seconds, while the same request is under way
	keysAgain    = "60" // seconds, when too many keys are kept: the oldest go each minute
)

// registerOnce is register for a route that makes something. again answers a request that was
// carried out, from what is kept of it.
func registerOnce[I, O any](rt *router, once *edit.Once, op huma.Operation,
	handle func(context.Context, *I) (*O, error),
	again func(context.Context, *I, *domain.IdempotencyRecord) (*O, error), refusals ...kind) {
	documentKey(&op)
	buffers := op.RequestBody != nil
	register(rt, op, func(ctx context.Context, in *I) (*O, error) {
		raw, _ := any(in).(interface{ raw() *request })
		rq := raw.raw()
		asked, err := recordOf(ctx, rq.r, buffers)
		if err != nil || asked == nil {
			if err == nil {
				return handle(ctx, in)
			}
			return nil, err
		}
		fresh, kept, end, err := once.Begin(ctx, *asked)
		if err != nil {
			return nil, keyProblem(err)
		}
		defer end()
		if kept != nil {
			rq.w.Header().Set(headerReplayed, "true")
			if kept.Status != 0 {
				return nil, refusedBefore(kept)
			}
			return again(ctx, in, kept)
		}
		out, err := handle(store.WithIdempotency(ctx, fresh), in)
		if err != nil {
			err = keepRefusal(ctx, once, fresh, err)
		}
		return out, err
	}, append(refusals, kindKeyInUse, kindKeyReused, kindKeysFull)...)
	documentReplay(rt, &op)
}

// raw returns the request itself.
func (rq *request) raw() *request { return rq }

// documentKey adds the header to the document.
func documentKey(op *huma.Operation) {
	least, most := 1, 2*maxKeyLength+2
	op.Parameters = append(op.Parameters, &huma.Param{
		Name: headerKey, In: "header", Schema: &huma.Schema{
			Type: "string", MinLength: &least, MaxLength: &most,
			Pattern:  `^("([ !#-\[\]-~]|\\["\\]){1,255}"|[!#-+\--:<-\[\]-~]{1,255})$`,
			Examples: []any{`"8e03978e-40d5-43dd-bc93-6894a57f9324"`},
		},
		Description: "Chosen by the client, a new one for each new request: 1 to 255 printable ASCII characters, in " +
			"quotes or not. The same request with the same key within 24 hours is not carried out again, but " +
			"answered as " +
			"the first time, with Idempotent-Replayed: true.",
	})
}

// documentReplay adds the header to the answers in the document.
func documentReplay(rt *router, op *huma.Operation) {
	status := strconv.Itoa(max(op.DefaultStatus, http.StatusOK))
	res := rt.documented(op).Responses[status]
	if res.Headers == nil {
		res.Headers = map[string]*huma.Param{}
	}
	// Not an enum: ogen names one by its operation, and shares the answer of two.
	most := len("true")
	res.Headers[headerReplayed] = &huma.Header{
		Description: "true: the request was carried out before, and this is the answer of then.",
		Schema:      &huma.Schema{Type: "string", Pattern: "^true$", MaxLength: &most},
	}
}

// recordOf returns the record that a request asks for, or nil without the header. If buffers
// is set it reads the body, which [readBody] returns again.
func recordOf(ctx context.Context, r *http.Request, buffers bool) (*domain.IdempotencyRecord, error) {
	text, err := parseKey(r.Header.Values(headerKey))
	if err != nil || text == "" {
		return nil, err
	}
	var body []byte
	if buffers {
		if body, err = wholeBody(r); err != nil {
			return nil, err
		}
	}
	v := visitorOf(ctx)
	return &domain.IdempotencyRecord{
		Key: domain.NewIdempotencyKey(v.author.Key, v.namespace, text), Caller: v.author.Key,
		Fingerprint: fingerprint(r, body),
	}, nil
}

// fingerprint tells requests apart: by what they ask for, not by how it is sent.
func fingerprint(r *http.Request, body []byte) domain.Fingerprint {
	asked := r.URL.Query()
	asked.Del(timeParam)    // it is about the answer
	query := asked.Encode() // sorted
	return domain.NewFingerprint([]byte(r.Method), []byte(r.URL.Path), []byte(query),
		[]byte(strings.Join(r.Header.Values("If-Match"), ",")),
		[]byte(strings.Join(r.Header.Values("If-None-Match"), ",")), body)
}

// parseKey reads the header: a string of RFC 8941, section 3.3.3, or the same text without
// quotes, as other services take it. Empty: there is none.
func parseKey(lines []string) (string, error) {
	if len(lines) == 0 {
		return "", nil
	}
	line := strings.Trim(lines[0], " \t")
	text, quoted := strings.CutPrefix(line, `"`)
	ok := len(lines) == 1
	if quoted {
		text, ok = unquote(text)
		ok = ok && len(lines) == 1
	} else if strings.ContainsAny(text, ` ",;\`) {
		ok = false
	}
	printable := !strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' })
	if !ok || !printable || text == "" || len(text) > maxKeyLength {
		return "", kindMalformed.fieldAs(domain.FieldFormat, headerKey,
			"must be there once, with 1 to 255 printable ASCII characters, in "+
				`quotes if a blank, a comma, a semicolon, " or \ is among them`, strings.Join(lines, ", "))
	}
	return text, nil
}

// unquote returns the text of a string without its first quote.
func unquote(rest string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; c {
		case '"':
			return b.String(), i == len(rest)-1
		case '\\':
			if i++; i == len(rest) || rest[i] != '"' && rest[i] != '\\' {
				return "", false
			}
			b.WriteByte(rest[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}

// keyProblem says why a request is neither carried out nor answered again.
func keyProblem(err error) error {
	switch {
	case errors.Is(err, edit.ErrUnderWay):
		return kindKeyInUse.fieldAs(domain.FieldDuplicate, headerKey,
			"belongs to a request that has not been answered yet", nil).
			with("Retry-After", keyAgain)
	case errors.Is(err, edit.ErrOtherRequest):
		return kindKeyReused.fieldAs(domain.FieldDuplicate, headerKey,
			"came with another request before: each request needs its own", nil)
	case errors.Is(err, edit.ErrKeysFull):
		return kindKeysFull.plain().with("Retry-After", keysAgain)
	}
	return err
}

// repeatable are the refusals that are not kept: the same request may succeed later.
var repeatable = []int{
	http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusConflict, http.StatusRequestEntityTooLarge,
	http.StatusTooEarly, http.StatusTooManyRequests,
}

// isFinal reports whether a refusal is kept.
func isFinal(status int) bool {
	return status/100 == 4 && !slices.Contains(repeatable, status)
}

// keepRefusal keeps the answer to a request that is refused for good, and returns it. One
// that the store does not take is answered all the same: nothing was made.
func keepRefusal(ctx context.Context, once *edit.Once, r domain.IdempotencyRecord, err error) error {
	p := problemOf(err)
	if !isFinal(p.Status) {
		return err
	}
	p, text := shortProblem(p)
	r.Status, r.Refusal = p.Status, text
	_ = once.Put(ctx, r)
	return p
}

// shortProblem cuts a problem to what is kept of it: the first of many wrong fields.
func shortProblem(p *Problem) (*Problem, []byte) {
	short := *p
	for {
		text, err := json.Marshal(&short)
		n := len(short.Errors)
		if err == nil && len(text) <= domain.MaxRefusalBytes || n == 0 {
			return &short, text
		}
		short.Errors = short.Errors[:n/2]
	}
}

// refusedBefore returns the answer that is kept of a refusal.
func refusedBefore(kept *domain.IdempotencyRecord) error {
	p := new(Problem)
	dec := json.NewDecoder(bytes.NewReader(kept.Refusal))
	dec.UseNumber() // numbers stay as they were sent
	if err := dec.Decode(p); err != nil {
		return err
	}
	return p
}
