package executor

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// A head is found whatever pieces it comes in, at its first empty line.
func TestHeadScan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.StringMatching(`[a-c:\r]{1,8}x`), 0, 20).Draw(t, "lines")
		brk := rapid.SampledFrom([]string{"\n", "\r\n"})
		var head strings.Builder
		for _, l := range lines {
			head.WriteString(l + brk.Draw(t, "break"))
		}
		head.WriteString(brk.Draw(t, "end"))
		text := head.String() + rapid.StringMatching(`[a\r\n]{0,8}`).Draw(t, "body")
		var scan headScan
		for n := 0; ; n = min(len(text), n+rapid.IntRange(1, 5).Draw(t, "piece")) {
			ended := scan.ends([]byte(text[:n]))
			if want := n >= head.Len(); ended != want {
				t.Fatalf("%q: after %d bytes %v", text, n, ended)
			}
			if ended {
				break
			}
		}
		if scan.at != head.Len() || scan.lines != len(lines)+1 {
			t.Fatalf("%q ends at %d after %d lines, want %d and %d", text, scan.at, scan.lines, head.Len(), len(lines)+1)
		}
	})
}

func TestAwaitHead(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want error
	}{
		"whole":          {"HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody", nil},
		"breaks off":     {"HTTP/1.1 200 OK\r\nA: b\r\n", nil}, // the parser says so
		"too many lines": {strings.Repeat("a\n", maxHeadLines+1), errTooManyLines},
		"as many as may": {strings.Repeat("a\n", maxHeadLines-1) + "\n", nil},
		"too long":       {strings.Repeat("a", readBufferBytes), errHeaderTooLong},
	} {
		for _, r := range []io.Reader{strings.NewReader(tc.text), iotest.OneByteReader(strings.NewReader(tc.text))} {
			if err := awaitHead(bufio.NewReaderSize(r, readBufferBytes)); !errors.Is(err, tc.want) {
				t.Errorf("%s: %v, want %v", name, err, tc.want)
			}
		}
	}
}
