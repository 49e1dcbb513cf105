package domain

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// minHidden is the length from which on a part of a URL is hidden in errors: a shorter one is a word like "v1".
const minHidden = 6

// Texts returns what must not be shown anywhere, the longest first: the URL, its parts that may be a token, the
// other secrets, and each of them in the forms in which a receiver may repeat it.
func (c *Channel) Texts() []string {
	var found hiddenTexts
	found.addURL(c.Secrets.URL)
	for _, value := range c.Secrets.Values {
		found.add(value, minSecretBytes)
		for _, text := range []string{ // as Basic and SMTP send it
			c.Options["user"] + ":" + value, c.Options["accountSid"] + ":" + value,
			"\x00" + c.Options["user"] + "\x00" + value, value,
		} {
			found.add(base64.StdEncoding.EncodeToString([]byte(text)), minSecretBytes)
		}
	}
	for _, secret := range c.Secrets.Signing {
		for _, t := range secret.Texts() {
			found.add(t, minSecretBytes)
		}
	}
	slices.SortFunc(found.texts, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return slices.Compact(found.texts)
}

// Hide replaces what must not be shown in a text.
func (c *Channel) Hide(text string) string {
	for _, secret := range c.Texts() {
		text = strings.ReplaceAll(text, secret, webhook.Mask)
	}
	return text
}

type hiddenTexts struct{ texts []string }

// add takes a text that has at least so many bytes, and what it looks like in a URL, in JSON, in HTML, and in errors of
// programs in Go that quote it.
func (h *hiddenTexts) add(text string, least int) {
	if len(text) < least {
		return
	}
	quoted, _ := json.Marshal(text) // a text has no error
	h.texts = append(h.texts, text, url.QueryEscape(text), url.PathEscape(text),
		unquoted(string(quoted)), unquoted(strconv.Quote(text)), unquoted(strconv.QuoteToASCII(text)),
		html.EscapeString(text))
}

// unquoted returns what is between the first and the last character.
func unquoted(text string) string { return text[1 : len(text)-1] }

// addURL takes a URL and its parts, as they are written and as they are meant.
func (h *hiddenTexts) addURL(raw string) {
	h.add(raw, minHidden)
	u, err := url.Parse(raw)
	if err != nil {
		return
	}
	h.add(u.RequestURI(), minHidden)
	h.add(u.Fragment, minHidden)
	for _, path := range []string{u.EscapedPath(), u.Path} {
		for part := range strings.SplitSeq(path, "/") {
			h.add(part, minHidden)
		}
	}
	for part := range strings.FieldsFuncSeq(u.RawQuery, func(r rune) bool { return r == '&' || r == ';' }) {
		_, value, _ := strings.Cut(part, "=")
		h.add(value, minHidden)
	}
	for name, values := range u.Query() {
		for _, v := range values {
			h.add(v, minHidden)
			if v == "" { // ?TOKEN
				h.add(name, minHidden)
			}
		}
	}
	if u.User == nil {
		return
	}
	h.add(u.User.String(), minHidden)
	h.add(u.User.Username(), minSecretBytes)
	password, set := u.User.Password()
	h.add(password, minSecretBytes)
	if set {
		basic := u.User.Username() + ":" + password
		h.add(base64.StdEncoding.EncodeToString([]byte(basic)), minHidden)
	}
}
