//go:build !linux

package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// openUnlinked fails: a file without a name cannot be opened here.
func openUnlinked(known fs.FileInfo) (*os.File, error) {
	return nil, fmt.Errorf("%s without a name: %w", known.Name(), errors.ErrUnsupported)
}
