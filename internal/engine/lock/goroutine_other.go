//go:build lockorder && !amd64 && !arm64

package lock

import (
	"bytes"
	"runtime"
	"strconv"
)

// goroutine returns the number of the goroutine, which only the text of its stack
// contains.
func goroutine() uintptr {
	var buf [64]byte
	stack := bytes.TrimPrefix(buf[:runtime.Stack(buf[:], false)], []byte("goroutine "))
	number, _, _ := bytes.Cut(stack, []byte(" "))
	n, err := strconv.ParseUint(string(number), 10, 64)
	if err != nil {
		panic(err)
	}
	return uintptr(n)
}
