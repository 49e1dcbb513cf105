package rows

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Statuses are the final statuses by their code. SUCCESS is 1, which takes no space in a
// row of SQLite.
var Statuses = [...]domain.Status{
	1: domain.StatusSuccess,
	2: domain.StatusFailed,
	3: domain.StatusSkipped,
	4: domain.StatusMissed,
	5: domain.StatusUnknown,
}

// StatusCode returns the code of a final status.
func StatusCode(s domain.Status) (int, error) {
	for code, status := range Statuses {
		if code > 0 && status == s {
			return code, nil
		}
	}
	return 0, fmt.Errorf("status %q is not final", s)
}

// StatusOf returns the status of a code. That of another program is named by the code.
func StatusOf(code int64) domain.Status {
	if code < 1 || code >= int64(len(Statuses)) {
		return domain.Status(fmt.Sprintf("STATUS %d", code))
	}
	return Statuses[code]
}

// EncodeAttempts makes a document of attempts; empty: there are none.
func EncodeAttempts(attempts []domain.Attempt) (Text, error) {
	if len(attempts) == 0 {
		return "", nil
	}
	return EncodeJSON(attempts)
}

// DecodeAttempts reads the attempts of a record. What cannot be read becomes one attempt
// that says so: the execution is shown, or goes on.
func DecodeAttempts(doc string) (attempts []domain.Attempt) {
	if doc == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(doc), &attempts); err != nil {
		return []domain.Attempt{{Number: 1, Error: "what is stored of the attempts cannot be read: " + err.Error()}}
	}
	return attempts
}

// CompareKeys orders keys as a table of executions does.
func CompareKeys(a, b domain.FireKey) int {
	if c := cmp.Compare(a.ScheduledAt, b.ScheduledAt); c != 0 {
		return c
	}
	if c := bytes.Compare(a.JobID[:], b.JobID[:]); c != 0 {
		return c
	}
	return cmp.Compare(a.Nonce, b.Nonce)
}
