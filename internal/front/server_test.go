package front

import (
	"net/http"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

func TestServerConfig(t *testing.T) {
	for _, c := range []ServerConfig{
		{}, {Handler: http.NotFoundHandler()}, {Handler: http.NotFoundHandler(), Metrics: telemetry.NewMetrics(),
			MaxConnections: -1},
	} {
		if _, err := NewServer(c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
	s, err := NewServer(ServerConfig{Addr: "127.0.0.1:0", Handler: http.NotFoundHandler(),
		Metrics: telemetry.NewMetrics()})
	if err != nil {
		t.Fatal(err)
	}
	if s.ReadHeaderTimeout == 0 || s.ReadTimeout == 0 || s.WriteTimeout == 0 || s.IdleTimeout == 0 ||
		s.MaxHeaderBytes == 0 {
		t.Error("a server without a limit")
	}
}
