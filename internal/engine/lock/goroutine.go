//go:build lockorder && (amd64 || arm64)

package lock

// goroutine returns the address of what the runtime knows of the goroutine. It belongs
// to the goroutine until that ends; then the next one may get it, so a goroutine must
// give its locks back before it ends. The text of runtime.Stack has a number too, but
// walks the whole stack for it, which took half of the time of the tests.
func goroutine() uintptr
