package domain

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// TestMaskedShowsNoSecret lays a canary into every place where secrets are
// usual.
func TestMaskedShowsNoSecret(t *testing.T) {
	const canary = "canary-0123"
	doc := NewSpecDoc()
	doc.API = "https://example.com/hook?a=1&token=" + canary + "&api%5Fkey=" + canary + "&X-Amz-Signature=" + canary + "&sig=" + canary + "&%zz=" + canary
	doc.Headers = map[string]string{}
	for _, name := range []string{
		"Authorization", "authorization", "Cookie", "X-Api-Key", "X-Auth-Token", "apikey", "X_API_KEY", "X-Secret", "Signature", "X-Client-Credentials",
	} {
		doc.Headers[name] = canary
	}
	doc.Body = json.RawMessage(`{"password":"` + canary + `","a":[{"accessToken":"` + canary + `"}],"keys":{"apiKey":["` + canary + `"]},"n":12345678901234567890}`)
	before, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(doc.Masked())
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; ; {
		i := strings.Index(string(text[at:]), canary)
		if i < 0 {
			break
		}
		t.Errorf("shown: %s", text[max(0, at+i-40):at+i])
		at += i + 1
	}
	for _, want := range []string{"https://example.com/hook?a=1", `"n":12345678901234567890`, `"Cookie":"` + Mask + `"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s is gone: %s", want, text)
		}
	}
	after, err := json.Marshal(doc)
	if err != nil || !bytes.Equal(after, before) {
		t.Error("the document itself was changed")
	}
}

func TestMaskedLeavesTheRest(t *testing.T) {
	doc := NewSpecDoc()
	doc.API, doc.Headers = "http://x/?page=2&keyword=a", map[string]string{"Content-Type": "text/plain", "X-Monkey-Business": "1"}
	doc.Body = json.RawMessage(`{"a":[1,"two",null,{"b":true}]}`)
	got := doc.Masked()
	if got.API != doc.API || got.Headers["Content-Type"] != "text/plain" || got.Headers["X-Monkey-Business"] != "1" || string(got.Body) != string(doc.Body) {
		t.Errorf("%+v", got)
	}
	for _, body := range []string{`"user=a&password=b"`, `"` + strings.Repeat("x", 5_000) + `"`, `[` + strings.Repeat("1,", 5_000) + `1]`} {
		doc.Body = json.RawMessage(body)
		if got := string(doc.Masked().Body); got != `"`+Mask+`"` {
			t.Errorf("%.20s: %s", body, got)
		}
	}
}
