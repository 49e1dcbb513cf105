//go:build lockorder

package lock

import (
	"sync"
	"testing"
)

// A goroutine that takes a lock against the order panics.
func TestOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		locks []sync.Locker
		wrong bool
	}{
		{"in order", []sync.Locker{new(Registry), new(Job), new(Leaf)}, false},
		{"with one left out", []sync.Locker{new(Dispatcher), new(Leaf)}, false},
		{"registry with dispatcher", []sync.Locker{new(Registry), new(Dispatcher)}, true},
		{"dispatcher with registry", []sync.Locker{new(Dispatcher), new(Registry)}, true},
		{"registry after job", []sync.Locker{new(Job), new(Registry)}, true},
		{"two jobs", []sync.Locker{new(Job), new(Job)}, true},
		{"job after leaf", []sync.Locker{new(Leaf), new(Job)}, true},
		{"two leaves", []sync.Locker{new(Leaf), new(Leaf)}, true},
	} {
		panicked := make(chan bool)
		go func() {
			var taken []sync.Locker
			defer func() {
				did := recover() != nil
				for _, l := range taken {
					l.Unlock() // the next goroutine may have the same address
				}
				panicked <- did
			}()
			for _, l := range c.locks {
				l.Lock()
				taken = append(taken, l)
			}
		}()
		if got := <-panicked; got != c.wrong {
			t.Errorf("%s: panics %v, want %v", c.name, got, c.wrong)
		}
	}
}

// What another goroutine has does not count.
func TestGoroutinesAreApart(t *testing.T) {
	t.Parallel()
	var leaf Leaf
	leaf.Lock()
	defer leaf.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		var registry Registry
		registry.Lock()
		registry.Unlock() //nolint:staticcheck // that it can be taken is what is tested
	}()
	<-done
}
