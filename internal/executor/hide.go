package executor

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// A target may repeat what it was sent, as it is or in the notation of its answer. What
// is masked: the secret in letters of any case; its hexadecimal digits; its base64 in both
// alphabets, alone or inside of more bytes; and all of these with characters written as
// JSON, URLs and HTML do, up to decodings times over one another.

const (
	// minHiddenBytes is how much of a secret before a place at which a text is cut is
	// taken for the secret: less is there by chance.
	minHiddenBytes = 6

	// decodings is how often a text is decoded: JSON inside of JSON inside of a URL.
	decodings = 3

	// maxCompared is how many bytes are compared for one text at most: about 2 ms. A usual
	// text of 1 KiB takes some 10,000. Only many secrets that repeat themselves, in a target
	// that repeats them, take more, and then nothing of the text is shown.
	maxCompared = 1 << 20

	// maxComparedBody is the same for the answer to a test call: about 40 ms, of which a few are
	// made at a time.
	maxComparedBody = 20 << 20
)

// hide masks secrets in a text. Only failures have a text. A secret that was cut off with
// the text is masked too. maxCompared bounds what it costs.
func hide(text string, lists ...[]string) string { return hideUpTo(maxCompared, text, lists...) }

// hideUpTo is hide with another bound for the bytes that are compared.
func hideUpTo(most int, text string, lists ...[]string) string {
	h := hiders.Get().(*hider)
	defer hiders.Put(h)
	h.needles.reset()
	h.needles.remaining = most
	for _, secrets := range lists {
		for _, secret := range secrets {
			h.needles.add(secret)
		}
	}
	if text == "" || len(h.needles.all) == 0 {
		return text
	}
	h.hidden = append(h.hidden[:0], make([]bool, len(text))...)
	v, other := &h.views[0], &h.views[1]
	v.set(text)
	found := h.needles.find(v, h.hidden)
	for n := 0; n < decodings && bytes.ContainsAny(v.text, `\%&`); n++ {
		v.decodeInto(other)
		v, other = other, v
		found = h.needles.find(v, h.hidden) || found
	}
	switch {
	case h.needles.remaining < 0:
		return domain.Mask
	case !found:
		return text
	}
	return maskMarked(text, h.hidden)
}

// hider is the memory that one text takes.
type hider struct {
	needles needles
	hidden  []bool // of each byte
	views   [2]view
}

var hiders = sync.Pool{New: func() any { return new(hider) }}

// maskMarked replaces each run of marked bytes by a mask.
func maskMarked(text string, hidden []bool) string {
	var out strings.Builder
	start, within := 0, false
	for i, h := range hidden {
		switch {
		case h && !within:
			out.WriteString(text[start:i])
			out.WriteString(domain.Mask)
		case !h && within:
			start = i
		}
		within = h
	}
	if !within {
		out.WriteString(text[start:])
	}
	return out.String()
}

// view is a text, decoded some times and folded, with the place of each byte in the
// original.
type view struct {
	text []byte
	at   []int32 // where the byte begins; one more is the end
}

// needle is a form of a secret, folded. Base64 has characters at its ends that depend on
// the bytes beside the secret: they are not compared, and masked as well.
type needle struct {
	text          []byte // of needles.bytes
	before, after int
	least         int   // how much of it is taken for it before a cut
	next          int32 // with the same first byte; zero: none
}

// schemes are the words of an Authorization, folded: alone they are no secret, and a target
// says them when it refuses a request.
var schemes = []string{"basic ", "bearer ", "digest ", "negotiate ", "oauth ", "token ", "apikey "}

// leastBeforeCut returns how much of a form of a secret is taken for it before a cut.
func leastBeforeCut(text []byte) int {
	for _, scheme := range schemes {
		if len(text) > len(scheme) && string(text[:len(scheme)]) == scheme {
			return max(minHiddenBytes, len(scheme)+1)
		}
	}
	return minHiddenBytes
}

// needles are the forms of all secrets, by their first byte.
type needles struct {
	all       []needle // the first one is none
	bytes     []byte
	scratch   []byte
	byFirst   [256]int32 // of all
	remaining int        // bytes that may be compared; below zero: not all was
}

func (n *needles) reset() {
	n.all, n.bytes = n.all[:0], n.bytes[:0]
	clear(n.byFirst[:])
}

func (n *needles) add(secret string) {
	if secret == "" {
		return
	}
	n.scratch = append(n.scratch[:0], secret...)
	n.put(n.scratch, 0, 0)
	if !isPlain(secret) {
		n.addOdd(secret)
	}
	n.scratch = hex.AppendEncode(n.scratch[:0], []byte(secret))
	n.put(n.scratch, 0, 0)
	for shift := range 3 {
		n.scratch = append(n.scratch[:0], "\x00\x00"[:shift]...)
		n.scratch = append(n.scratch, secret...)
		n.scratch = base64.RawStdEncoding.AppendEncode(n.scratch, n.scratch)
		text := n.scratch[shift+len(secret):]
		begin := [...]int{0, 2, 3}[shift] // characters with bits of the bytes before
		whole := (shift + len(secret)) * 8 / 6
		n.put(text[min(begin, whole):whole], min(begin, 1), len(text)-whole)
	}
}

// addOdd adds forms that only some secrets have.
func (n *needles) addOdd(secret string) {
	n.put([]byte(printable([]byte(secret))), 0, 0) // white space and controls are replaced in texts
	upper := strings.ToUpper(secret)               // fold does it for ASCII alone
	n.put([]byte(upper), 0, 0)
	n.put([]byte(strings.ToLower(upper)), 0, 0)
	var a, b view // decoding a text decodes the escapes of the secret too
	a.set(secret)
	for range decodings {
		a.decodeInto(&b)
		a, b = b, a
		n.put(a.text, 0, 0)
	}
}

// isPlain reports whether a secret has none of those forms.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < '!' || c > '~' || c == '\\' || c == '%' || c == '&' {
			return false
		}
	}
	return true
}

func (n *needles) put(text []byte, before, after int) {
	if len(text) == 0 {
		return
	}
	if len(n.all) == 0 {
		n.all = append(n.all, needle{})
	}
	start := len(n.bytes)
	for _, c := range text {
		n.bytes = append(n.bytes, folded[c])
	}
	own := n.bytes[start:len(n.bytes):len(n.bytes)] // stays whole when bytes moves
	n.all = append(n.all, needle{own, before, after, leastBeforeCut(own), n.byFirst[own[0]]})
	n.byFirst[own[0]] = int32(len(n.all) - 1)
}

// fold makes equal what is written differently: letters of both cases, the alphabets of
// base64, and a blank in a URL.
func fold(c byte) byte {
	switch {
	case 'A' <= c && c <= 'Z':
		return c + 'a' - 'A'
	case c == '+', c == '-':
		return ' '
	case c == '_':
		return '/'
	}
	return c
}

// folded is fold as a table.
var folded = func() (of [256]byte) {
	for c := range of {
		of[c] = fold(byte(c))
	}
	return of
}()

// find marks what is a needle in a view, and reports whether there was one.
func (n *needles) find(v *view, hidden []bool) (found bool) {
	for i, c := range v.text {
		for k := n.byFirst[c]; k != 0; k = n.all[k].next {
			one := &n.all[k]
			same := 1
			for same < len(one.text) && i+same < len(v.text) && v.text[i+same] == one.text[same] {
				same++
			}
			if n.remaining -= same; n.remaining < 0 {
				return found
			}
			if same == len(one.text) {
				v.mark(hidden, i-one.before, i+same+one.after)
				found = true
			} else if same >= one.least {
				found = v.markCut(hidden, i, same, one.least) || found
			}
		}
	}
	return found
}

// markCut marks the first bytes of a needle if the text may have been cut after them: there,
// or in an escape whose first character is one of the needle too.
func (v *view) markCut(hidden []bool, from, same, least int) bool {
	end := from + same
	if isCut(v.text[end:]) && !isHalfEscape(v.text[end:]) {
		v.mark(hidden, from, end)
		return true
	}
	for at := min(end, len(v.text)-1); at >= from+least && at > end-longestEscape; at-- {
		if isHalfEscape(v.text[at:]) {
			v.mark(hidden, from, len(v.text))
			return true
		}
	}
	return false
}

// isCut reports whether a text may have been cut before this rest of it: at the end, before
// a quote that was added, or where a remark follows.
func isCut(rest []byte) bool {
	return len(rest) == 0 || rest[0] == '"' || rest[0] == ')' || string(rest[:min(3, len(rest))]) == "..." ||
		len(rest) > 1 && rest[0] == ' ' && rest[1] == '('
}

// longestEscape is the length of the longest escape that is usual.
const longestEscape = len(`\ud83d\udd11`)

// isHalfEscape reports whether a text is the beginning of an escape.
func isHalfEscape(rest []byte) bool {
	return len(rest) > 0 && len(rest) < longestEscape && (rest[0] == '\\' || rest[0] == '%' || rest[0] == '&')
}

func (v *view) set(text string) {
	v.text, v.at = v.text[:0], v.at[:0]
	for i := range len(text) {
		v.text, v.at = append(v.text, folded[text[i]]), append(v.at, int32(i))
	}
	v.at = append(v.at, int32(len(text)))
}

func (v *view) mark(hidden []bool, from, to int) {
	from, to = max(from, 0), min(to, len(v.text))
	for i := v.at[from]; i < v.at[to]; i++ {
		hidden[i] = true
	}
}

// decodeInto decodes the escapes of JSON, URLs and HTML.
func (v *view) decodeInto(out *view) {
	out.text, out.at = out.text[:0], out.at[:0]
	for i := 0; i < len(v.text); {
		c := v.text[i]
		if c != '\\' && c != '%' && c != '&' {
			out.text, out.at = append(out.text, c), append(out.at, v.at[i])
			i++
			continue
		}
		r, size, raw := unescape(v.text[i:])
		if size == 0 {
			r, size, raw = rune(c), 1, true
		}
		start := len(out.text)
		if raw {
			out.text = append(out.text, byte(r))
		} else {
			out.text = utf8.AppendRune(out.text, r)
		}
		for k := start; k < len(out.text); k++ {
			out.text[k] = folded[out.text[k]]
			out.at = append(out.at, v.at[i])
		}
		i += size
	}
	out.at = append(out.at, v.at[len(v.text)])
}

// entities are the names of characters in HTML, as folded.
var entities = map[string]rune{"amp": '&', "lt": '<', "gt": '>', "quot": '"', "apos": '\'', "nbsp": ' ', "sol": '/',
	"plus": '+', "equals": '=', "colon": ':', "period": '.', "comma": ',', "lowbar": '_', "percnt": '%'}

// unescape reads the escape at the start of a text, and returns its length; zero: there is
// none. raw: it is a byte, not a character.
func unescape(b []byte) (r rune, size int, raw bool) {
	switch {
	case len(b) < 2:
		return 0, 0, false
	case b[0] == '%' && b[1] == 'u', b[0] == '\\' && b[1] == 'u':
		r, size = utf16At(b)
		return r, size, false
	case b[0] == '%':
		r, size = hexAt(b, 1, 2)
		return r, size, true
	case b[0] == '\\' && b[1] == 'x':
		r, size = hexAt(b, 2, 2)
		return r, size, true
	case b[0] == '\\':
		if i := strings.IndexByte("ntrbf", b[1]); i >= 0 {
			return ' ', 2, true
		}
		return rune(b[1]), 2, true
	case b[0] == '&':
		return entityAt(b)
	}
	return 0, 0, false
}

// utf16At reads four hexadecimal digits behind two characters, and a pair of those where
// they are the halves of one character. A half at which the text may have been cut is none.
func utf16At(b []byte) (r rune, size int) {
	r, size = hexAt(b, 2, 4)
	if !utf16.IsSurrogate(r) {
		return r, size
	}
	if bytes.HasPrefix(b[size:], b[:2]) {
		low, end := hexAt(b[size:], 2, 4)
		if whole := utf16.DecodeRune(r, low); whole != utf8.RuneError {
			return whole, size + end
		}
	}
	if len(b) < longestEscape {
		return 0, 0
	}
	return r, size
}

// hexAt reads so many hexadecimal digits, and returns where they end.
func hexAt(b []byte, from, digits int) (rune, int) {
	if len(b) < from+digits {
		return 0, 0
	}
	n, err := strconv.ParseUint(string(b[from:from+digits]), 16, 32)
	if err != nil {
		return 0, 0
	}
	return rune(n), from + digits
}

// entityAt reads a character of HTML: by number, or by the names above.
func entityAt(b []byte) (r rune, size int, raw bool) {
	const longest = len("&#x0010ffff;")
	end := strings.IndexByte(string(b[:min(len(b), longest)]), ';')
	if end < 0 {
		return 0, 0, false
	}
	name := string(b[1:end])
	if r, ok := entities[name]; ok {
		return r, end + 1, false
	}
	number, ok := strings.CutPrefix(name, "#")
	base := 10
	if digits, is := strings.CutPrefix(number, "x"); is {
		number, base = digits, 16
	}
	n, err := strconv.ParseUint(number, base, 21)
	if !ok || err != nil {
		return 0, 0, false
	}
	return rune(n), end + 1, false
}
