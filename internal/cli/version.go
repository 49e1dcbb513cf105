package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/belfry-scheduler/belfry/internal/cron"
	"github.com/spf13/cobra"
)

// version is set by the linker in a release build.
var version string

// build describes this binary.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified,omitempty"` // built from a tree with changes
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Zones    string `json:"zones"` // release of the embedded time zone data
}

// currentBuild uses the version that the linker has set, otherwise the one that the Go
// tool has written into the binary.
func currentBuild() build {
	b := build{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Zones: cron.EmbeddedRelease}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		b.Version = cmp.Or(b.Version, "unknown")
		return b
	}
	b.Version = cmp.Or(b.Version, info.Main.Version, "(devel)")
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// String is what `belfry version` prints.
func (b build) String() string {
	text := "belfry " + b.Version
	if b.Commit != "" {
		text += " " + b.Commit[:min(12, len(b.Commit))]
		if b.Modified {
			text += "+changes"
		}
	}
	text += " " + b.Go + " " + b.Platform
	if b.Zones != "" {
		text += " tz" + b.Zones
	}
	return text
}

func (s *shell) versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  belfry version\n  belfry version --json",
		Args:    noArgs,
		RunE: running(func(*cobra.Command, []string) error {
			if !asJSON {
				_, err := fmt.Fprintln(s.out, currentBuild())
				return err
			}
			return json.NewEncoder(s.out).Encode(currentBuild())
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
