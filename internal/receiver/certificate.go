package receiver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"time"
)

// certificateValid is how long a certificate that the receiver makes is valid.
const certificateValid = 90 * 24 * time.Hour

// openCertificate returns the certificate of the files, or makes one.
func openCertificate(cfg Config) (cert tls.Certificate, made []byte, err error) {
	if cfg.CertFile != "" {
		cert, err = tls.LoadX509KeyPair(cfg.CertFile, cfg.KeyFile)
		return cert, nil, err
	}
	host, _, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return cert, nil, err
	}
	return makeCertificate([]string{"localhost", "127.0.0.1", "::1", host}, cfg.Clock.Now())
}

// makeCertificate makes a self-signed certificate for names and addresses. A client that
// trusts it as an authority can call the receiver.
func makeCertificate(hosts []string, now time.Time) (cert tls.Certificate, text []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return cert, nil, err
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "belfry receiver"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateValid),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else if host != "" {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		return cert, nil, err
	}
	cert = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	if cert.Leaf, err = x509.ParseCertificate(der); err != nil {
		return cert, nil, err
	}
	return cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// writeCertificate writes a certificate into the file, or into a temporary one if the
// file has no name, and returns the name.
func writeCertificate(text []byte, file string) (string, error) {
	if file != "" {
		return file, os.WriteFile(file, text, 0o644) //nolint:gosec // it is public
	}
	f, err := os.CreateTemp("", "belfry-receiver-*.pem")
	if err != nil {
		return "", err
	}
	_, err = f.Write(text)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return f.Name(), err
}
