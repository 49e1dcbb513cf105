// Package deploy_test checks what is in deploy/ with the libraries of the programs that read it. It is a module
// of its own, so that Belfry does not depend on them.
package deploy_test

import (
	"os"
	"regexp"
	"testing"
)

// settings returns the names of all settings. The tests of docs/ compare .env.example with the program.
func settings(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^# ([A-Z][A-Z0-9_]+)=`).FindAllSubmatch(text, -1) {
		names[string(m[1])] = true
	}
	if len(names) < 30 {
		t.Fatalf("only %d settings in .env.example", len(names))
	}
	return names
}
