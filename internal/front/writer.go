package front

import (
	"net/http"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

// A client has to take pieceBytes of an answer in pieceTime, 3.2 kB/s. One that does not is
// disconnected, so that it does not keep what the answer holds. What fits into the buffers of the
// connection (sendBuffer) is not waited for.
const (
	pieceBytes = 64 << 10
	pieceTime  = 20 * time.Second
)

// writer passes a response on and remembers how it went.
type writer struct {
	http.ResponseWriter
	status int // zero: nothing was sent yet
	bytes  int64
	piece  int   // bytes since the deadline was moved on
	err    error // the first failure to write: the client is gone
}

// WriteHeader implements http.ResponseWriter.
func (w *writer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
		w.ResponseWriter.WriteHeader(status)
	}
}

// Write implements http.ResponseWriter.
func (w *writer) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	written := 0
	for {
		n, err := w.writePiece(b[written:min(len(b), written+pieceBytes)])
		written += n
		if err != nil || written == len(b) {
			return written, err
		}
	}
}

// writePiece writes at most pieceBytes. An answer that is not longer keeps the server's deadline.
func (w *writer) writePiece(b []byte) (int, error) {
	if w.piece += len(b); w.piece > pieceBytes {
		// the network knows no other clock
		_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(clock.System{}.Now().Add(pieceTime))
		w.piece = len(b)
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	if err != nil && w.err == nil {
		w.err = err
	}
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// ServerWriter returns the server's own writer behind that of a [Handler].
// http.MaxBytesReader needs it, to tell the server to close the connection.
func ServerWriter(w http.ResponseWriter) http.ResponseWriter {
	if own := ownWriter(w); own != nil {
		return own.ResponseWriter
	}
	return w
}

// ownWriter returns the writer of a [Handler] behind those that others have put around it.
func ownWriter(w http.ResponseWriter) *writer {
	for {
		if own, ok := w.(*writer); ok {
			return own
		}
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil
		}
		w = outer.Unwrap()
	}
}

// WriteError returns the first error of writing a response, nil when there was
// none or the writer is not that of a [Handler]. With an error the client is gone.
func WriteError(w http.ResponseWriter) error {
	if own := ownWriter(w); own != nil {
		return own.err
	}
	return nil
}
