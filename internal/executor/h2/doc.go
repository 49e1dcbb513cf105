// Package h2 is the client's side of one HTTP/2 connection (RFC 9113): requests go out as
// streams of it, and each gets its answer or an error that says what became of it.
//
// # What it guarantees
//
//   - Do sends a request at most once. An error of type Unprocessed says that the peer has
//     certainly not processed it: no byte was written, or the peer has said so by
//     REFUSED_STREAM (section 8.7) or by a GOAWAY with a smaller stream identifier (section
//     6.8). After any other error of a request that was Sent, it may have been processed.
//   - Do returns at the deadline. The stream is then reset, and other streams go on.
//   - The peer's SETTINGS_MAX_CONCURRENT_STREAMS is respected, 0 included. Available says
//     how many streams there are now, and Config.Changed is called when there may be more.
//   - After a GOAWAY, Drain, or when stream identifiers are used up, no stream is opened any
//     more, and the connection is closed when the last one has ended.
//   - A peer that is silent while a call waits is sent a PING. Without any frame from it
//     within PingTimeout, the connection ends with all its streams.
//   - What a peer sends is bounded, see below.
//
// # How it works
//
//	Do ──> queue ──> flush ──> streams, control frames, bodies ──> net.Conn
//	 ^                                                                │
//	 └──── done <── answer, reset, GOAWAY, end <── readFrames <───────┘
//
// The wire format is that of golang.org/x/net: its Framer and its HPACK. Streams, windows
// and the end of the connection are of this package, for reasons that ADR 29 has with
// figures: the errors of the client in x/net do not say whether a byte was written or
// whether a request was processed, it has no bound on control frames, and it costs twice as
// much.
//
// A goroutine reads for as long as the connection lives. Another one writes while there is
// something to write. It first yields the processor: calls that begin at the same instant
// then share one write, one TLS record and one system call.
//
// # Bounds of what a peer sends
//
//	headers, CONTINUATION     Config.MaxHeaderBytes as a list (section 6.5.2), by the Framer;
//	                          reads for one frame are limited too, for fragments without bytes
//	interim answers (1xx)     MaxInterim, and MaxHeaderBytes together
//	a body                    Config.MaxBodyBytes, which is the window of a stream; padding
//	                          is given back and counts as a control frame
//	control frames            PING, SETTINGS, RST_STREAM, WINDOW_UPDATE, PRIORITY, unknown ones,
//	                          DATA without data, frames of closed streams: a budget (flood.go)
//	answers to them           maxPending bytes, if the peer does not read
//
// # Order of the files
//
// Each file uses only those before it:
//
//	errors.go flood.go fields.go stream.go conn.go write.go read.go call.go
//
// # How this is shown
//
// Tests drive a connection against a peer that writes frames as each case wants them, and
// against the server of net/http. Package executor tests the same through its calls.
package h2
