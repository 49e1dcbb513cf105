package client

import "testing"

const (
	ruleJSON = `{"id":"pay","name":"n","namespace":"billing",` +
		`"match":{"jobs":["j"],"namespace":"a","tag":"t","host":"h"},` +
		`"when":{"kind":"FAILED_OF_LAST","count":3,"of":10,"percent":1,"thresholdMs":2,"windowMs":4},` +
		`"channels":["ops"],` +
		`"level":"WARNING","groupBy":"JOB","waitMs":5,"updateMs":6,"repeatMs":7,"recovery":true,"disabled":true,` +
		`"builtIn":true,"createdAt":8,"updatedAt":9}`
	silenceJSON = `{"id":"s","namespace":"billing","match":{"tag":"t"},"reason":"disks","by":{"key":"env"},` +
		`"startsAt":1,"endsAt":2,"active":true,"createdAt":3}`
	windowJSON = `{"id":"w","namespace":"billing","match":{"tag":"t"},"reason":"backup","by":{"key":"env"},` +
		`"schedule":"@daily","timezone":"UTC","durationMs":1,"disabled":true,"activeUntil":2,"nextAt":3,` +
		`"createdAt":4,"updatedAt":5}`
	deletedJSON = `{"id":"x","message":"deleted"}`
)

func TestAlertRules(t *testing.T) {
	want := AlertRule{ID: "pay", Name: "n", Namespace: "billing",
		Match: Matcher{Jobs: []string{"j"}, Namespace: "a", Tag: "t", Host: "h"},
		When:  Condition{Kind: "FAILED_OF_LAST", Count: 3, Of: 10, Percent: 1, ThresholdMs: 2, WindowMs: 4},
		Level: "WARNING", Channels: []string{"ops"}, GroupBy: "JOB", WaitMs: 5, UpdateMs: 6, RepeatMs: 7,
		Recovery: true,
		Disabled: true, BuiltIn: true, CreatedAt: new(int64(8)), UpdatedAt: new(int64(9))}
	c := exchange{request: "GET /alerts/rules",
		answer: answer{200, typeJSON, `{"rules":[` + ruleJSON + `]}`, nil}}.serve(t)
	list, err := c.Alerting.AlertRules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, list, []AlertRule{want})
	c = exchange{request: "GET /alerts/rules/pay", answer: answer{200, typeJSON, ruleJSON, nil}}.serve(t)
	one, err := c.Alerting.AlertRule(t.Context(), "pay")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, one, want)
	c = exchange{request: "PUT /alerts/rules/pay", contentType: typeJSON,
		body:   `{"match":{"tag":"t"},"when":{"kind":"LOST"},"recovery":false}`,
		answer: answer{200, typeJSON, ruleJSON, nil}}.serve(t)
	rule := NewAlertRule{Match: Matcher{Tag: "t"}, When: &Condition{Kind: "LOST"}, Recovery: new(false)}
	if one, err = c.Alerting.PutAlertRule(t.Context(), "pay", rule); err != nil {
		t.Fatal(err)
	}
	equal(t, one, want)
	c = exchange{request: "DELETE /alerts/rules/pay", answer: answer{200, typeJSON, deletedJSON, nil}}.serve(t)
	if err := c.Alerting.DeleteAlertRule(t.Context(), "pay"); err != nil {
		t.Fatal(err)
	}
}

func TestSilences(t *testing.T) {
	want := Silence{ID: "s", Namespace: "billing", Match: Matcher{Tag: "t"}, Reason: "disks",
		By: OperationAuthor{Key: "env"}, StartsAt: 1, EndsAt: 2, Active: true, CreatedAt: 3}
	s := NewSilence{Match: Matcher{Tag: "t"}, Reason: "disks", DurationMs: 5}
	const body = `{"match":{"tag":"t"},"reason":"disks","durationMs":5}`
	c := exchange{request: "GET /alerts/silences?active=true&jobId=j",
		answer: answer{200, typeJSON, `{"silences":[` + silenceJSON + `]}`, nil}}.serve(t)
	list, err := c.Alerting.Silences(t.Context(), QuietQuery{Active: true, JobID: "j"})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, list, []Silence{want})
	c = exchange{request: "GET /alerts/silences/s", answer: answer{200, typeJSON, silenceJSON, nil}}.serve(t)
	if one, err := c.Alerting.Silence(t.Context(), "s"); err != nil || one.ID != "s" {
		t.Errorf("%+v, %v", one, err)
	}
	c = exchange{request: "POST /alerts/silences", contentType: typeJSON, body: body, once: ownKey,
		answer: answer{201, typeJSON, silenceJSON, nil}}.serve(t)
	if one, err := c.Alerting.CreateSilence(t.Context(), s); err != nil || one.ID != "s" {
		t.Errorf("%+v, %v", one, err)
	}
	c = exchange{request: "PUT /alerts/silences/s", contentType: typeJSON, body: body,
		answer: answer{200, typeJSON, silenceJSON, nil}}.serve(t)
	if one, err := c.Alerting.PutSilence(t.Context(), "s", s); err != nil || one.ID != "s" {
		t.Errorf("%+v, %v", one, err)
	}
	c = exchange{request: "DELETE /alerts/silences/s", answer: answer{200, typeJSON, deletedJSON, nil}}.serve(t)
	if err := c.Alerting.DeleteSilence(t.Context(), "s"); err != nil {
		t.Fatal(err)
	}
}

func TestWindows(t *testing.T) {
	want := Window{ID: "w", Namespace: "billing", Match: Matcher{Tag: "t"}, Reason: "backup",
		By: OperationAuthor{Key: "env"}, Schedule: "@daily", Timezone: "UTC", DurationMs: 1, Disabled: true,
		ActiveUntil: new(int64(2)),
		NextAt:      new(int64(3)), CreatedAt: 4, UpdatedAt: 5}
	c := exchange{request: "GET /alerts/windows",
		answer: answer{200, typeJSON, `{"windows":[` + windowJSON + `]}`, nil}}.serve(t)
	list, err := c.Alerting.Windows(t.Context(), QuietQuery{})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, list, []Window{want})
	c = exchange{request: "GET /alerts/windows/w", answer: answer{200, typeJSON, windowJSON, nil}}.serve(t)
	if one, err := c.Alerting.Window(t.Context(), "w"); err != nil || one.ID != "w" {
		t.Errorf("%+v, %v", one, err)
	}
	c = exchange{request: "PUT /alerts/windows/w", contentType: typeJSON,
		body:   `{"reason":"backup","schedule":"@daily","durationMs":1}`,
		answer: answer{200, typeJSON, windowJSON, nil}}.serve(t)
	w := NewWindow{Reason: "backup", Schedule: "@daily", DurationMs: 1}
	if one, err := c.Alerting.PutWindow(t.Context(), "w", w); err != nil || one.ID != "w" {
		t.Errorf("%+v, %v", one, err)
	}
	c = exchange{request: "DELETE /alerts/windows/w", answer: answer{200, typeJSON, deletedJSON, nil}}.serve(t)
	if err := c.Alerting.DeleteWindow(t.Context(), "w"); err != nil {
		t.Fatal(err)
	}
}
