package app_test

import (
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// TestConnectionsArePaced opens connections faster than the setting says until
// the server has paused. It answers all the while, and stops in good order.
func TestConnectionsArePaced(t *testing.T) {
	s := startWith(t, t.TempDir(), []string{"BELFRY_MAX_CONNECTION_RATE=100"})
	defer s.stop(t)
	paused := regexp.MustCompile(`(?m)^` + telemetry.MetricAcceptPauses + ` [0-9.e-]*[1-9]`)
	for {
		for range 50 {
			c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
		}
		res, err := http.Get(s.url + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if paused.Match(text) {
			return
		}
	}
}
