package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// ClientCertificate is a certificate that jobs may show to their targets, by
// its name.
type ClientCertificate struct {
	Name     string
	CertFile string // PEM: the certificate, then those that lead to a root
	KeyFile  string // PEM
	// Namespaces are those whose jobs may present it; [AllNamespaces] stands for all.
	Namespaces []string
}

// Allows reports whether jobs of a namespace may present the certificate.
func (c *ClientCertificate) Allows(namespace string) bool {
	return slices.Contains(c.Namespaces, namespace) || slices.Contains(c.Namespaces, AllNamespaces)
}

// kindCertificates is the kind of the table of client certificates. Its raw value is a
// JSON object; a table in a file is converted to one.
const kindCertificates = "table"

const maxCertificates = 64

// certificateName is what a job can say. It is shown in errors and lists.
var certificateName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// certificateFiles is one entry of the table.
type certificateFiles struct {
	Cert string `json:"cert"`
	Key  string `json:"key"`
	// absent: the default namespace alone
	Namespaces []string `json:"namespaces,omitempty"`
}

func setClientCertificates(c *Config, raw string) string {
	const form = "must be a table of names, each with cert and key, two PEM files, and namespaces, a list"
	table := map[string]certificateFiles{}
	if raw != "" {
		dec := json.NewDecoder(strings.NewReader(raw))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&table); err != nil {
			return form
		}
		if _, err := dec.Token(); !errors.Is(err, io.EOF) {
			return form
		}
	}
	if len(table) > maxCertificates {
		return fmt.Sprintf("must be at most %d certificates", maxCertificates)
	}
	var list []ClientCertificate
	for _, name := range slices.Sorted(maps.Keys(table)) {
		files := table[name]
		switch {
		case !certificateName.MatchString(name):
			return fmt.Sprintf("%s must be a name of 1 to 64 letters, digits and . _ -", show(name))
		case files.Cert == "" || files.Key == "":
			return fmt.Sprintf("%s must have cert and key: two PEM files", name)
		case badPath(files.Cert) != "":
			return fmt.Sprintf("%s.cert %s", name, badPath(files.Cert))
		case badPath(files.Key) != "":
			return fmt.Sprintf("%s.key %s", name, badPath(files.Key))
		case badNamespaces(files.Namespaces) != "":
			return fmt.Sprintf("%s.namespaces %s", name, badNamespaces(files.Namespaces))
		}
		if files.Namespaces == nil {
			files.Namespaces = []string{defaultNamespace}
		}
		list = append(list, ClientCertificate{name, files.Cert, files.Key, files.Namespaces})
	}
	c.ClientCertificates = list
	return ""
}

func getClientCertificates(c *Config) string {
	if len(c.ClientCertificates) == 0 {
		return ""
	}
	table := make(map[string]certificateFiles, len(c.ClientCertificates))
	for _, cert := range c.ClientCertificates {
		table[cert.Name] = certificateFiles{cert.CertFile, cert.KeyFile, cert.Namespaces}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(table); err != nil { // strings always encode
		return ""
	}
	return strings.TrimSpace(out.String())
}

func setCAFile(c *Config, raw string) string {
	if msg := badPath(raw); msg != "" {
		return msg
	}
	c.EgressCAFile = raw
	return ""
}
