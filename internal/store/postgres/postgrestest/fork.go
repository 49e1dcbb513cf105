//go:build unix

package postgrestest

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// recoverySettings make a copy end its recovery where it is consistent, on a timeline of its own, as a standby does
// that is promoted. There is nothing that it could fetch.
const recoverySettings = `
restore_command = '/bin/false'
recovery_target = 'immediate'
recovery_target_action = 'promote'
`

// Fork copies everything that is committed. The function that it returns stops the server like a crash and goes on
// with the copy in its place. What was committed since is lost then, as in a failover to a standby that has not
// received it.
func (s *Server) Fork() (promote func() error, err error) {
	copied := filepath.Join(s.folder, "copy")
	if err := s.run("pg_basebackup", "--pgdata", copied, "--host", s.folder, "--username", "belfry",
		"--wal-method", "fetch", "--checkpoint", "fast", "--no-sync"); err != nil {
		return nil, err
	}
	return func() error {
		err := errors.Join(s.End(syscall.SIGQUIT), os.RemoveAll(s.data()), os.Rename(copied, s.data()),
			os.WriteFile(filepath.Join(s.data(), "recovery.signal"), nil, 0o644)) //nolint:gosec // for postgres
		if err != nil {
			return err
		}
		f, err := os.OpenFile(filepath.Join(s.data(), "postgresql.auto.conf"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString(recoverySettings)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		return s.Launch()
	}, nil
}
