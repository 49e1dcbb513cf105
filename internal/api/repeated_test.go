package api

import (
	"net/http"
	"testing"
)

// repeatedAsIs are the routes with POST that take no Idempotency-Key: why a client may send each again.
var repeatedAsIs = map[string]string{
	"/jobs/export":                          "it reads",
	"/jobs/{id}/preview":                    "it reads",
	"/schedules/preview":                    "it reads",
	"/alerts/channels/preview":              "it reads",
	"/jobs/{id}/pause":                      "what is so already is not changed",
	"/jobs/{id}/resume":                     "what is so already is not changed",
	"/jobs/by-key/{key}/pause":              "what is so already is not changed",
	"/jobs/by-key/{key}/resume":             "what is so already is not changed",
	"/jobs/{id}/versions/{version}/restore": "what is so already is not changed",
	"/operations/{id}/cancel":               "what is so already is not changed",
	"/cluster/nodes/{name}/drain":           "what is so already is not changed",
	"/cluster/nodes/{name}/resume":          "what is so already is not changed",
	"/alerts/groups/{id}/acknowledge":       "who looks after it is noted again",
	"/notifications/{id}/resend":            "it is sent again, which is what was asked for",
	"/jobs/test":                            "nothing is stored, and each asks the target now",
	"/jobs/{id}/test":                       "nothing is stored, and each asks the target now",
	"/alerts/channels/{id}/test":            "nothing is stored, and each asks the receiver now",
	"/session":                              "a cookie takes the place of the one before",
}

// Each route with POST takes an Idempotency-Key, or is among those that are repeated as they are.
func TestEveryPostCanBeRepeated(t *testing.T) {
	seen := make(map[string]bool)
	var doc struct {
		Paths map[string]struct {
			Post *struct {
				Parameters []struct{ Name string }
			}
		}
	}
	call(t, newAPI(t, newFixture(t)), "GET", "/openapi.json", "").into(t, 200, &doc)
	for path, item := range doc.Paths {
		if item.Post == nil {
			continue
		}
		seen[path] = true
		takesKey := false
		for _, p := range item.Post.Parameters {
			takesKey = takesKey || p.Name == headerKey
		}
		if _, asIs := repeatedAsIs[path]; asIs == takesKey {
			t.Errorf("%s %s: it takes an Idempotency-Key: %v, and is repeated as it is: %v", http.MethodPost, path,
				takesKey, asIs)
		}
	}
	for path := range repeatedAsIs {
		if !seen[path] {
			t.Errorf("there is no route POST %s", path)
		}
	}
}
