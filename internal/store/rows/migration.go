package rows

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Migration is one numbered step of a schema.
type Migration struct {
	Number int
	Name   string // of its file
	Script string
}

// Migrations reads the steps of a folder, in order. Their files are called NNNN_name.sql, from
// 0001 on without a gap.
func Migrations(files fs.FS, folder string) ([]Migration, error) {
	names, err := fs.Glob(files, folder+"/*.sql")
	if err != nil {
		return nil, err
	}
	steps := make([]Migration, 0, len(names))
	for i, name := range names { // Glob sorts
		base := path.Base(name)
		number, err := strconv.Atoi(strings.SplitN(base, "_", 2)[0])
		if err != nil || number != i+1 {
			return nil, fmt.Errorf("migration %s: want number %d", name, i+1)
		}
		script, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		steps = append(steps, Migration{number, base, string(script)})
	}
	return steps, nil
}
