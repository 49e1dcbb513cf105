package certs

import "testing"

func TestExplainAlert(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ alert, cert, want string }{
		{"certificate required", "", "It wants a client certificate: name one as clientCertificate in the job."},
		{"bad certificate", "", "It may want a client certificate: name one as clientCertificate in the job."},
		{"unknown certificate authority", "bank",
			"It does not accept the client certificate bank: have one issued that it trusts."},
		{"expired certificate", "bank",
			"It does not accept the client certificate bank: have one issued that it trusts."},
		{"handshake failure", "", "It may want a client certificate, or have no cipher in common with Belfry."},
		{"handshake failure", "bank",
			"It may not accept the client certificate bank, or have no cipher in common with Belfry."},
		{"unrecognized name", "",
			"It serves no host of this name: correct the job's URL, or configure the target."},
		{"protocol version not supported", "", "Belfry speaks TLS 1.2 and later: configure the target to do so."},
		{"internal error", "", ""}, {"internal error", "bank", ""}, {"", "", ""},
	} {
		if got := ExplainAlert(tc.alert, tc.cert); got != tc.want {
			t.Errorf("%s, %s:\n got %s\nwant %s", tc.alert, tc.cert, got, tc.want)
		}
	}
}
