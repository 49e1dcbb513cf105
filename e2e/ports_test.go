package e2e

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

// The ports of freePort. They lie below those that a system gives to outgoing
// connections and to who asks for any port: from 32768 on Linux, where both come from
// net.ipv4.ip_local_port_range, and from 49152 elsewhere. So nothing but a test takes
// one, also while the server or target that it is for is down. Where that range was
// widened down to these ports, another connection may get one by chance.
const firstPort, lastPort = 20_000, 31_999

var ports struct {
	sync.Mutex
	given map[int]bool
}

// freePort returns an address on which nobody listens. No test of this process
// gets it again; another process starts its search elsewhere.
func freePort(t *testing.T) string {
	t.Helper()
	ports.Lock()
	defer ports.Unlock()
	if ports.given == nil {
		ports.given = make(map[int]bool)
	}
	for range 1_000 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		if ports.given[port] {
			continue
		}
		ports.given[port] = true
		addr := fmt.Sprintf("127.0.0.1:%d", port)
		if l, err := net.Listen("tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	t.Fatal("no free port was found")
	return ""
}
