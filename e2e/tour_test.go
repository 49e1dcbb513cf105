package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/receiver"
)

func TestTheTourOfTheReadme(t *testing.T) {
	t.Parallel()
	tg := newTarget(t)
	dir := t.TempDir()
	p := serve(t, dir)
	const kind = "application/json"

	code, made := ask(t, "POST", p.url+"/jobs", kind, `{"schedule":"*/2 * * * * *","api":"`+tg.url+
		`/ok","type":"ATLEAST_ONCE"}`)
	id, _ := made["jobId"].(string)
	if code != http.StatusCreated || id == "" || made["message"] != "Job created successfully" {
		t.Fatalf("create: %d %v", code, made)
	}
	code, job := ask(t, "GET", p.url+"/jobs/"+id, "", "")
	if code != 200 || !job["isActive"].(bool) || job["spec"].(map[string]any)["schedule"] != "*/2 * * * * *" {
		t.Errorf("get: %d %v", code, job)
	}
	var list map[string]any
	eventually(t, "two executions", func() bool {
		_, list = ask(t, "GET", p.url+"/jobs/"+id+"/executions?limit=2", "", "")
		got := list["executions"].([]any)
		return len(got) == 2 && got[0].(map[string]any)["status"] == "SUCCESS" &&
			got[1].(map[string]any)["status"] == "SUCCESS"
	})
	newest := list["executions"].([]any)[0].(map[string]any)
	if at := int64(newest["scheduledAt"].(float64)); at%2000 != 0 {
		t.Errorf("scheduledAt %d is no even second", at)
	}
	code, one := ask(t, "GET", p.url+"/executions/"+newest["id"].(string), "", "")
	if code != 200 || len(one["attempts"].([]any)) != 1 {
		t.Errorf("execution: %d %v", code, one)
	}

	code, paused := ask(t, "POST", p.url+"/jobs/"+id+"/pause", kind, "")
	if code != 200 {
		t.Fatalf("pause: %d %v", code, paused)
	}
	answered := time.Now().UnixMilli()
	code, trig := ask(t, "POST", p.url+"/jobs/"+id+"/trigger", kind, "")
	if code != http.StatusAccepted {
		t.Fatalf("trigger: %d %v", code, trig)
	}
	eventually(t, "the trigger of the paused job has run", func() bool {
		_, x := ask(t, "GET", p.url+"/executions/"+trig["executionId"].(string), "", "")
		return x["status"] == "SUCCESS"
	})
	pass(answered + 4_000)
	for _, e := range tg.entries(t) { // what was due before may come late
		if e.ScheduledAt > answered && e.ExecutionID.String() != trig["executionId"] {
			t.Errorf("the paused job was fired: %+v", e)
		}
	}

	code, out := ask(t, "PUT", p.url+"/jobs/"+id, kind, `{"isActive":true,"api":"`+tg.url+
		`/fail","retry":{"maxRetries":0}}`)
	if code != 200 {
		t.Fatalf("update: %d %v", code, out)
	}
	eventually(t, "the failure is an alert", func() bool {
		_, alerts := ask(t, "GET", p.url+"/observability/alerts", "", "")
		return len(alerts["alerts"].([]any)) == 1
	})
	if code, _ := ask(t, "DELETE", p.url+"/jobs/"+id, "", ""); code != 200 {
		t.Errorf("delete: %d", code)
	}
	if code, _ := ask(t, "GET", p.url+"/jobs/"+id, "", ""); code != 404 {
		t.Errorf("a deleted job answers %d, want 404", code)
	}
	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	p = serve(t, dir)
	_, alerts := ask(t, "GET", p.url+"/observability/alerts", "", "")
	if len(alerts["alerts"].([]any)) != 1 {
		t.Errorf("the alert is gone after a restart: %v", alerts)
	}
}

func TestRetriesAfterOneTwoAndThreeSeconds(t *testing.T) {
	t.Parallel()
	tg := newTarget(t)
	p := serve(t, t.TempDir())
	machine := watchStalls(t)
	var at time.Time
	create := func(lead time.Duration) (client.Edit, error) {
		at = time.Now().Add(lead).UTC().Truncate(time.Second)
		return p.api.Jobs.Create(t.Context(), client.Spec{
			Schedule: "@at " + at.Format(time.RFC3339), API: tg.url + "/fail", Type: "ATLEAST_ONCE",
		})
	}
	made, err := create(2 * time.Second)
	if err != nil { // after a stall the instant is over, and the job refused
		made, err = create(20 * time.Second)
	}
	if err != nil {
		t.Fatal(err)
	}
	var last client.Execution
	eventually(t, "the execution has failed", func() bool {
		for x, err := range p.api.Executions.OfJob(t.Context(), made.JobID, 1) {
			if err != nil {
				t.Fatal(err)
			}
			last = x
			return x.Status == "FAILED"
		}
		return false
	})
	if last.RetryCount != 3 || last.HTTPStatus == nil || *last.HTTPStatus != 500 {
		t.Errorf("record %+v, want 3 retries and status 500", last)
	}
	var got []receiver.Entry
	eventually(t, "four requests are in the log", func() bool {
		got = tg.entries(t)
		return len(got) >= 4
	})
	if len(got) != 4 {
		t.Fatalf("%d requests, want 4: %+v", len(got), got)
	}
	for i, want := range []int64{0, 1000, 2000, 3000} {
		if got[i].Attempt != i+1 || got[i].ExecutionID.String() != last.ID {
			t.Errorf("request %d: attempt %d of %s, want attempt %d of %s", i, got[i].Attempt,
				got[i].ExecutionID, i+1, last.ID)
		}
		before := at.UnixMilli()
		if i > 0 {
			before = got[i-1].ReceivedAt
		}
		machine.wantTimely(t, fmt.Sprintf("request %d, due %d ms after the one before,", i, want),
			got[i].ReceivedAt-before-want)
	}
}

func TestTheSampleDataRuns(t *testing.T) {
	t.Parallel()
	tg := newTarget(t)
	markIdle := freePort(t)
	sample, err := os.ReadFile("../sample-data.json")
	if err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(tg.url, "http://")
	text := strings.NewReplacer("127.0.0.1:4444", host, "localhost:4444", host, "127.0.0.1:4445", markIdle,
		"localhost:4445", markIdle).Replace(string(sample))
	p := serve(t, t.TempDir())
	report, err := p.api.Jobs.Import(t.Context(), client.Array, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var specs []map[string]any
	if err := json.Unmarshal(sample, &specs); err != nil {
		t.Fatal(err)
	}
	if len(specs) < 12 || report.Imported != len(specs) {
		t.Fatalf("%d specs, imported %+v", len(specs), report)
	}
	var fails []string
	for _, r := range report.Results {
		if strings.Contains(specs[r.Index]["api"].(string), ":4445") {
			fails = append(fails, r.JobID)
		}
	}
	if len(fails) == 0 {
		t.Error("no job of the sample calls a dead port")
	}
	eventually(t, "the jobs with the dead port have alerts", func() bool {
		for a, err := range p.api.Alerts(t.Context(), true, 100) {
			if err != nil {
				t.Fatal(err)
			}
			fails = slices.DeleteFunc(fails, func(id string) bool { return id == a.JobID })
		}
		return len(fails) == 0
	})
	eventually(t, "others succeed", func() bool {
		m, err := p.api.Metrics(t.Context())
		return err == nil && m.Executions.Successful >= 5
	})
}

func TestASecondProcessOnTheSameDataIsTurnedAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := serve(t, dir)
	_, port, _ := strings.Cut(strings.TrimPrefix(p.url, "http://"), ":")
	file := filepath.Join(dir, "a file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, word string
		env        []string
	}{
		{"a taken port", "in use", []string{"PORT=" + port, "DB_PATH=" + filepath.Join(t.TempDir(), "jobs.db")}},
		{"a locked database", "jobs.db", []string{"DB_PATH=" + filepath.Join(dir, "jobs.db")}},
		{"a folder that cannot be made", "a file", []string{"DB_PATH=" + filepath.Join(file, "jobs.db")}},
		{"an address beyond loopback without a key", "BELFRY_API_KEYS",
			[]string{"HOST=0.0.0.0", "DB_PATH=" + filepath.Join(t.TempDir(), "jobs.db")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, stderr := run(t, cleanEnv(tt.env...), "serve")
			if code != 1 || !strings.Contains(stderr, tt.word) || strings.Count(strings.TrimSpace(stderr), "\n") > 0 {
				t.Errorf("exit code %d, stderr %q; want 1 and one line with %q", code, stderr, tt.word)
			}
		})
	}
}

func TestKeysCloseTheDoor(t *testing.T) {
	t.Parallel()
	const key = "a-key-of-more-than-16-characters"
	p := serve(t, t.TempDir(), "BELFRY_API_KEYS="+key)
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/jobs": 401, "/metrics": 401,
		"/openapi.json": 401} {
		res, err := http.Get(p.url + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("GET %s without a key: %d, want %d", path, res.StatusCode, want)
		}
	}
	api, err := client.New(p.url, key)
	if err != nil {
		t.Fatal(err)
	}
	defer api.Close()
	if _, err := api.Metrics(t.Context()); err != nil {
		t.Errorf("with the key: %v", err)
	}
}
