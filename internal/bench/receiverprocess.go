package bench

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/receiver"
)

// receiverProcess is a receiver that was started for a measurement: the target of
// its jobs, which counts what comes.
type receiverProcess struct {
	*process
	http  *http.Client
	roots *x509.CertPool // nil: it does not speak TLS
}

// startReceiver starts a receiver on a free port of loopback.
func startReceiver(ctx context.Context, binary string, flags ...string) (*receiverProcess, error) {
	p, err := start(ctx, binary, nil, append([]string{"receiver", "--addr", "127.0.0.1:0"}, flags...)...)
	if err != nil {
		return nil, err
	}
	return &receiverProcess{process: p, http: &http.Client{Transport: &http.Transport{}, Timeout: askTimeout}}, nil
}

// askTimeout is how long a receiver may take for its counters, on a machine that is busy.
const askTimeout = 20 * time.Second

// startSecure starts a receiver that speaks TLS. Its certificate is in the file.
func startSecure(ctx context.Context, binary, caFile string, flags ...string) (*receiverProcess, error) {
	r, err := startReceiver(ctx, binary, append([]string{"--tls", "--ca-file", caFile}, flags...)...)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(caFile)
	if err != nil {
		return nil, errors.Join(err, r.stop())
	}
	r.roots = x509.NewCertPool()
	r.roots.AppendCertsFromPEM(text)
	r.http.Transport = &http.Transport{TLSClientConfig: r.trust()}
	return r, nil
}

// trust returns a configuration of TLS for clients of the receiver.
func (r *receiverProcess) trust() *tls.Config {
	return &tls.Config{RootCAs: r.roots, MinVersion: tls.VersionTLS12}
}

// stop ends the receiver.
func (r *receiverProcess) stop() error {
	r.http.CloseIdleConnections()
	return r.process.stop()
}

// discard kills the receiver.
func (r *receiverProcess) discard() {
	r.http.CloseIdleConnections()
	r.kill()
}

// idle is a job that does not fire while anybody measures.
func (r *receiverProcess) idle() client.Spec {
	return client.Spec{Schedule: "0 0 0 1 1 *", API: r.url + "/ok", Type: "ATLEAST_ONCE"}
}

// received returns what the receiver has seen since it was last reset.
func (r *receiverProcess) received(ctx context.Context) (got receiver.Stats, err error) {
	err = r.ask(ctx, http.MethodGet, "", &got)
	return got, err
}

// histogram returns the same and the histogram of the lateness.
func (r *receiverProcess) histogram(ctx context.Context) (got receiver.Stats, err error) {
	err = r.ask(ctx, http.MethodGet, "?buckets", &got)
	return got, err
}

// reset clears what the receiver has counted.
func (r *receiverProcess) reset(ctx context.Context) error {
	return r.ask(ctx, http.MethodDelete, "", nil)
}

// ask calls the path of the counters.
func (r *receiverProcess) ask(ctx context.Context, method, query string, into *receiver.Stats) error {
	req, err := http.NewRequestWithContext(ctx, method, r.url+"/stats"+query, http.NoBody)
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
	err = json.Unmarshal(body, into)
	into.Connections.Open-- // that of this call
	into.Connections.Most--
	return err
}
