package peer

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// capture is a response that is kept whole: its MAC covers all of it.
type capture struct {
	header http.Header
	status int
	body   bytes.Buffer
	most   int
	over   bool // more was written than may be
}

func newCapture(most int) *capture { return &capture{header: make(http.Header), most: most} }

// Header implements http.ResponseWriter.
func (c *capture) Header() http.Header { return c.header }

// WriteHeader implements http.ResponseWriter. An interim response is dropped.
func (c *capture) WriteHeader(status int) {
	if c.status == 0 && status >= http.StatusOK {
		c.status = status
	}
}

// Write implements http.ResponseWriter. The error says that the answer is too large.
func (c *capture) Write(p []byte) (int, error) {
	c.WriteHeader(http.StatusOK)
	if c.over || c.body.Len()+len(p) > c.most {
		c.over = true
		return 0, fmt.Errorf("peer: the answer has more than %d bytes", c.most)
	}
	return c.body.Write(p)
}

// pack returns the answer as HTTP/1.1 has it.
func (c *capture) pack() ([]byte, error) {
	c.WriteHeader(http.StatusOK)
	res := &http.Response{
		ProtoMajor: 1, ProtoMinor: 1, StatusCode: c.status, Header: c.header,
		ContentLength: int64(c.body.Len()), Body: io.NopCloser(bytes.NewReader(c.body.Bytes())),
	}
	for _, name := range []string{"Connection", "Content-Length", "Keep-Alive", "Trailer", "Transfer-Encoding",
		"Upgrade"} {
		res.Header.Del(name)
	}
	var text bytes.Buffer
	if err := res.Write(&text); err != nil {
		return nil, fmt.Errorf("peer: writing an answer: %w", err)
	}
	return text.Bytes(), nil
}
