package client

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
)

// Pin makes the client accept only a server that has exactly this certificate, the first
// of a PEM text. Neither the name nor the issuer of the certificate is checked. Call it
// before the first request.
func (c *Client) Pin(text []byte) error {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return errors.New("it holds no certificate in PEM")
	}
	if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		return err
	}
	transport, ok := c.server.http.Transport.(*http.Transport)
	if !ok {
		return errors.New("the transport of the client is none of ours")
	}
	transport.TLSClientConfig = &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // the certificate itself is compared, below
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 || !bytes.Equal(s.PeerCertificates[0].Raw, block.Bytes) {
				return errors.New("the server has another certificate than the one that is expected")
			}
			return nil
		},
	}
	return nil
}
