package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TestSecretsInOtherDress has a target answer with the secret that it was sent, in one
// notation after another. No execution shows it. Then a client guesses the secret: a right
// guess is answered like a wrong one. Last, names that hide characters, and keys whose
// namespace is empty.
func TestSecretsInOtherDress(t *testing.T) {
	t.Parallel()
	const secret = `Zk/9+q"W<7&=~a-xyz`
	inJSON, _ := json.Marshal(secret)
	std := base64.StdEncoding
	forms := []string{
		secret, strings.ToUpper(secret), string(inJSON[1 : len(inJSON)-1]), strings.ReplaceAll(secret, "/", `\/`),
		url.QueryEscape(secret), strings.ToLower(url.QueryEscape(secret)), html.EscapeString(secret),
		std.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
		std.EncodeToString([]byte("k=" + secret + ";"))[3:26], std.EncodeToString([]byte("k" + secret + ";"))[2:26],
		hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))),
	}
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var n int
		_, _ = fmt.Sscanf(r.URL.Path, "/%d", &n)
		w.WriteHeader(http.StatusNotFound)
		text := fmt.Sprintf("you sent: %s; and at the end ", forms[n]) // of 1 KiB, of which the secret has 12 bytes
		_, _ = fmt.Fprintf(w, "%s%s%s", text, strings.Repeat("a", 1024-12-len(text)), forms[n])
	}))
	t.Cleanup(target.Close)
	p := serve(t, t.TempDir())
	spec := func(n int, value string) string {
		text, err := json.Marshal(map[string]any{"schedule": "@yearly", "api": fmt.Sprintf("%s/%d", target.URL, n),
			"type": "ATLEAST_ONCE", "headers": map[string]string{"X-Api-Key": value}})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var job string
	for n, form := range forms {
		status, made := ask(t, "POST", p.url+"/jobs", "application/json", spec(n, secret))
		if status != http.StatusCreated {
			t.Fatalf("POST /jobs: %d %v", status, made)
		}
		job = made["jobId"].(string)
		said := said(p.ended(job))
		if strings.Contains(said, form[:12]) || strings.Count(said, "********") != 2 {
			t.Errorf("%s shows as %q", form, said)
		}
	}
	last := len(forms) - 1
	for i, guess := range []string{"wrong guess", secret, secret, secret} {
		method := []string{http.MethodPut, http.MethodPatch}[i%2]
		status, body := ask(t, method, p.url+"/jobs/"+job, "application/json", spec(last, guess))
		if version, _ := body["version"].(float64); status != http.StatusOK || int(version) != i+2 {
			t.Errorf("%s with %q: %d %v, want version %d", method, guess, status, body, i+2)
		}
	}
	for _, headers := range []string{`{"X-Other":"********"}`, `{"X-Other-Key":"********"}`,
		`{"X-Api-Key":"********","Accept":"********"}`} {
		status, body := ask(t, http.MethodPut, p.url+"/jobs/"+job, "application/json", `{"headers":`+headers+`}`)
		if status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %v", headers, status, body)
		}
	}
	for _, text := range []string{secret, "Zk/9", url.QueryEscape(secret)} {
		_, body := ask(t, http.MethodGet, p.url+"/jobs?text="+url.QueryEscape(text), "", "")
		if found := body["jobs"].([]any); len(found) != 0 {
			t.Errorf("a search for %q finds %d jobs", text, len(found))
		}
	}
	for _, row := range [][2]string{
		{"/jobs", `{"schedule":"@yearly","api":"http://127.0.0.1:1/","type":"ATLEAST_ONCE","name":"a\u202eb"}`},
		{"/jobs", `{"schedule":"@yearly","api":"http://127.0.0.1:1/","type":"ATLEAST_ONCE","tags":["a\u200bb"]}`},
		{"/keys", `{"name":"a","role":"admin","namespace":""}`},
		{"/keys", `{"name":"a","role":"admin","namespace":null}`},
		{"/keys", `{"name":"a\u200fb","role":"admin"}`},
	} {
		if status, body := ask(t, http.MethodPost, p.url+row[0], "application/json", row[1]); status != 422 {
			t.Errorf("%s %s: %d %v", row[0], row[1], status, body)
		}
	}
}
