package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/google/go-cmp/cmp"
)

func TestProblemOf(t *testing.T) {
	own := kindBusy.problem("own")
	for _, tc := range []struct {
		name   string
		err    error
		status int
		detail string
	}{
		{"a problem", own, 429, "own"},
		{"a wrapped problem", fmt.Errorf("context: %w", own), 429, "own"},
		{"a wrong field", domain.Invalid("api", "must be a URL", "x"), 422, "api must be a URL"},
		{"no field, a message", &domain.Error{Code: domain.CodeInvalid, Message: "no good"}, 422, "no good"},
		{"neither", &domain.Error{Code: domain.CodeInvalid}, 422, ""},
		{"not found", domain.NotFound("job", domain.JobID{}), 404,
			"job 00000000-0000-0000-0000-000000000000 does not exist"},
		{"conflict", domain.Conflict("version %d", 3), 409, "version 3"},
		{"wrapped", fmt.Errorf("while: %w", domain.Conflict("x")), 409, "x"},
		{"unavailable", domain.Unavailable(io.EOF, "no commit"), 503, "no commit"},
		{"internal", &domain.Error{Code: domain.CodeInternal, Message: "canary"}, 500,
			"The server failed. Its log has the cause under the number in instance."},
		{"anything else", errors.New("canary"), 500, "The server failed. Its log has the cause under the number " +
			"in instance."},
		{"too large", &http.MaxBytesError{Limit: 7}, 413, "The body must be at most 7 bytes."},
		{"canceled", context.Canceled, 503, "The request was given up before it was done."},
		{"too late", fmt.Errorf("list: %w", context.DeadlineExceeded), 503,
			"The request was given up before it was done."},
	} {
		p := problemOf(tc.err)
		if p.Status != tc.status || p.Detail != tc.detail || strings.Contains(fmt.Sprintf("%+v", p.Errors), "canary") {
			t.Errorf("%s: %d %q, want %d %q", tc.name, p.Status, p.Detail, tc.status, tc.detail)
		}
		if (p.Instance != "") != (tc.status == 500) {
			t.Errorf("%s: instance %q", tc.name, p.Instance)
		}
		if tc.status == 503 && p.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", tc.name)
		}
	}
}

func TestManyWrongFieldsAreCut(t *testing.T) {
	e := &domain.Error{Code: domain.CodeInvalid}
	for i := range 5000 {
		e.Fields = append(e.Fields, domain.FieldError{Field: fmt.Sprint("f", i), Message: "is wrong"})
	}
	p := problemOf(e)
	if len(p.Errors) != maxFieldProblems || p.Detail != "5000 fields are wrong (the first 100 are "+
		"listed): f0 is wrong" {
		t.Errorf("%d fields, %q", len(p.Errors), p.Detail)
	}
	e.Fields = e.Fields[:2]
	if p := problemOf(e); p.Detail != "2 fields are wrong: f0 is wrong" {
		t.Errorf("%q", p.Detail)
	}
}

func TestFromStore(t *testing.T) {
	coded := domain.Conflict("x")
	for _, tc := range []struct {
		err  error
		code domain.Code
	}{
		{coded, domain.CodeConflict},
		{fmt.Errorf("y: %w", coded), domain.CodeConflict},
		{errors.New("disk gone"), domain.CodeUnavailable},
		{context.Canceled, domain.CodeInternal}, // has no code: left as it is
	} {
		if got := domain.ErrorCode(store.Coded(tc.err)); got != tc.code {
			t.Errorf("%v: %s, want %s", tc.err, got, tc.code)
		}
	}
	if store.Coded(nil) != nil {
		t.Error("no error became one")
	}
}

func TestEcho(t *testing.T) {
	for _, tc := range []struct{ in, want any }{
		{nil, nil}, {true, true}, {7, 7}, {int64(7), int64(7)}, {1.5, 1.5}, {"x", "x"}, {"", ""},
		{domain.AtLeastOnce, "ATLEAST_ONCE"}, {[]string{"a"}, "[a]"},
		{strings.Repeat("x", maxEchoBytes), strings.Repeat("x", maxEchoBytes)},
		{strings.Repeat("x", maxEchoBytes+1), strings.Repeat("x", maxEchoBytes) + "…"},
		// not within a letter
		{"x" + strings.Repeat("é", maxEchoBytes), "x" + strings.Repeat("é", maxEchoBytes/2-1) + "…"},
	} {
		if got := echo(tc.in); got != tc.want {
			t.Errorf("echo(%.20v) = %.300v, want %.300v", tc.in, got, tc.want)
		}
	}
}

// slowConn is the error of a read that came too late.
type slowConn struct{}

var _ net.Error = slowConn{}

func (slowConn) Timeout() bool   { return true }
func (slowConn) Temporary() bool { return true }
func (slowConn) Error() string   { return "i/o timeout" }

func TestReadFault(t *testing.T) {
	for _, tc := range []struct {
		err    error
		status int
	}{
		{slowConn{}, 408}, {os.ErrDeadlineExceeded, 408}, {io.ErrUnexpectedEOF, 400},
		{errors.New("malformed chunked encoding"), 400},
		{&http.MaxBytesError{Limit: 1}, 413},
	} {
		if got := problemOf(readFault(tc.err)).Status; got != tc.status {
			t.Errorf("%v: %d, want %d", tc.err, got, tc.status)
		}
	}
}

// drain reads every item of an import and draws it: the api of a document, or
// the status of its error; then how the import ended.
func drain(t *testing.T, r io.Reader) []string {
	t.Helper()
	items, err := newImportReader(r, 300, domain.NewSpecDoc())
	if err != nil {
		return []string{fmt.Sprint("none: ", problemOf(err).Status)}
	}
	var out []string
	for {
		item, err := items.next()
		switch {
		case errors.Is(err, io.EOF):
			if _, again := items.next(); !errors.Is(again, io.EOF) {
				t.Errorf("the end is not final: %v", again)
			}
			return append(out, "end")
		case err != nil:
			return append(out, fmt.Sprint("broken: ", problemOf(err).Status))
		case item.err != nil:
			out = append(out, fmt.Sprint(problemOf(item.err).Status))
		default:
			out = append(out, item.doc.API)
		}
	}
}

// How the bytes arrive makes no difference.
func TestImportReaderInAnyPieces(t *testing.T) {
	item := `{"api":"a","name":"]}\\\" ,[{"}`
	long := `{"api":"` + strings.Repeat("x", 400) + `"}`
	for _, tc := range []struct {
		body string
		want []string
	}{
		{"[" + item + " , " + item + "]", []string{"a", "a", "end"}},
		{"[" + item + "," + long + "," + item + "]\n", []string{"a", "413", "a", "end"}},
		{"[" + item + "," + item[:9], []string{"a", "broken: 400"}},
		{"[1,2]3", []string{"400", "400", "broken: 400"}},
		{item + "\r\n\n" + long + "\n" + item, []string{"a", "413", "a", "end"}},
		{item + "\n" + item[:9], []string{"a", "400", "end"}},
		{"\n \t\r", []string{"none: 400"}},
	} {
		for name, r := range map[string]io.Reader{
			"whole":     strings.NewReader(tc.body),
			"bytes":     iotest.OneByteReader(strings.NewReader(tc.body)),
			"halves":    iotest.HalfReader(strings.NewReader(tc.body)),
			"early EOF": iotest.DataErrReader(strings.NewReader(tc.body)),
		} {
			if got := drain(t, r); !slices.Equal(got, tc.want) {
				t.Errorf("%q in %s: %v, want %v", tc.body, name, got, tc.want)
			}
		}
	}
}

func TestImportReaderTellsFaultsOfTheConnection(t *testing.T) {
	item := `{"api":"a"}`
	for _, start := range []string{"[" + item, "[" + item + ",", "[" + item + "]", item + "\n", item} {
		r := io.MultiReader(strings.NewReader(start), iotest.ErrReader(slowConn{}))
		if got := drain(t, r); got[len(got)-1] != "broken: 408" {
			t.Errorf("%q: %v", start, got)
		}
	}
	if got := drain(t, iotest.ErrReader(slowConn{})); got[0] != "none: 408" {
		t.Errorf("%v", got)
	}
}

func TestVersionsAsTags(t *testing.T) {
	for _, n := range []int{1, 2, 1 << 30} {
		if got, err := parseTags("If-Match", []string{etag(n)}); err != nil || got.single() != n {
			t.Errorf("%d: %v, %v", n, got, err)
		}
	}
	if diff := cmp.Diff([]string{`"7"`}, []string{etag(7)}); diff != "" {
		t.Error(diff)
	}
}
