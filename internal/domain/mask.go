package domain

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// Mask stands for a secret that is not shown.
const Mask = "********"

// maxShownBody is how much of a body is shown where secrets are masked.
const maxShownBody = 4 << 10

// Masked returns the document without its secrets, for places where more
// people read than may know them: the values of headers, parameters of the URL
// and members of a JSON body whose names say that they are secret. A body that is text, or
// too long to be shown, is masked whole. The document itself stays as it is.
func (d SpecDoc) Masked() SpecDoc {
	if len(d.Headers) > 0 {
		headers := make(map[string]string, len(d.Headers))
		for name, value := range d.Headers {
			if secretName(name) {
				value = Mask
			}
			headers[name] = value
		}
		d.Headers = headers
	}
	d.API = maskURL(d.API)
	d.Body = maskBody(d.Body)
	return d
}

// secretName reports whether what has this name is likely to be a secret. The
// separators and the case of names vary: X-Api-Key, api_key, apiKey.
func secretName(name string) bool {
	low := strings.NewReplacer("-", "", "_", "", ".", "").Replace(strings.ToLower(name))
	if slices.Contains([]string{"auth", "authorization", "cookie", "setcookie", "sig"}, low) {
		return true
	}
	return slices.ContainsFunc([]string{"key", "token", "secret", "signature", "password", "passwd", "credential", "credentials"}, func(end string) bool {
		return strings.HasSuffix(low, end)
	})
}

func maskURL(raw string) string {
	head, query, ok := strings.Cut(raw, "?")
	if !ok {
		return raw
	}
	parts := strings.Split(query, "&")
	for i, part := range parts {
		name, _, _ := strings.Cut(part, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil || secretName(plain) {
			parts[i] = name + "=" + Mask
		}
	}
	return head + "?" + strings.Join(parts, "&")
}

func maskBody(body json.RawMessage) json.RawMessage {
	masked := json.RawMessage(`"` + Mask + `"`)
	if len(body) == 0 {
		return body
	}
	if len(body) > maxShownBody || bytes.TrimSpace(body)[0] == '"' {
		return masked
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var value any
	if dec.Decode(&value) != nil {
		return masked
	}
	text, err := json.Marshal(maskValue(value))
	if err != nil {
		return masked
	}
	return text
}

// maskValue masks inside of a decoded document. The decoder has bounded its
// depth.
func maskValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			if secretName(name) {
				v[name] = Mask
			} else {
				v[name] = maskValue(member)
			}
		}
	case []any:
		for i := range v {
			v[i] = maskValue(v[i])
		}
	}
	return value
}
