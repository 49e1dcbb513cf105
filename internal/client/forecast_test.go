package client

import "testing"

func TestForecast(t *testing.T) {
	got, err := exchange{request: "GET /forecast?from=1&host=h&namespace=n&step=hour&tag=t&to=2", answer: ok(`{"from":1,
		"to":2,"step":"hour","computedAt":3,"jobs":4,"total":5,"points":[{"at":1,"count":5}],"peak":{"at":1,"count":5,
		"jobs":[{"jobId":"j","name":"n","count":5}]},"byHost":[{"name":"h","count":5}],"byTag":[],
		"byNamespace":[],"truncated":true}`)}.serve(t).Forecast(t.Context(), ForecastRequest{"hour", "1", "2", "n", "t", "h"})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, Forecast{From: 1, To: 2, Step: "hour", ComputedAt: 3, Jobs: 4, Total: 5,
		Points: []ForecastPoint{{1, 5}}, Peak: &ForecastPeak{1, 5, []ForecastJob{{"j", "n", 5}}},
		ByHost: []ForecastShare{{"h", 5}}, ByTag: []ForecastShare{}, ByNamespace: []ForecastShare{}, Truncated: true})
}
