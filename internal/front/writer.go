package front

import "net/http"

// writer passes a response on and remembers how it went.
type writer struct {
	http.ResponseWriter
	status int // zero: nothing was sent yet
	bytes  int64
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
	if own, ok := w.(*writer); ok {
		return own.ResponseWriter
	}
	return w
}

// WriteError returns the first error of writing a response, nil when there was
// none or the writer is not that of a [Handler]. With an error the client is gone.
func WriteError(w http.ResponseWriter) error {
	if own, ok := w.(*writer); ok {
		return own.err
	}
	return nil
}
