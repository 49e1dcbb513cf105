package domain

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/webhook"
)

func TestSecretHeader(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"Authorization": true, "AUTHORIZATION": true, "Proxy-Authorization": true, "Cookie": true, "cookie": true,
		"X-Api-Key": true, "x-api-key": true, "X-Token": true, "X_API_KEY": true, "Proxy_Authorization": true,
		"Private-TOKEN": true, "Client-Secret": true, "Token": true, "Apikey": true, "X-Apikey": true, "X-Auth": true,
		"X-Authorization": true, "X-Amz-Security-Token": true, "X-Password": true, "X-Goog-Iap-Jwt-Assertion": true,
		"X-Session-Cookie": true, "Dpop-Jwt": true, "X-Credentials": true, "Secret": true,
		"": false, "Accept": false, "Key": false, "X-Monkey": false, "X-Key-Id": false, "Authorization-Type": false,
		"Set-Cookies": false,
	} {
		if got := SecretHeader(name); got != want {
			t.Errorf("SecretHeader(%q) = %t, want %t", name, got, want)
		}
	}
}

func TestMaskedShowsNoSecret(t *testing.T) {
	t.Parallel()
	s := validSpec()
	s.Headers = map[string]string{"Authorization": "Bearer 1", "X-Own": "2", "Accept": "text/plain"}
	s.SecretNames = []string{"x-own", "X-Absent"}
	before := maps.Clone(s.Headers)
	want := map[string]string{"Authorization": Mask, "X-Own": Mask, "Accept": "text/plain"}
	if got := s.Masked(); !maps.Equal(got.Headers, want) || got.Schedule != s.Schedule {
		t.Errorf("masked as %+v", got)
	}
	if !maps.Equal(s.Headers, before) {
		t.Error("the spec itself was masked")
	}
	if got := s.SecretHeaders(); !slices.Equal(got, []string{"Authorization", "X-Own"}) {
		t.Errorf("SecretHeaders %v", got)
	}
	s.Headers = map[string]string{"Accept": "*/*"}
	if got := s.Masked(); reflect.ValueOf(got.Headers).Pointer() != reflect.ValueOf(s.Headers).Pointer() {
		t.Error("headers without a secret were copied")
	}
}

func TestSecretTexts(t *testing.T) {
	t.Parallel()
	s := validSpec()
	s.Headers = map[string]string{
		"Authorization": "Bearer abcdefgh", "Cookie": "sid=0123456; a=b", "X-Pin-Key": "123", "Accept": "text/html",
	}
	s.Signing.Secrets = []webhook.Secret{secretA}
	want := []string{secretA.Reveal(), secretA.Reveal()[len(webhook.Prefix):], "sid=0123456; a=b", "Bearer abcdefgh",
		"abcdefgh", "0123456"}
	if got := s.SecretTexts(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	s.Headers, s.Signing.Secrets = map[string]string{"Authorization": "Basic dXNlcjpwYXNzd29yZA=="}, nil
	want = []string{"Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA==", "user:password", "password"}
	if got := s.SecretTexts(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if s.Headers, s.Signing.Secrets = nil, nil; s.SecretTexts() != nil {
		t.Error("a job without headers has secret texts")
	}
}

func TestSecretHeadersAreNames(t *testing.T) {
	t.Parallel()
	s := validSpec()
	s.SecretNames = []string{"X-Fine", "", "a b", strings.Repeat("x", MaxNameLength+1)}
	if faults := fieldsOf(t, s.Validate()); len(faults) != 3 ||
		!strings.HasPrefix(faults[0], "secretHeaders[1]: must be the name") {
		t.Errorf("%q", faults)
	}
	s.SecretNames = slices.Repeat([]string{"X-Fine"}, MaxHeaders+1)
	if faults := fieldsOf(t, s.Validate()); len(faults) != 1 {
		t.Errorf("%q", faults)
	}
}
