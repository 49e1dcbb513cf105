package certs

// ExplainAlert says what to do about an alert with which a target ended a connection, in a
// sentence, or returns "". The alert is the text of package crypto/tls; the name is that of
// the client certificate that was presented, or empty.
func ExplainAlert(alert, clientCert string) string {
	const naming = "name one as clientCertificate in the job."
	switch alert {
	case "certificate required":
		return "It wants a client certificate: " + naming
	case "expired certificate", "revoked certificate", "unsupported certificate", "unknown certificate",
		"unknown certificate authority", "bad certificate":
		if clientCert != "" {
			return "It does not accept the client certificate " + clientCert + ": have one issued that it trusts."
		}
		return "It may want a client certificate: " + naming
	case "handshake failure", "insufficient security level":
		if clientCert == "" {
			return "It may want a client certificate, or have no cipher in common with Belfry."
		}
		return "It may not accept the client certificate " + clientCert + ", or have no cipher in common with Belfry."
	case "unrecognized name":
		return "It serves no host of this name: correct the job's URL, or configure the target."
	case "protocol version not supported":
		return "Belfry speaks TLS 1.2 and later: configure the target to do so."
	}
	return ""
}
