package config

import (
	"reflect"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/egress"
)

// TestEgressFollowsTheAddress: a server that other machines can reach does not call
// private networks unless its operator allows it.
func TestEgressFollowsTheAddress(t *testing.T) {
	for name, tc := range map[string]struct {
		p    places
		want egress.Mode
	}{
		"nothing said":      {places{}, egress.Private},
		"localhost":         {places{flags: []string{"--host=localhost"}}, egress.Private},
		"IPv6 loopback":     {places{flags: []string{"--host=::1"}}, egress.Private},
		"keys":              {places{environ: []string{"BELFRY_API_KEYS=" + key1}}, egress.Public},
		"keys on loopback":  {places{environ: []string{"BELFRY_API_KEYS=" + key1, "HOST=127.0.0.1"}}, egress.Private},
		"open to everybody": {places{flags: []string{"--host=0.0.0.0", "--insecure-no-auth"}}, egress.Public},
		"the operator knows": {places{environ: []string{"BELFRY_API_KEYS=" + key1}, file: "egress: private"},
			egress.Private},
		"strict at home": {places{dotEnv: "BELFRY_EGRESS=public"}, egress.Public},
	} {
		if got := mustLoad(t, tc.p).Egress; got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

// TestEgressListsInAFile: a list, or a text.
func TestEgressListsInAFile(t *testing.T) {
	for _, doc := range []string{
		"egress_allow: [10.0.0.0/8, \"*.internal:443\", \":8080\"]",
		"egress_allow:\n  - 10.0.0.0/8\n  - '*.internal:443'\n  - :8080\n",
		"egress_allow: 10.0.0.0/8, *.internal:443, :8080",
	} {
		if got := mustLoad(t, places{file: doc}).EgressAllow.String(); got != "10.0.0.0/8, *.internal:443, :8080" {
			t.Errorf("%q: %s", doc, got)
		}
	}
}

// TestAllows: which jobs may present a certificate is decided here alone.
func TestAllows(t *testing.T) {
	for _, tc := range []struct {
		namespaces []string
		namespace  string
		want       bool
	}{
		{[]string{"default"}, "default", true}, {[]string{"default"}, "pay", false},
		{[]string{"a", "pay"}, "pay", true},
		{[]string{"*"}, "pay", true}, {nil, "default", false}, {[]string{"pay"}, "", false},
	} {
		if got := (&ClientCertificate{Namespaces: tc.namespaces}).Allows(tc.namespace); got != tc.want {
			t.Errorf("%v for %q: %t", tc.namespaces, tc.namespace, got)
		}
	}
}

// TestClientCertificatesInAFile: as people write it.
func TestClientCertificatesInAFile(t *testing.T) {
	c := mustLoad(t, places{file: "client_certificates:\n  bank:\n    cert: /etc/belfry/bank.crt\n    key: " +
		"/etc/belfry/bank.key\n    namespaces: [pay, billing]\n  acme: {cert: a.pem, key: a.pem}\n" +
		"  all: {cert: a.pem, key: a.pem, namespaces: ['*']}\n"})
	want := []ClientCertificate{{"acme", "a.pem", "a.pem", []string{"default"}},
		{"all", "a.pem", "a.pem", []string{"*"}},
		{"bank", "/etc/belfry/bank.crt", "/etc/belfry/bank.key", []string{"pay", "billing"}}}
	if !reflect.DeepEqual(c.ClientCertificates, want) {
		t.Errorf("%+v, want %+v", c.ClientCertificates, want)
	}
	for _, doc := range []string{
		"client_certificates: [a]", "client_certificates:\n  - cert: a\n    key: b\n",
		"client_certificates:\n  1: {cert: a}\n",
		"client_certificates:\n  bank: {cert: [a], key: b}\n",
		"client_certificates:\n  bank: {cert: a, key: b, namespaces: []}\n",
		"client_certificates:\n  bank: {cert: a, key: b, namespaces: pay}\n",
		"client_certificates:\n  bank: {cert: a, key: b, namespaces: [Pay]}\n",
	} {
		if _, err := (places{file: doc}).load(t); err == nil || !strings.Contains(err.Error(), "client_certificates") {
			t.Errorf("%q: %v", doc, err)
		}
	}
}
