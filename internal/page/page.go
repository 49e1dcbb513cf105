package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

// Prefix begins the paths of the page. The API has none below it.
const Prefix = "/ui"

// MaxCompressed is how many bytes the page may take in all, compressed: a second at 1.2 Mbit/s.
const MaxCompressed = 150_000

// policy is the Content-Security-Policy of the shell. No form is sent by the browser itself: the script asks the API.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; " +
	"trusted-types 'none'"

const (
	shellName  = "index.html"
	assets     = "/assets/"
	keptAYear  = "public, max-age=31536000, immutable"
	askedAgain = "no-cache"
)

// notBuilt is the page of a binary that was built without one.
const notBuilt = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Belfry</title>
<h1>Belfry runs</h1>
<p>This binary was built without the dashboard. <code>make build</code> builds it in where Node 18 or later is
installed; the images and releases have it.</p>
<p>The API is described at <a href="/docs">/docs</a>.</p>
</html>
`

// The files of the build. all: is for the file that keeps the folder in the repository: without any file the program
// would not compile.
//
//go:embed all:dist
var embedded embed.FS

// Page serves the dashboard.
type Page struct {
	shell  *file
	assets map[string]*file // by path, from Prefix
}

// Embedded returns the page of this binary.
func Embedded() (*Page, error) {
	files, err := fs.Sub(embedded, "dist")
	if err != nil {
		return nil, err
	}
	return New(files)
}

// New returns the page that is made of the files of a build.
func New(files fs.FS) (*Page, error) {
	p := &Page{shell: newFile(shellName, []byte(notBuilt)), assets: map[string]*file{}}
	shell, err := fs.ReadFile(files, shellName)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	p.shell = newFile(shellName, shell)
	names, err := fs.Glob(files, "assets/*")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		p.assets["/"+name] = newFile(name, content)
	}
	return p, nil
}

// Built reports whether the binary has a page.
func (p *Page) Built() bool { return len(p.assets) > 0 }

// Size returns how many bytes the page takes in all, compressed.
func (p *Page) Size() int {
	size := len(p.shell.zipped())
	for _, f := range p.assets {
		size += len(f.zipped())
	}
	return size
}

// ServeHTTP implements http.Handler: it answers GET and HEAD of the root and of the paths below [Prefix].
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, Prefix)
	if strings.HasPrefix(name, assets) {
		f := p.assets[name]
		if f == nil { // of another version: a shell in its place would be taken for a script
			http.Error(w, "There is no such file. Reload the page.", http.StatusNotFound)
			return
		}
		f.serve(w, r, keptAYear)
		return
	}
	w.Header().Set("Content-Security-Policy", policy)
	p.shell.serve(w, r, askedAgain)
}

// file is one file of the page.
type file struct {
	plain       []byte
	contentType string
	tag         string
	zipped      func() []byte
}

// contentTypes are those of the files of the page. Those that the machine has for them may be others, and a browser
// runs no script that is of another type.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
}

func newFile(name string, content []byte) *file {
	sum := sha256.Sum256(content)
	return &file{
		plain: content, contentType: contentTypes[path.Ext(name)], tag: hex.EncodeToString(sum[:8]),
		zipped: sync.OnceValue(func() []byte { return compress(content) }),
	}
}

// compress returns the content as gzip. Writing to memory does not fail.
func compress(content []byte) []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil
	}
	_, _ = z.Write(content)
	_ = z.Close()
	return b.Bytes()
}

// serve answers with the file, in the coding that the client takes, or that it has it already.
func (f *file) serve(w http.ResponseWriter, r *http.Request, caching string) {
	h := w.Header()
	content, tag := f.plain, strconv.Quote(f.tag)
	h.Add("Vary", "Accept-Encoding")
	h.Set("Cache-Control", caching)
	if takesGzip(r.Header.Values("Accept-Encoding")) {
		content, tag = f.zipped(), strconv.Quote(f.tag+"-gzip")
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", tag)
	if hasTag(r.Header.Values("If-None-Match"), tag) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content) // the client is gone: there is nobody to tell
}

// takesGzip reports whether a client takes gzip, by its Accept-Encoding.
func takesGzip(values []string) bool {
	takesAll := false
	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		coding, params, _ := strings.Cut(part, ";")
		_, q, weighed := strings.Cut(params, "q=")
		weight, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
		takes := !weighed || err == nil && weight > 0
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			return takes
		case "*":
			takesAll = takes
		}
	}
	return takesAll
}

// hasTag reports whether one of the tags that a client has is the current one, compared weakly (RFC 9110, section
// 13.1.2).
func hasTag(values []string, tag string) bool {
	for part := range strings.SplitSeq(strings.Join(values, ","), ",") {
		if known := strings.TrimSpace(part); strings.TrimPrefix(known, "W/") == tag || known == "*" {
			return true
		}
	}
	return false
}
