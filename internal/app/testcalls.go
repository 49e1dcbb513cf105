package app

import (
	"time"

	"github.com/belfry-scheduler/belfry/internal/certs"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/executor"
	"github.com/belfry-scheduler/belfry/internal/testcall"
)

const (
	// The API makes fewer test calls at a time.
	maxTestConns = 32

	// testHostsIdle is how long a host is remembered after a test call. Connections are closed
	// after their call.
	testHostsIdle = time.Minute
)

// testCalls is what sends test calls: an executor with the settings of that of fires. It has its
// own connections and hosts, and is not counted, so that a test changes nothing for fires. zero:
// it is not open.
type testCalls struct {
	executor *executor.Executor
	caller   *testcall.Caller
}

// openTestCalls makes it of the configuration of the executor of fires.
func openTestCalls(cfg executor.Config) (t testCalls, err error) {
	if g, ok := cfg.Guard.(counted); ok {
		cfg.Guard = g.Uncounted()
	}
	cfg.Hosts, cfg.Handshakes, cfg.Metrics = nil, certs.Observer{}, executor.Metrics{}
	cfg.MaxConnsPerHost, cfg.MaxConns, cfg.MaxHosts = maxTestConns, maxTestConns, 2*maxTestConns
	cfg.IdleTimeout, cfg.MaxResponseBytes = testHostsIdle, domain.MaxTracedBody
	if t.executor, err = executor.New(cfg); err != nil {
		return t, err
	}
	t.caller, err = testcall.New(testcall.Config{Executor: t.executor, Clock: cfg.Clock})
	return t, err
}

// endWaiting lets calls end soon: see [executor.Executor.EndWaiting].
func (t testCalls) endWaiting() {
	if t.executor != nil {
		t.executor.EndWaiting()
	}
}

func (t testCalls) close() {
	if t.executor != nil {
		t.executor.Close()
	}
}
