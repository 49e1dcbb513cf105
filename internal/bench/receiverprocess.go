package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/receiver"
)

// receiverProcess is a receiver that was started for a measurement: the target of
// its jobs, which counts what comes.
type receiverProcess struct {
	*process
	http http.Client
}

// startReceiver starts a receiver on a free port of loopback.
func startReceiver(ctx context.Context, binary string, flags ...string) (*receiverProcess, error) {
	p, err := start(ctx, binary, nil, append([]string{"receiver", "--addr", "127.0.0.1:0"}, flags...)...)
	if err != nil {
		return nil, err
	}
	return &receiverProcess{process: p}, nil
}

// stop ends the receiver.
func (r *receiverProcess) stop() error {
	r.http.CloseIdleConnections()
	return r.process.stop()
}

// idle is a job that does not fire while anybody measures.
func (r *receiverProcess) idle() client.Spec {
	return client.Spec{Schedule: "0 0 0 1 1 *", API: r.url + "/ok", Type: "ATLEAST_ONCE"}
}

// received returns what the receiver has seen since it was last reset.
func (r *receiverProcess) received(ctx context.Context) (got receiver.Stats, err error) {
	err = r.ask(ctx, http.MethodGet, &got)
	return got, err
}

// reset clears what the receiver has counted.
func (r *receiverProcess) reset(ctx context.Context) error { return r.ask(ctx, http.MethodDelete, nil) }

// ask calls the path of the counters.
func (r *receiverProcess) ask(ctx context.Context, method string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, r.url+"/stats", http.NoBody)
	if err != nil {
		return err
	}
	res, err := r.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // read only
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode/100 != 2 {
		return errors.Join(err, fmt.Errorf("the receiver answered %s: %s", res.Status, bytes.TrimSpace(body)))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(body, into)
}
