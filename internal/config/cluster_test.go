package config

import (
	"net"
	"strings"
	"testing"
)

func TestClusterSettings(t *testing.T) {
	onServer := "DATABASE_URL=" + databaseURL
	for _, test := range []struct{ variable, want string }{
		{"BELFRY_NODE_NAME=a b", "without a blank"},
		{"BELFRY_NODE_NAME=" + strings.Repeat("x", 201), "at most 200"},
		{"BELFRY_NODE_NAME=a\x7f", "printable"},
		{"BELFRY_ADVERTISE=10.0.0.7:3000", "must be the URL of this server"},
		{"BELFRY_ADVERTISE=http://", "must be the URL of this server"},
		{"BELFRY_ADVERTISE=http://h:3000/path", "must be the URL of this server"},
		{"BELFRY_ADVERTISE=http://user@h:3000", "must be the URL of this server"},
		{"BELFRY_ADVERTISE=ftp://h", "must be the URL of this server"},
		{"BELFRY_ROLE=worker", "must be all, api or scheduler"},
	} {
		_, err := places{environ: []string{onServer, test.variable}}.load(t)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %s", test.variable, err, test.want)
		}
	}
	for _, variable := range []string{"BELFRY_NODE_NAME=a", "BELFRY_ADVERTISE=http://h:1", "BELFRY_ROLE=api"} {
		_, err := places{environ: []string{variable}}.load(t)
		if err == nil || !strings.Contains(err.Error(), "needs database_url") {
			t.Errorf("%s beside files: error %v", variable, err)
		}
	}
}

func TestWhereAServerIs(t *testing.T) {
	name := machineName()
	for _, test := range []struct {
		environ       []string
		node, address string
	}{
		{nil, net.JoinHostPort(name, "3000"), "http://127.0.0.1:3000"},
		{[]string{"HOST=0.0.0.0"}, net.JoinHostPort(name, "3000"), "http://" + net.JoinHostPort(name, "3000")},
		{[]string{"HOST=::", "BELFRY_TLS_CERT=c.pem", "BELFRY_TLS_KEY=k.pem"}, net.JoinHostPort(name, "3000"),
			"https://" + net.JoinHostPort(name, "3000")},
		{[]string{"HOST=::1"}, net.JoinHostPort(name, "3000"), "http://[::1]:3000"},
		{[]string{"BELFRY_NODE_NAME=east-1", "BELFRY_ADVERTISE=https://east-1.example:8443/"}, "east-1",
			"https://east-1.example:8443"},
	} {
		c := mustLoad(t, places{environ: append(test.environ, "DATABASE_URL="+databaseURL)})
		if got := c.NodeName(3000); got != test.node {
			t.Errorf("%v: the name is %s, want %s", test.environ, got, test.node)
		}
		if got := c.AdvertisedURL(3000); got != test.address {
			t.Errorf("%v: the address is %s, want %s", test.environ, got, test.address)
		}
	}
}
