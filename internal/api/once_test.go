package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

// again makes a request twice with one key. The second answer must be the first one, with
// the header that says so.
func again(t *testing.T, h http.Handler, method, path, body string, status int) answer {
	t.Helper()
	const key = "Idempotency-Key: 8e03978e-40d5"
	first := call(t, h, method, path, body, key)
	second := call(t, h, method, path, body, key)
	if first.StatusCode != status || first.Header.Get("Idempotent-Replayed") != "" {
		t.Errorf("%s %s: %d %v %s", method, path, first.StatusCode, first.Header, first.text)
	}
	if second.StatusCode != status || second.text != first.text || second.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%s %s again: %d %v\n%s, want\n%s", method, path, second.StatusCode, second.Header, second.text,
			first.text)
	}
	for _, name := range []string{"Location", "ETag", "Content-Type"} {
		if second.Header.Get(name) != first.Header.Get(name) {
			t.Errorf("%s %s again: %s %q, want %q", method, path, name, second.Header.Get(name), first.Header.Get(name))
		}
	}
	return second
}

// TestTheSameRequestAgain: whatever makes something makes it once, and answers as the first
// time, also when what was made has changed or is gone.
func TestTheSameRequestAgain(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	again(t, h, "POST", "/jobs", minimal, 201)
	then := call(t, h, "POST", "/jobs", minimal, "Idempotency-Key: other")
	id := then.id(t)
	if f.count(t) != 2 {
		t.Errorf("%d jobs", f.count(t))
	}
	call(t, h, "PUT", "/jobs/"+id, `{"name":"changed"}`).into(t, 200, &struct{}{})
	call(t, h, "DELETE", "/jobs/"+id, "").into(t, 200, &struct{}{})
	f.clock.step(time.Hour) // it would have fired
	if got := call(t, h, "POST", "/jobs", minimal, "Idempotency-Key: other"); got.text != then.text ||
		got.Header.Get("ETag") != then.Header.Get("ETag") || f.count(t) != 1 {
		t.Errorf("after its deletion: %s, want %s; %d jobs", got.text, then.text, f.count(t))
	}
	id = call(t, h, "POST", "/jobs", minimal).id(t)
	h2 := newAPI(t, f) // as after a restart
	call(t, h2, "POST", "/jobs/"+id+"/trigger", "", "Idempotency-Key: run").into(t, 202, &struct{}{})
	for range 3 {
		res := call(t, h, "POST", "/jobs/"+id+"/trigger", "", "Idempotency-Key: run")
		if res.into(t, 202, &struct{}{}); res.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%v", res.Header)
		}
	}
	var list struct{ Executions []struct{ ID string } }
	call(t, h, "GET", "/jobs/"+id+"/executions", "").into(t, 200, &list)
	if len(list.Executions) != 1 {
		t.Errorf("%d executions", len(list.Executions))
	}
}

// id returns the id of the job that an answer says was made.
func (a answer) id(t *testing.T) string {
	t.Helper()
	var out struct{ JobID string }
	a.into(t, 201, &out)
	return out.JobID
}

// TestRefusalsAreKept: those that are final. What may succeed later is carried out later.
func TestRefusalsAreKept(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	again(t, h, "POST", "/jobs", `{"schedule":"x","retry":{"maxRetries":9007199254740993}}`, 422)
	long := `{"tags":["` + strings.Join(slices.Repeat([]string{strings.Repeat("ü", 300)}, 90), `","`) + `"]}`
	for range 2 {
		res := call(t, h, "POST", "/jobs", long, "Idempotency-Key: long")
		if res.problem(t, 422); len(res.text) > domain.MaxRefusalBytes+1 {
			t.Errorf("%d bytes", len(res.text))
		}
	}
	missing := "/jobs/" + domain.NewJobID(base).String() + "/trigger"
	call(t, h, "POST", missing, "", "Idempotency-Key: missing").problem(t, 404)
	res := call(t, h, "POST", missing, "", "Idempotency-Key: missing")
	if res.problem(t, 404); res.Header.Get("Idempotent-Replayed") == "" {
		t.Errorf("%v", res.Header)
	}

	f.store.Add(faulty.Rule{Method: "Jobs.Create", Fault: faulty.FailBefore, Times: 1})
	call(t, h, "POST", "/jobs", minimal, "Idempotency-Key: later").problem(t, 503)
	res = call(t, h, "POST", "/jobs", minimal, "Idempotency-Key: later")
	if res.id(t) == "" || res.Header.Get("Idempotent-Replayed") != "" || f.count(t) != 1 {
		t.Errorf("%v, %d jobs", res.Header, f.count(t))
	}
	f.store.Add(faulty.Rule{Method: "Idempotency.Find", Fault: faulty.FailBefore, Times: 1})
	call(t, h, "POST", "/jobs", minimal, "Idempotency-Key: later").problem(t, 503)
	f.store.Add(faulty.Rule{Method: "Idempotency.Put", Fault: faulty.FailBefore, Times: 1})
	call(t, h, "POST", "/jobs", "{}", "Idempotency-Key: not-kept").problem(t, 422)
	for status, want := range map[int]bool{200: false, 400: true, 401: false, 403: true, 404: true,
		408: false, 409: false,
		412: true, 413: false, 422: true, 425: false, 429: false, 500: false, 503: false} {
		if isFinal(status) != want {
			t.Errorf("isFinal(%d) is %v", status, !want)
		}
	}
}

// TestKeysOfRequests: how a key may be written, which requests are the same, and who sees
// whose answers.
func TestKeysOfRequests(t *testing.T) {
	w := newTenants(t)
	post := func(h http.Handler, path, body string, header ...string) answer {
		return call(t, h, "POST", path, body, header...)
	}
	made := post(w.admin, "/jobs", minimal, "Idempotency-Key: a-1").id(t)
	for _, line := range []string{`a-1`, `"a-1"`, ` a-1 `, ` "a-1" `} {
		if id := post(w.admin, "/jobs", minimal, "Idempotency-Key: "+line).id(t); id != made {
			t.Errorf("%q is another key", line)
		}
	}
	if id := post(w.billing, "/jobs", minimal, "Idempotency-Key: a-1").id(t); id == made {
		t.Error("the answer of another caller")
	}
	post(w.admin, "/jobs/"+w.theirs+"/trigger", "", "Idempotency-Key: t-1").into(t, 202, &struct{}{})
	for name, res := range map[string]answer{
		"body":      post(w.admin, "/jobs", minimal+" ", "Idempotency-Key: a-1"),
		"path":      post(w.admin, "/jobs/"+w.theirs+"/trigger", "", "Idempotency-Key: a-1"),
		"condition": post(w.admin, "/jobs/"+w.theirs+"/trigger", "", "Idempotency-Key: t-1", `If-Match: "1"`),
	} {
		if p := res.problem(t, 422); p.Type != "/docs#problem-idempotency-key-reused" ||
			!slices.Equal(p.fields(), []string{"Idempotency-Key"}) {
			t.Errorf("another %s: %s", name, res.text)
		}
	}
	n := w.count(t)
	for _, line := range []string{"", " ", `""`, `"a`, `a"`, `"a"b`, `"a"; b=c`, "a b", "a,b", "a;b", `a\b`,
		`"a\b"`, `"a\`,
		"ü", "a\x01b", "\"a\tb\"", strings.Repeat("x", 256), `"` + strings.Repeat("x", 256) + `"`} {
		if p := post(w.admin, "/jobs", minimal, "Idempotency-Key: "+line).problem(t, 400); !slices.Equal(p.fields(),
			[]string{"Idempotency-Key"}) {
			t.Errorf("%q: %+v", line, p)
		}
	}
	if w.count(t) != n {
		t.Errorf("%d jobs were made", w.count(t)-n)
	}
	for _, line := range []string{"x", `"a b, c; d"`, `"\"\\"`, strings.Repeat("x", 255),
		"~!#$%&'()*+-./:<=>?@[]^_`{|}"} {
		post(w.admin, "/jobs", minimal, "Idempotency-Key: "+line).id(t)
	}
}

// TestOneOfManyAtOnce: a hundred requests with one key make one job.
func TestOneOfManyAtOnce(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	f.store.Add(faulty.Rule{Method: "Jobs.Create", Fault: faulty.Delay, Delay: 20 * time.Millisecond})
	answers := make(chan answer, 100)
	var wait sync.WaitGroup
	for range cap(answers) {
		wait.Go(func() { answers <- call(t, h, "POST", "/jobs", minimal, "Idempotency-Key: one") })
	}
	wait.Wait()
	close(answers)
	ids := map[string]bool{}
	for res := range answers {
		if res.StatusCode == 201 {
			ids[res.id(t)] = true
			continue
		}
		if p := res.problem(t, 409); p.Type != "/docs#problem-idempotency-key-in-use" ||
			res.Header.Get("Retry-After") != "1" {
			t.Errorf("%v %s", res.Header, res.text)
		}
	}
	again := call(t, h, "POST", "/jobs", minimal, "Idempotency-Key: one")
	ids[again.id(t)] = true
	if len(ids) != 1 || f.count(t) != 1 {
		t.Errorf("%d ids, %d jobs", len(ids), f.count(t))
	}
}

// TestKeysEnd: a key is kept for 24 hours and no longer, and no more are kept than there
// may be: a caller who has too many is refused, others are not.
func TestKeysEnd(t *testing.T) {
	w := newTenants(t)
	first := call(t, w.billing, "POST", "/jobs", minimal, "Idempotency-Key: a").id(t)
	w.clock.step(24*time.Hour - time.Second)
	if got := call(t, w.billing, "POST", "/jobs", minimal, "Idempotency-Key: a").id(t); got != first {
		t.Error("forgotten too early")
	}
	w.clock.step(time.Second)
	second := call(t, w.billing, "POST", "/jobs", minimal, "Idempotency-Key: a").id(t)
	if second == first {
		t.Error("kept for too long")
	}

	caller := w.caller(t)
	big := domain.IdempotencyRecord{Key: domain.IdempotencyKey{1}, Caller: caller, At: w.now(), Status: 422,
		Refusal: bytes.Repeat([]byte{'x'}, domain.MaxCallerIdempotencyBytes)}
	if err := w.disk.Idempotency().Put(t.Context(), big); err != nil {
		t.Fatal(err)
	}
	n := w.count(t)
	full := call(t, w.billing, "POST", "/jobs", minimal, "Idempotency-Key: b")
	if p := full.problem(t, 429); p.Type != "/docs#problem-idempotency-keys-full" ||
		full.Header.Get("Retry-After") != "60" {
		t.Errorf("%s", full.text)
	}
	if got := call(t, w.billing, "POST", "/jobs", minimal, "Idempotency-Key: a").id(t); got != second ||
		w.count(t) != n {
		t.Errorf("%s, want %s; %d jobs, want %d", got, second, w.count(t), n)
	}
	call(t, w.billing, "POST", "/jobs", minimal).id(t)
	call(t, w.admin, "POST", "/jobs", minimal, "Idempotency-Key: b").id(t)
}

// caller returns how the trail names the confined key.
func (w *tenants) caller(t *testing.T) string {
	t.Helper()
	var list struct{ Keys []struct{ ID string } }
	call(t, w.admin, "GET", "/keys", "").into(t, 200, &list)
	return list.Keys[0].ID
}

// A problem that is kept is the one that was answered, whatever it echoes.
func TestAKeptProblemIsTheSame(t *testing.T) {
	p := kindInvalid.field("retry.maxRetries", "must be less", json.Number("9007199254740993"))
	p.Errors = append(p.Errors, FieldProblem{Field: "x", Message: "<&>", Value: 1.5},
		FieldProblem{Field: "y", Message: "no value"})
	short, text := shortProblem(p)
	back := refusedBefore(&domain.IdempotencyRecord{Refusal: text})
	want, _ := json.Marshal(short)
	if got, _ := json.Marshal(back); !bytes.Equal(got, want) || len(short.Errors) != 3 {
		t.Errorf("%s, want %s", got, want)
	}
	if refusedBefore(&domain.IdempotencyRecord{}) == nil {
		t.Error("an answer of nothing")
	}
}

// TestKeysAreIgnoredElsewhere: where a repeat changes nothing.
func TestKeysAreIgnoredElsewhere(t *testing.T) {
	h := newAPI(t, newFixture(t))
	path := "/jobs/" + create(t, h, minimal)
	for _, row := range [][3]string{
		{"POST", "/schedules/preview", `{"schedule":"@hourly"}`}, {"PUT", path, `{"name":"x"}`},
		{"POST", path + "/pause", ""}, {"POST", path + "/resume", ""}, {"GET", path, ""}, {"DELETE", path, ""},
	} {
		call(t, h, row[0], row[1], row[2], "Idempotency-Key: a b").into(t, 200, &struct{}{})
	}
}

// TestTheSameAPIKeyAgain: one key is made, and shown once; the second answer says so.
func TestTheSameAPIKeyAgain(t *testing.T) {
	f := newFixture(t)
	h := withKey{newAPI(t, f, func(c *Config) { c.Keys = ring(t, f, key1) }), key1}
	body := `{"name":"CI","role":"editor","namespace":"billing"}`
	var first, second createdKeyBody
	call(t, h, "POST", "/keys", body, "Idempotency-Key: a").into(t, 201, &first)
	res := call(t, h, "POST", "/keys", body, "Idempotency-Key: a")
	res.into(t, 201, &second)
	if second.Key != "" || !strings.Contains(second.Message, "revoke") || first.Message != "" || first.Key == "" ||
		res.Header.Get("Idempotent-Replayed") != "true" || res.Header.Get("Location") != "/keys/"+first.ID {
		t.Errorf("%v %s", res.Header, res.text)
	}
	if first.Key, second.Message = "", ""; first != second {
		t.Errorf("%+v, want %+v", second, first)
	}
	stored, err := f.disk.Keys().List(t.Context())
	if err != nil || len(stored) != 1 {
		t.Errorf("%d keys, error %v", len(stored), err)
	}
	call(t, h, "DELETE", "/keys/"+first.ID, "").into(t, 200, &struct{}{})
	call(t, h, "POST", "/keys", body, "Idempotency-Key: a").into(t, 201, &struct{}{})
}
