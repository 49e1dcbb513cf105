package client

import "testing"

const (
	groupJSON = `{"id":"` + id1 + `","rule":"default","state":"ACKNOWLEDGED","level":"CRITICAL","groupBy":"HOST",` +
		`"key":"https://x:443","jobs":1,"allJobs":2,"failures":3,"firstAt":4,"lastAt":5,"recoveredAt":null,` +
		`"toldAt":6,"when":"LOST","silenced":{"kind":"WINDOW","id":"w","reason":"r","by":{"key":"env"},"until":10},` +
		`"acknowledged":{"at":7,"by":{"key":"env"}},"samples":[{"jobId":"` + id1 + `",` +
		`"executionId":"e","httpStatus":503,"error":"busy","count":8,"lastAt":9}]}`
	messageJSON = `{"id":"` + id1 + `","channel":"env","groupId":"g","type":"alert.opened","state":"PENDING",` +
		`"title":"Failing","createdAt":1,"attempts":2,"lastAt":3,"error":"503","nextAt":4,"endedAt":null}`
)

var (
	wantGroup = AlertGroup{
		ID: id1, Rule: "default", State: "ACKNOWLEDGED", Level: "CRITICAL", GroupBy: "HOST", Key: "https://x:443",
		Jobs: 1, AllJobs: 2, Failures: 3, FirstAt: 4, LastAt: 5, ToldAt: new(int64(6)),
		When: "LOST", Silenced: &Quiet{"WINDOW", "w", "r", OperationAuthor{Key: "env"}, 10},
		Acknowledged: &Acknowledgement{7, OperationAuthor{Key: "env"}},
		Samples: []AlertSample{{
			JobID: id1, ExecutionID: "e", HTTPStatus: new(503), Error: new("busy"), Count: 8, LastAt: 9,
		}},
	}
	wantMessage = Notification{
		ID: id1, Channel: "env", GroupID: "g", Type: "alert.opened", State: "PENDING", Title: "Failing", CreatedAt: 1,
		Attempts: 2, LastAt: new(int64(3)), Error: new("503"), NextAt: new(int64(4)),
	}
)

func TestAlerting(t *testing.T) {
	c := exchange{request: "POST /alerts/groups/" + id1 + "/acknowledge",
		answer: answer{200, typeJSON, groupJSON, nil}}.serve(t)
	group, err := c.AcknowledgeAlertGroup(t.Context(), id1)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, group, wantGroup)
	c = exchange{request: "GET /alerts/groups/" + id1, answer: answer{200, typeJSON, groupJSON, nil}}.serve(t)
	if group, err = c.AlertGroup(t.Context(), id1); err != nil {
		t.Fatal(err)
	}
	equal(t, group, wantGroup)
	c = exchange{request: "POST /notifications/" + id1 + "/resend",
		answer: answer{200, typeJSON, messageJSON, nil}}.serve(t)
	message, err := c.ResendNotification(t.Context(), id1)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, message, wantMessage)
	c = exchange{request: "GET /alerts/groups?limit=10&open=true",
		answer: answer{200, typeJSON, `{"groups":[` + groupJSON + `]}`, nil}}.serve(t)
	for got, err := range c.AlertGroups(t.Context(), true, 10) {
		if err != nil {
			t.Fatal(err)
		}
		equal(t, got, wantGroup)
	}
	c = exchange{request: "GET /notifications?channel=env&limit=10",
		answer: answer{200, typeJSON, `{"notifications":[` + messageJSON + `]}`, nil}}.serve(t)
	for got, err := range c.Notifications(t.Context(), "env", 10) {
		if err != nil {
			t.Fatal(err)
		}
		equal(t, got, wantMessage)
	}
}
