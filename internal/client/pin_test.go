package client

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// selfSigned returns a new certificate.
func selfSigned(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// A pinned client sends its key only to the one server, even if another server has a
// valid certificate.
func TestPin(t *testing.T) {
	asked := 0
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Header().Set("Content-Type", typeJSON)
		_, _ = w.Write([]byte(`{"keys":[]}`))
	})
	server := httptest.NewTLSServer(h)
	defer server.Close()
	right := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})

	c, err := New(server.URL, "secret")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Keys.List(t.Context()); err == nil || asked != 0 {
		t.Errorf("without a pin a certificate that nobody has signed was taken: %v", err)
	}
	if err := c.Pin(right); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Keys.List(t.Context()); err != nil || asked != 1 {
		t.Errorf("%d requests, error %v", asked, err)
	}

	if err := c.Pin(selfSigned(t)); err != nil {
		t.Fatal(err)
	}
	c.Close() // connections from before
	if _, err := c.Keys.List(t.Context()); err == nil || asked != 1 {
		t.Errorf("another certificate was taken: %v", err)
	}
	for _, text := range []string{"", "no PEM", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"} {
		if err := c.Pin([]byte(text)); err == nil {
			t.Errorf("%q was taken for a certificate", text)
		}
	}
}
