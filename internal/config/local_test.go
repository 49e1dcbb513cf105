package config

import (
	"os"
	"testing"
)

func TestLocalServer(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "belfry.yaml", "port: 4001\nhost: 192.0.2.7\ntls_cert: c.pem\n")
	broken := write(t, dir, "broken.yaml", "port: 4001\nhost: [\n")
	faulty := write(t, dir, "faulty.yaml", "port: 4001\nhots: x\n")
	for _, tc := range []struct {
		name    string
		dotEnv  string
		environ []string
		want    Local
	}{
		{"nothing is set", "", nil, Local{"127.0.0.1:3000", "", ""}},
		{"a unix socket", "", []string{"BELFRY_UNIX_SOCKET=/run/belfry.sock"}, Local{Socket: "/run/belfry.sock"}},
		{"beside a port", "", []string{"BELFRY_UNIX_SOCKET=/run/b", "PORT=4000"}, Local{"127.0.0.1:4000", "", ""}},
		{"a port", "", []string{"PORT=4000"}, Local{"127.0.0.1:4000", "", ""}},
		{"a free port", "", []string{"PORT=0"}, Local{"127.0.0.1:3000", "", ""}},
		{"a wrong port", "", []string{"PORT=x"}, Local{"127.0.0.1:3000", "", ""}},
		{"IPv6", "", []string{"HOST=::1"}, Local{"[::1]:3000", "", ""}},
		{"another address", "", []string{"HOST=127.0.0.2"}, Local{"127.0.0.2:3000", "", ""}},
		{"a name", "", []string{"HOST=localhost"}, Local{"localhost:3000", "", ""}},
		{"all addresses", "", []string{"HOST=0.0.0.0"}, Local{"127.0.0.1:3000", "", ""}},
		{"all addresses of IPv6", "", []string{"HOST=::"}, Local{"127.0.0.1:3000", "", ""}},
		{"all addresses, mapped", "", []string{"HOST=::ffff:0.0.0.0"}, Local{"127.0.0.1:3000", "", ""}},
		{"an API key opens all", "", []string{"BELFRY_API_KEYS=" + key1}, Local{"127.0.0.1:3000", "", ""}},
		{"a wrong host", "", []string{"HOST=a b"}, Local{"127.0.0.1:3000", "", ""}},
		{"a certificate", "", []string{"BELFRY_TLS_CERT=c.pem"}, Local{"127.0.0.1:3000", "", "c.pem"}},
		{"a .env file", "PORT=4002\nHOST=::1", nil, Local{"[::1]:4002", "", ""}},
		{"the environment is above it", "PORT=4002\nHOST=::1", []string{"PORT=4003"}, Local{"[::1]:4003", "", ""}},
		{"a file", "", []string{"BELFRY_CONFIG=" + file}, Local{"192.0.2.7:4001", "", "c.pem"}},
		{"a file named in .env", "BELFRY_CONFIG=" + file, nil, Local{"192.0.2.7:4001", "", "c.pem"}},
		{"the environment is above the file", "HOST=::1", []string{"PORT=4004", "BELFRY_CONFIG=" + file},
			Local{"[::1]:4004", "", "c.pem"}},
		{"a broken file", "", []string{"HOST=::1", "BELFRY_CONFIG=" + broken}, Local{"[::1]:3000", "", ""}},
		{"a file with a fault", "", []string{"BELFRY_CONFIG=" + faulty}, Local{"127.0.0.1:4001", "", ""}},
		{"no such file", "", []string{"BELFRY_CONFIG=" + file + "x"}, Local{"127.0.0.1:3000", "", ""}},
		{"a broken .env file", "no line", []string{"PORT=4005"}, Local{"127.0.0.1:4005", "", ""}},
		{"a typing error elsewhere", "", []string{"PORT=4006", "BELFRY_X=1"}, Local{"127.0.0.1:4006", "", ""}},
	} {
		write(t, dir, ".env", tc.dotEnv)
		if got := LocalServer(dir, tc.environ); got != tc.want {
			t.Errorf("%s: %+v, want %+v", tc.name, got, tc.want)
		}
	}
	if err := os.Remove(dir + "/.env"); err != nil {
		t.Fatal(err)
	}
	if got := LocalServer(dir, nil); got != (Local{"127.0.0.1:3000", "", ""}) {
		t.Errorf("without .env: %+v", got)
	}
}
