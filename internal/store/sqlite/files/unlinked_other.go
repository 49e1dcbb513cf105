//go:build !linux

package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// OpenUnlinked fails: a file without a name cannot be opened here.
func OpenUnlinked(known fs.FileInfo) (*os.File, error) {
	return nil, fmt.Errorf("%s without a name: %w", known.Name(), errors.ErrUnsupported)
}
