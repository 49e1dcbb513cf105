package h2

import (
	"bytes"
	"runtime"
	"sync"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	// maxBatch is after how many bytes a write begins: four records of TLS.
	maxBatch = 64 << 10
	// maxData is the largest frame of DATA: one record of TLS.
	maxData = 16 << 10
)

// batches are the buffers of writes. A connection that does not write has none.
var batches = sync.Pool{New: func() any { return new([]byte) }}

// writer makes frames and writes them. It belongs to the goroutine that writes.
type writer struct {
	*Conn
	buf     []byte
	batch   uint64
	framer  *http2.Framer
	block   bytes.Buffer // header block
	encoder *hpack.Encoder
}

func newWriter(c *Conn) *writer {
	w := &writer{Conn: c}
	w.framer = http2.NewFramer(w, nil)
	w.encoder = hpack.NewEncoder(&w.block)
	return w
}

// Write appends a frame to the batch.
func (w *writer) Write(p []byte) (int, error) {
	w.buf = append(w.buf, p...)
	return len(p), nil
}

// flush writes what there is to be written, until there is nothing more.
func (w *writer) flush() {
	defer w.endOnPanic()
	runtime.Gosched() // calls that begin now share the write
	buf := batches.Get().(*[]byte)
	defer batches.Put(buf)
	for {
		*buf = w.fill((*buf)[:0])
		if len(*buf) == 0 {
			return
		}
		var before int64
		if w.cfg.Taken != nil {
			before = w.cfg.Taken()
		}
		if _, err := w.nc.Write(*buf); err != nil {
			w.endWrite(err, w.cfg.Taken != nil && w.cfg.Taken() == before)
			return
		}
	}
}

// endWrite ends the connection after a write has failed. nothing says that no byte of it
// was taken.
func (w *writer) endWrite(err error, nothing bool) {
	if nothing {
		w.mu.Lock()
		for _, s := range w.streams {
			if s.batch == w.batch {
				s.sent = false
				w.finish(s, &Unprocessed{"the connection was closed before the request was written"})
			}
		}
		w.mu.Unlock()
	}
	w.end(&Ended{Err: err})
}

// fill puts the next batch into the buffer. It is empty when there is nothing to write,
// and the goroutine then ends.
func (w *writer) fill(buf []byte) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.life.err != nil {
		return buf
	}
	w.buf = buf
	_, _ = w.pending.WriteTo(w)
	w.batch++
	for len(w.queue) > 0 && len(w.streams) < w.limit() && len(w.buf) < maxBatch {
		s := w.queue[0]
		w.queue = without(w.queue, s)
		w.open(s)
	}
	w.sendBodies()
	buf, w.buf = w.buf, nil
	if len(buf) > 0 {
		return buf
	}
	w.writing = false
	if w.life.shut {
		go w.end(&Ended{Err: ErrClosed})
	}
	return buf
}

// open gives a stream its identifier, and sends the head of the request and the start of its
// body; w.mu is held.
func (w *writer) open(s *Stream) {
	s.place, s.id, s.batch, s.sent = open, w.nextID, w.batch, true
	s.window, s.room = w.peer.initial, int64(w.cfg.MaxBodyBytes)
	w.streams[s.id] = s
	if w.nextID += 2; w.nextID > maxID {
		w.life.draining = true
	}
	if w.peer.tableIsNew {
		w.peer.tableIsNew = false
		w.encoder.SetMaxDynamicTableSize(w.peer.table)
	}
	w.writeHead(s, w.peer.frame)
	s.head = ""
	s.written = len(s.body) == 0
	if w.sendData(s); !s.written {
		w.bodies = append(w.bodies, s)
	}
}

// writeHead writes the head of a request, in frames of a size.
func (w *writer) writeHead(s *Stream, size int) {
	w.block.Reset()
	eachField(s.head, func(name, value string) { _ = w.encoder.WriteField(hpackField(name, value)) })
	part := w.block.Next(size)
	_ = w.framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: s.id, BlockFragment: part, EndStream: len(s.body) == 0, EndHeaders: w.block.Len() == 0,
	})
	for w.block.Len() > 0 {
		part = w.block.Next(size)
		_ = w.framer.WriteContinuation(s.id, w.block.Len() == 0, part)
	}
}

// sendBodies sends of each body what its window and that of the connection allow, one
// frame of each stream after the other; w.mu is held.
func (w *writer) sendBodies() {
	for progress := true; progress; {
		progress = false
		rest := w.bodies[:0]
		for _, s := range w.bodies {
			if w.sendData(s) {
				progress = true
			}
			if len(s.body) > 0 {
				rest = append(rest, s)
			}
		}
		clear(w.bodies[len(rest):])
		w.bodies = rest
	}
}

// sendData sends a frame of a body, and reports whether it did; w.mu is held.
func (w *writer) sendData(s *Stream) bool {
	n := min(len(s.body), w.peer.frame, maxData, int(min(s.window, w.peer.window)))
	if n <= 0 || len(w.buf) >= maxBatch {
		return false
	}
	part := s.body[:n]
	s.body = s.body[n:]
	s.written = len(s.body) == 0
	s.window -= int64(n)
	w.peer.window -= int64(n)
	w.budget.earn(perData)
	_ = w.framer.WriteData(s.id, s.written, part)
	return true
}
