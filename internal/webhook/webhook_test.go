package webhook

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"pgregory.net/rapid"
)

// secretOf makes a secret of n bytes.
func secretOf(n int, fill byte) Secret {
	return Secret(Prefix + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, n)))
}

func newSigner(t testing.TB, secrets ...Secret) *Signer {
	t.Helper()
	s, err := NewSigner(secrets)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// headers reads what the signer appends as a target does.
func headers(t testing.TB, b []byte) http.Header {
	t.Helper()
	h, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(b, "\r\n"...)))).ReadMIMEHeader()
	if err != nil {
		t.Fatalf("%v in %q", err, b)
	}
	return http.Header(h)
}

// The library of the specification accepts what we sign, with each secret, and
// signs the same.
func TestTheStandardLibraryAgrees(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		secrets := []Secret{secretOf(rapid.IntRange(minKeyBytes, maxKeyBytes).Draw(rt, "bytes"), 'a'),
			secretOf(32, 'b')}[:rapid.IntRange(1, 2).Draw(rt, "secrets")]
		id := rapid.StringMatching(`[0-9a-f-]{36}`).Draw(rt, "id")
		body := rapid.SliceOf(rapid.Byte()).Draw(rt, "body")
		now := time.Now()
		before := rapid.SampledFrom([]string{"", "GET / HTTP/1.1\r\n"}).Draw(rt, "before")
		b := newSigner(t, secrets...).AppendHeaders([]byte(before), []byte(id), now.Unix(), body)
		if !bytes.HasPrefix(b, []byte(before)) {
			rt.Fatalf("%q does not begin with %q", b, before)
		}
		h := headers(t, b[len(before):])
		var want []string
		for _, s := range secrets {
			wh, err := standard.NewWebhook(s.Reveal())
			if err != nil {
				rt.Fatal(err)
			}
			if err := wh.Verify(body, h); err != nil {
				rt.Fatalf("%v: %q", err, b)
			}
			if err := wh.Verify(append(body, ' '), h); !errors.Is(err, standard.ErrNoMatchingSignature) {
				rt.Fatalf("another body is accepted: %v", err)
			}
			signature, err := wh.Sign(id, now, body)
			if err != nil {
				rt.Fatal(err)
			}
			want = append(want, signature)
		}
		if got := h.Get("webhook-signature"); got != strings.Join(want, " ") {
			rt.Fatalf("signature %q, the library makes %q", got, want)
		}
		if h.Get("webhook-id") != id || h.Get("webhook-timestamp") != fmt.Sprint(now.Unix()) || len(h) != 3 {
			rt.Fatalf("headers %v", h)
		}
	})
}

// Another secret, another id and another time are not accepted.
func TestForgeriesAreNotAccepted(t *testing.T) {
	now := time.Now().Unix()
	genuine := newSigner(t, secretOf(32, 'a')).AppendHeaders(nil, []byte("id-1"), now, []byte("body"))
	verify := func(s Secret, b []byte) error {
		wh, err := standard.NewWebhook(s.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		return wh.Verify([]byte("body"), headers(t, b))
	}
	if err := verify(secretOf(32, 'a'), genuine); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		secret Secret
		change [2]string
	}{
		"another secret": {secretOf(32, 'b'), [2]string{}},
		"another id":     {secretOf(32, 'a'), [2]string{"id-1", "id-2"}},
		"another time":   {secretOf(32, 'a'), [2]string{fmt.Sprint(now), fmt.Sprint(now + 1)}},
	} {
		b := bytes.Replace(genuine, []byte(tc.change[0]), []byte(tc.change[1]), 1)
		if err := verify(tc.secret, b); !errors.Is(err, standard.ErrNoMatchingSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSecretForms(t *testing.T) {
	for name, tc := range map[string]struct {
		secret Secret
		want   error
	}{
		"shortest":      {secretOf(24, 1), nil},
		"longest":       {secretOf(64, 1), nil},
		"too short":     {secretOf(23, 1), errForm},
		"too long":      {secretOf(65, 1), errForm},
		"no prefix":     {secretOf(32, 1)[len(Prefix):], errForm},
		"prefix alone":  {Prefix, errForm},
		"empty":         {"", errForm},
		"no base64":     {Prefix + "!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!", errForm},
		"no padding":    {Secret(strings.TrimRight(string(secretOf(32, 1)), "=")), errForm},
		"line break":    {secretOf(24, 1) + "\n", errForm},
		"inner break":   {secretOf(24, 1)[:20] + "\r\n" + secretOf(24, 1)[20:], errForm},
		"space":         {secretOf(24, 1) + " ", errForm},
		"loose bits":    {secretOf(25, 1)[:len(secretOf(25, 1))-3] + "R==", errForm},
		"URL alphabet":  {Secret(Prefix + base64.URLEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, 24))), errForm},
		"the mask":      {Mask, errForm},
		"another mask":  {Prefix + "****", errForm},
		"asymmetric":    {"whsk_" + secretOf(64, 1)[len(Prefix):], errForm},
		"upper case":    {Secret(strings.ToUpper(Prefix)) + secretOf(32, 1)[len(Prefix):], errForm},
		"std alphabet+": {Secret(Prefix + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, 24))), nil},
	} {
		if err := tc.secret.Validate(); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
}

func TestSignersOfBadSecrets(t *testing.T) {
	if s, err := NewSigner(nil); s != nil || err != nil {
		t.Errorf("no secrets: %v, %v", s, err)
	}
	a, b := secretOf(32, 'a'), secretOf(32, 'b')
	for want, secrets := range map[string][]Secret{
		"at most 2":        {a, b, secretOf(32, 'c')},
		"secret 2 must be": {a, "whsec_x"},
		"secret 1 must be": {Mask, a},
		"the same as":      {a, a},
	} {
		if _, err := NewSigner(secrets); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

// A secret is in nothing that is printed.
func TestSecretsAreNotShown(t *testing.T) {
	const canary = "Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5"
	s := Secret(Prefix + canary)
	if s.Validate() != nil || s.Reveal() != Prefix+canary {
		t.Fatal("the canary is no secret")
	}
	doc, err := json.Marshal(map[string]any{"a": s, "b": []Secret{s}, "c": &s})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "in", struct{ S []Secret }{[]Secret{s}})
	_, bad := NewSigner([]Secret{s + "!"})
	for _, text := range []string{
		s.String(), fmt.Sprintf("%v %+v %#v %s %q", s, s, s, s, s),
		fmt.Sprintf("%+v", struct{ S []Secret }{[]Secret{s}}),
		string(doc), log.String(), bad.Error(),
	} {
		if strings.Contains(text, canary) {
			t.Errorf("the secret is in %s", text)
		}
	}
	var back []Secret
	if err := json.Unmarshal([]byte(`["`+Prefix+canary+`"]`), &back); err != nil || back[0] != s {
		t.Errorf("a secret is not read: %v", err)
	}
}

// Signers are shared by all calls.
func TestManySignAtOnce(t *testing.T) {
	s := newSigner(t, secretOf(32, 'a'), secretOf(64, 'b'))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			id, body := fmt.Appendf(nil, "id-%d", i), bytes.Repeat([]byte{byte(i)}, 100*i)
			want := string(newSigner(t, secretOf(32, 'a'), secretOf(64, 'b')).AppendHeaders(nil, id, int64(i), body))
			for range 200 {
				if got := string(s.AppendHeaders(nil, id, int64(i), body)); got != want {
					t.Errorf("%q, want %q", got, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkAppendHeaders(b *testing.B) {
	id, body := []byte("0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"), bytes.Repeat([]byte("x"), 150)
	for n := 1; n <= MaxSecrets; n++ {
		s := newSigner(b, []Secret{secretOf(32, 'a'), secretOf(32, 'b')}[:n]...)
		b.Run(fmt.Sprintf("secrets=%d", n), func(b *testing.B) {
			buf := make([]byte, 0, 1024)
			b.ReportAllocs()
			for b.Loop() {
				buf = s.AppendHeaders(buf[:0], id, 1_767_225_600, body)
			}
		})
	}
}
