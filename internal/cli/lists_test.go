package cli

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestAListThatIsRefusedHasNoHeading: stdout has nothing that looks like an answer; an empty list has its heading.
func TestAListThatIsRefusedHasNoHeading(t *testing.T) {
	refused := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if refused {
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprint(w, `{"title":"Forbidden","status":403}`)
			return
		}
		_, _ = fmt.Fprint(w, `{"jobs":[],"executions":[],"alerts":[],"changes":[],"groups":[],"notifications":[]}`)
	}))
	t.Cleanup(server.Close)
	for _, args := range []string{"jobs", "executions", "alerts", "trail", "groups list", "notifications list"} {
		for _, refused = range []bool{true, false} {
			s, out, errs := testShell()
			code := s.run(t.Context(), append(strings.Fields(args), "--server", server.URL))
			if (code != 0) != refused || (out.Len() == 0) != refused || strings.Count(out.String(), "\n") > 1 {
				t.Errorf("%s, refused %t: %d, %q, %q", args, refused, code, out, errs)
			}
		}
	}
}
