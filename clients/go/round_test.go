package clients

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/belfry-scheduler/belfry/clients/go/oapi"
	"github.com/belfry-scheduler/belfry/clients/go/ogenapi"
)

// server returns the address of the server that make clients has started.
func server(t *testing.T) string {
	t.Helper()
	at := os.Getenv("BELFRY_URL")
	if at == "" {
		t.Skip("BELFRY_URL is not set: make clients sets it")
	}
	return at
}

// odd is a job in which no field that may be changed has its default.
const odd = `{"schedule":"0 30 2 1 * *","api":"http://127.0.0.1:9/hook","type":"ATMOST_ONCE","name":"before",
	"tags":["a","b"],"timezone":"Europe/Berlin","method":"PUT","headers":{"X-A":"1","Authorization":"Bearer x"},
	"secretHeaders":["X-B"],"body":{"n":[1,null]},"timeoutMs":500,
	"retry":{"maxRetries":0,"delayMs":2,"backoff":"FIXED","maxDelayMs":3},"overlap":"QUEUE",
	"misfire":{"policy":"SKIP","maxAgeMs":5,"maxRuns":6},"startAt":1900000000000,"endAt":7000000000000,"jitterMs":9,
	"dst":{"gap":"SKIP","fold":"BOTH"},"signing":{"secrets":["whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5"]},
	"prepare":false,"tlsSkipVerify":true,"isActive":false}`

// call sends JSON without any of the clients.
func call(t *testing.T, method, at, body string) map[string]any {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, at, reader)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var v map[string]any
	if err := json.NewDecoder(res.Body).Decode(&v); err != nil || res.StatusCode >= 400 {
		t.Fatalf("%s %s: %d, %v, %v", method, at, res.StatusCode, err, v)
	}
	return v
}

// renames asserts that a rename by a client changes the name of a job and nothing else.
func renames(t *testing.T, base string, rename func(id uuid.UUID, name string) error) {
	t.Helper()
	id := fmt.Sprint(call(t, "POST", base+"/jobs", odd)["id"])
	before, _ := call(t, "GET", base+"/jobs/"+id, "")["spec"].(map[string]any)
	if err := rename(uuid.MustParse(id), "after"); err != nil {
		t.Fatal(err)
	}
	job := call(t, "GET", base+"/jobs/"+id, "")
	after, _ := job["spec"].(map[string]any)
	if after["name"] != "after" || job["isActive"] != false {
		t.Errorf("after the rename: %v", job)
	}
	before["name"] = "after"
	if !reflect.DeepEqual(before, after) {
		t.Errorf("the rename has changed more:\n%v\n%v", before, after)
	}
	call(t, "DELETE", base+"/jobs/"+id, "")
}

// until calls try until it is true.
func until(t *testing.T, what string, try func() bool) {
	t.Helper()
	for range 200 {
		if try() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("no %s", what)
}

func TestOapiCodegen(t *testing.T) {
	base, ctx := server(t), t.Context()
	c, err := oapi.NewClientWithResponses(base)
	if err != nil {
		t.Fatal(err)
	}
	made, err := c.CreateJobWithResponse(ctx, nil, oapi.JobSpec{
		Schedule: "0 0 0 1 1 *", Api: "http://127.0.0.1:9/", Type: "ATLEAST_ONCE", Retry: &oapi.RetrySpec{MaxRetries: new(int64)},
	})
	if err != nil || made.JSON201 == nil {
		t.Fatalf("create: %v, %s", err, made.Body)
	}
	id := made.JSON201.Id
	list, err := c.ListJobsWithResponse(ctx, nil)
	if err != nil || list.JSON200 == nil || len(list.JSON200.Jobs) == 0 {
		t.Fatalf("list: %v, %s", err, list.Body)
	}
	rename := func(id uuid.UUID, name string) error {
		res, err := c.UpdateJobWithResponse(ctx, id, nil, oapi.JobChange{Name: &name})
		if err == nil && (res.JSON200 == nil || *res.JSON200.Spec.Name != name) {
			err = fmt.Errorf("update: %s", res.Body)
		}
		return err
	}
	if err := rename(id, "x"); err != nil {
		t.Fatal(err)
	}
	renames(t, base, rename)
	if res, err := c.TriggerJobWithResponse(ctx, id, nil); err != nil || res.JSON202 == nil {
		t.Fatalf("trigger: %v, %s", err, res.Body)
	}
	until(t, "execution", func() bool {
		res, err := c.ListJobExecutionsWithResponse(ctx, id, nil)
		return err == nil && res.JSON200 != nil && len(res.JSON200.Executions) == 1 &&
			res.JSON200.Executions[0].Status == "FAILED"
	})
	if res, err := c.DeleteJobWithResponse(ctx, id, nil); err != nil || res.JSON200 == nil {
		t.Fatalf("delete: %v, %s", err, res.Body)
	}
	res, err := c.GetJobWithResponse(ctx, id, nil)
	if err != nil || res.ApplicationproblemJSON404 == nil || res.ApplicationproblemJSON404.Code != "not-found" {
		t.Fatalf("get: %v, %s", err, res.Body)
	}
}

// noKey is for a server without keys.
type noKey struct{}

func (noKey) BearerKey(context.Context, ogenapi.OperationName) (ogenapi.BearerKey, error) {
	return ogenapi.BearerKey{Token: "none"}, nil
}

func TestOgen(t *testing.T) {
	base, ctx := server(t), t.Context()
	c, err := ogenapi.NewClient(base, noKey{})
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse("http://127.0.0.1:9/")
	if err != nil {
		t.Fatal(err)
	}
	created, err := c.CreateJob(ctx, &ogenapi.JobSpec{
		Schedule: "0 0 0 1 1 *", API: *target, Type: ogenapi.JobSpecTypeATLEASTONCE,
		Retry: ogenapi.NewOptNilRetrySpec(ogenapi.RetrySpec{MaxRetries: ogenapi.NewOptNilInt64(0)}),
	}, ogenapi.CreateJobParams{})
	made, ok := created.(*ogenapi.SavedHeaders)
	if err != nil || !ok {
		t.Fatalf("create: %v, %+v", err, created)
	}
	id := made.Response.ID
	listed, err := c.ListJobs(ctx, ogenapi.ListJobsParams{})
	if list, ok := listed.(*ogenapi.JobsHeaders); err != nil || !ok || len(list.Response.Jobs) == 0 {
		t.Fatalf("list: %v, %+v", err, listed)
	}
	rename := func(id uuid.UUID, name string) error {
		res, err := c.UpdateJob(ctx, &ogenapi.JobChange{Name: ogenapi.NewOptNilString(name)},
			ogenapi.UpdateJobParams{ID: id})
		// ogen shares the answer of two operations, under the name of one.
		if _, ok := res.(*ogenapi.PutJobByKeyOKHeaders); err == nil && !ok {
			err = fmt.Errorf("update: %+v", res)
		}
		return err
	}
	if err := rename(id, "x"); err != nil {
		t.Fatal(err)
	}
	renames(t, base, rename)
	ran, err := c.TriggerJob(ctx, ogenapi.TriggerJobParams{ID: id})
	if _, ok := ran.(*ogenapi.TriggeredHeaders); err != nil || !ok {
		t.Fatalf("trigger: %v, %+v", err, ran)
	}
	until(t, "execution", func() bool {
		res, err := c.ListJobExecutions(ctx, ogenapi.ListJobExecutionsParams{ID: id})
		all, ok := res.(*ogenapi.ExecutionsHeaders)
		return err == nil && ok && len(all.Response.Executions) == 1 &&
			all.Response.Executions[0].Status == ogenapi.ExecutionStatusFAILED
	})
	gone, err := c.DeleteJob(ctx, ogenapi.DeleteJobParams{ID: id})
	if _, ok := gone.(*ogenapi.DeletedHeaders); err != nil || !ok {
		t.Fatalf("delete: %v, %+v", err, gone)
	}
	got, err := c.GetJob(ctx, ogenapi.GetJobParams{ID: id})
	if _, ok := got.(*ogenapi.GetJobNotFound); err != nil || !ok {
		t.Fatalf("get: %v, %+v", err, got)
	}
}
