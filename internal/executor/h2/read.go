package h2

import (
	"errors"
	"fmt"
	"io"
	"math"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	// MaxInterim is how many interim answers are passed over, as with HTTP/1.1.
	MaxInterim = 1000
	// maxBegins is how much is remembered of what a peer sends first.
	maxBegins = 64
)

// input reads frames. It belongs to the goroutine that reads.
type input struct {
	r      io.Reader
	framer *http2.Framer
	begins []byte // of what came before the first frame was whole
	named  bool   // it was whole
	reads  int    // for the frame that is being read
	most   int    // of them
}

// init makes it ready. A frame takes two reads, or one for each byte if they come one by
// one; a header has several frames, and fragments of no bytes would have no end.
func (in *input) init(r io.Reader, cfg *Config) {
	in.r = r
	in.most = 16<<10 + 2*cfg.MaxHeaderBytes
	in.framer = http2.NewFramer(nil, in)
	in.framer.SetMaxReadFrameSize(16 << 10)
	in.framer.MaxHeaderListSize = uint32(2 * cfg.MaxHeaderBytes) // see tooLong
	in.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	in.framer.SetReuseFrames()
}

// Read reads from the connection.
func (in *input) Read(p []byte) (int, error) {
	if in.reads++; in.reads > in.most {
		return 0, violated(http2.ErrCodeEnhanceYourCalm, "a header has too many fragments")
	}
	n, err := in.r.Read(p)
	if !in.named {
		in.begins = append(in.begins, p[:min(n, maxBegins-len(in.begins))]...)
	}
	return n, err
}

// next reads a frame. A fault of one stream is told with its identifier.
func (in *input) next() (http2.Frame, *http2.StreamError, error) {
	in.reads = 0
	f, err := in.framer.ReadFrame()
	var fault http2.StreamError
	switch {
	case err == nil, errors.As(err, &fault):
		if err != nil {
			return nil, &fault, nil
		}
		return f, nil, nil
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	if v := violationOf(f, err, in.framer.ErrorDetail()); v != nil {
		return nil, nil, v
	}
	return nil, nil, err
}

// reader takes frames. It belongs to the goroutine that reads.
type reader struct {
	*Conn
	in input
}

func newReader(c *Conn) *reader {
	r := &reader{Conn: c}
	r.in.init(c.nc, &c.cfg)
	return r
}

// read reads frames until the connection ends.
func (r *reader) read() {
	defer r.endOnPanic()
	err := r.readFrames()
	var v *violation
	switch {
	case !r.in.named:
		r.end(&Ended{Err: err, Begins: r.in.begins})
	case errors.As(err, &v):
		r.end(v)
	default:
		r.mu.Lock()
		why := r.peer.describeGoAway()
		r.mu.Unlock()
		r.end(&Ended{Why: why, Err: err})
	}
}

func (r *reader) readFrames() error {
	for {
		f, fault, err := r.in.next()
		if err != nil {
			return err
		}
		more, err := r.take(f, fault)
		if err != nil {
			return err
		}
		if more {
			r.changed()
		}
	}
}

// take takes a frame, or the fault of a stream. more says that there may be more streams
// than before.
func (r *reader) take(f http2.Frame, fault *http2.StreamError) (more bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.life.err != nil {
		return false, r.life.err
	}
	r.noteRead(monotonic.Now())
	if fault != nil {
		return false, r.takeFault(fault)
	}
	if !r.in.named {
		if s, ok := f.(*http2.SettingsFrame); !ok || s.IsAck() {
			return false, errors.New("it does not begin with SETTINGS")
		}
		r.in.named, r.in.begins = true, nil
	}
	switch f := f.(type) {
	case *http2.MetaHeadersFrame:
		return false, r.takeHeaders(f)
	case *http2.DataFrame:
		return false, r.takeData(f)
	case *http2.RSTStreamFrame:
		return false, r.takeReset(f)
	case *http2.SettingsFrame:
		return true, r.takeSettings(f)
	case *http2.WindowUpdateFrame:
		return false, r.takeWindow(f)
	case *http2.GoAwayFrame:
		return true, r.takeGoAway(f)
	case *http2.PingFrame:
		return false, r.takePing(f)
	case *http2.PushPromiseFrame:
		return false, violated(http2.ErrCodeProtocol, "a PUSH_PROMISE, which was not agreed on")
	}
	return false, r.spend()
}

// spend takes a control frame from the budget; r.mu is held, as in all that follows.
func (r *reader) spend() error {
	if !r.budget.spend(r.life.read) {
		return violated(http2.ErrCodeEnhanceYourCalm, "it sends too many control frames")
	}
	if r.pending.Len() > maxPending {
		return violated(http2.ErrCodeEnhanceYourCalm, "it sends control frames and does not read the answers")
	}
	return nil
}

// stream returns the stream of a frame, or nil if it has ended.
func (r *reader) stream(id uint32, kind http2.FrameType) (*Stream, error) {
	if s := r.streams[id]; s != nil {
		return s, nil
	}
	if id >= r.nextID || id%2 == 0 {
		return nil, violated(http2.ErrCodeProtocol, fmt.Sprintf("a %s frame of a stream that was not opened", kind))
	}
	return nil, r.spend()
}

// takeFault ends a stream that has received what HTTP/2 does not allow.
func (r *reader) takeFault(fault *http2.StreamError) error {
	why := fault.Code.String()
	if fault.Cause != nil {
		why = fault.Cause.Error()
	}
	if s := r.streams[fault.StreamID]; s != nil {
		r.refuse(s, why, fault.Code)
		return nil
	}
	return r.spend()
}

// refuse ends a stream whose answer cannot be taken.
func (r *reader) refuse(s *Stream, why string, code http2.ErrCode) {
	r.reset(s.id, code)
	r.finish(s, &Malformed{why})
}

func (r *reader) takeHeaders(f *http2.MetaHeadersFrame) error {
	s, err := r.stream(f.StreamID, http2.FrameHeaders)
	switch {
	case s == nil:
		return err
	case f.Truncated || tooLong(f, r.cfg.MaxHeaderBytes):
		if status, ok := parseStatus(f.PseudoValue("status")); ok && !s.headed {
			s.answer.Header(status, nil)
		}
		r.reset(s.id, http2.ErrCodeCancel)
		r.finish(s, ErrHeaderTooLong)
		return nil
	case s.headed && !f.StreamEnded():
		r.refuse(s, "a second header, which does not end the answer", http2.ErrCodeProtocol)
		return nil
	case s.headed: // trailers
		r.endStream(s)
		return nil
	}
	text := f.PseudoValue("status")
	status, ok := parseStatus(text)
	switch {
	case !ok && text == "":
		r.refuse(s, "its header has no status", http2.ErrCodeProtocol)
	case !ok:
		r.refuse(s, fmt.Sprintf("its status is no number of three digits, but: %.20q", text), http2.ErrCodeProtocol)
	case status < 200:
		r.takeInterim(s, f, status)
	default:
		s.noteHeader(status, f.RegularFields())
		if why := faultOf(f.RegularFields(), s.noBody); why != "" {
			r.refuse(s, why, http2.ErrCodeProtocol)
		} else if f.StreamEnded() {
			r.endStream(s)
		}
	}
	return nil
}

// tooLong reports whether a header exceeds its limit. The Framer's own is twice as much: it
// ends the connection for a field that is longer, and for what follows in further frames.
func tooLong(f *http2.MetaHeadersFrame, limit int) bool {
	size := 0
	for _, field := range f.Fields {
		size += int(field.Size())
	}
	return size > limit
}

// takeInterim passes over an answer that is not the final one.
func (r *reader) takeInterim(s *Stream, f *http2.MetaHeadersFrame, status int) {
	s.interim++
	for _, field := range f.Fields {
		s.interimB += int(field.Size())
	}
	switch {
	case status == 101: // section 8.6
		r.refuse(s, "its status is 101, which HTTP/2 does not have", http2.ErrCodeProtocol)
	case f.StreamEnded():
		r.refuse(s, "it ends with an interim (1xx) header", http2.ErrCodeProtocol)
	case s.interim > MaxInterim:
		r.reset(s.id, http2.ErrCodeCancel)
		r.finish(s, ErrTooManyInterim)
	case s.interimB > r.cfg.MaxHeaderBytes:
		r.reset(s.id, http2.ErrCodeCancel)
		r.finish(s, ErrHeaderTooLong)
	}
}

// endStream ends a stream whose answer is whole.
func (r *reader) endStream(s *Stream) {
	if !s.written {
		r.reset(s.id, http2.ErrCodeNo) // the rest of the request is not wanted
	}
	if s.short() {
		r.finish(s, ErrShort)
		return
	}
	r.finish(s, nil)
}

func (r *reader) takeData(f *http2.DataFrame) error {
	size := int64(f.Length)
	if r.room -= size; r.room < 0 {
		return violated(http2.ErrCodeFlowControl, "more DATA than the window of the connection allows")
	}
	if r.room < connWindow/2 {
		_ = r.control.WriteWindowUpdate(0, uint32(connWindow-r.room))
		r.room = connWindow
		r.startWriting()
	}
	s, err := r.stream(f.StreamID, http2.FrameData)
	if s == nil {
		return err
	}
	data := f.Data()
	switch {
	case !s.headed:
		r.refuse(s, "DATA before its header", http2.ErrCodeProtocol)
		return nil
	case s.room < size:
		r.refuse(s, "more DATA than the window of the stream allows", http2.ErrCodeFlowControl)
		return nil
	case len(data) == 0 && !f.StreamEnded(), size > int64(len(data)):
		err = r.spend()
	}
	s.room -= size
	if padding := size - int64(len(data)); padding > 0 && !f.StreamEnded() {
		s.room += padding
		_ = r.control.WriteWindowUpdate(s.id, uint32(padding))
		r.startWriting()
	}
	if s.received += int64(len(data)); s.long() {
		r.refuse(s, "its body is longer than its Content-Length", http2.ErrCodeProtocol)
		return err
	}
	more := s.answer.Data(data)
	switch {
	case f.StreamEnded():
		r.endStream(s)
	case !more:
		r.reset(s.id, http2.ErrCodeCancel)
		r.finish(s, nil)
	}
	return err
}

func (r *reader) takeReset(f *http2.RSTStreamFrame) error {
	s, err := r.stream(f.StreamID, http2.FrameRSTStream)
	switch {
	case s == nil:
		return err
	case f.ErrCode == http2.ErrCodeRefusedStream && !s.headed:
		r.finish(s, &Unprocessed{"the stream was refused (REFUSED_STREAM)"})
	default:
		r.finish(s, &Reset{f.ErrCode})
	}
	return r.spend()
}

func (r *reader) takeWindow(f *http2.WindowUpdateFrame) error {
	if err := r.spend(); err != nil {
		return err
	}
	if f.StreamID == 0 {
		if r.peer.window += int64(f.Increment); r.peer.window > math.MaxInt32 {
			return violated(http2.ErrCodeFlowControl, "the window of the connection exceeds 2^31-1")
		}
	} else if s := r.streams[f.StreamID]; s != nil {
		if s.window += int64(f.Increment); s.window > math.MaxInt32 {
			r.refuse(s, "the window of the stream exceeds 2^31-1", http2.ErrCodeFlowControl)
		}
	}
	if len(r.bodies) > 0 {
		r.startWriting()
	}
	return nil
}

func (r *reader) takePing(f *http2.PingFrame) error {
	if f.IsAck() {
		return r.spend()
	}
	if r.usableToWrite() {
		_ = r.control.WritePing(true, f.Data)
		r.startWriting()
	}
	return r.spend()
}

func (r *reader) takeSettings(f *http2.SettingsFrame) error {
	if err := r.spend(); err != nil || f.IsAck() {
		return err
	}
	if !r.peer.seen {
		r.peer.seen, r.peer.streams = true, maxStreams // unless they say another number
	}
	if err := f.ForeachSetting(r.takeSetting); err != nil {
		if v := violationOf(nil, err, nil); v != nil {
			v.why = "a SETTINGS value that is not allowed"
			return v
		}
		return err
	}
	if r.usableToWrite() {
		_ = r.control.WriteSettingsAck()
		r.startWriting()
	}
	r.finishExcess()
	return nil
}

// finishExcess ends streams that were reserved, and that the peer does not allow any more:
// their calls take another connection, or wait for one.
func (r *reader) finishExcess() {
	for len(r.queue) > 0 && len(r.streams)+len(r.queue) > r.limit() {
		r.finish(r.queue[len(r.queue)-1], &Unprocessed{"the target allows fewer streams than before"})
	}
}

func (r *reader) takeSetting(s http2.Setting) error {
	if err := s.Valid(); err != nil {
		return err
	}
	switch s.ID {
	case http2.SettingMaxConcurrentStreams:
		r.peer.streams = s.Val
	case http2.SettingMaxFrameSize:
		r.peer.frame = int(s.Val)
	case http2.SettingHeaderTableSize:
		r.peer.table, r.peer.tableIsNew = s.Val, true
	case http2.SettingInitialWindowSize:
		by := int64(s.Val) - r.peer.initial
		r.peer.initial = int64(s.Val)
		for _, stream := range r.streams {
			if stream.window += by; stream.window > math.MaxInt32 {
				return http2.ConnectionError(http2.ErrCodeFlowControl)
			}
		}
	default: // the others concern pushes, or are advice
	}
	return nil
}

// takeGoAway ends the streams that the peer has not processed (section 6.8), and opens no
// others.
func (r *reader) takeGoAway(f *http2.GoAwayFrame) error {
	last := f.LastStreamID
	if old := r.peer.goAway; old != nil {
		last = min(last, old.LastStreamID)
	} else {
		r.peer.debug = fmt.Sprintf("%.100q", f.DebugData())
		if len(f.DebugData()) == 0 {
			r.peer.debug = ""
		}
		r.peer.goAway = &http2.GoAwayFrame{ErrCode: f.ErrCode, LastStreamID: last}
	}
	if r.peer.goAway.ErrCode == http2.ErrCodeNo {
		r.peer.goAway.ErrCode = f.ErrCode
	}
	r.peer.goAway.LastStreamID = last
	r.life.draining = true
	unprocessed := &Unprocessed{r.peer.describeGoAway()}
	for len(r.queue) > 0 {
		r.finish(r.queue[0], unprocessed)
	}
	for id, s := range r.streams {
		if id > last && !s.headed {
			r.finish(s, unprocessed)
		}
	}
	r.closeIfDone()
	return r.spend()
}

// describeGoAway says that the peer has sent a GOAWAY, or nothing.
func (p *peer) describeGoAway() string {
	switch {
	case p.goAway == nil:
		return ""
	case p.debug == "":
		return fmt.Sprintf("GOAWAY, %s", p.goAway.ErrCode)
	}
	return fmt.Sprintf("GOAWAY, %s: %s", p.goAway.ErrCode, p.debug)
}
