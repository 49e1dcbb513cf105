package docs_test

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/config"
	"go.yaml.in/yaml/v3"
)

// composeFile is what a test looks at in a file of docker compose.
type composeFile struct {
	Services map[string]struct {
		Environment map[string]string
		StopGrace   string `yaml:"stop_grace_period"`
	}
}

func settingNames() []string {
	var names []string
	for _, s := range config.Settings() {
		names = append(names, s.Env)
	}
	return names
}

// TestDeploymentsNameSettings: what the files of deploy/ give to servers are settings, and they agree about the
// balancer.
func TestDeploymentsNameSettings(t *testing.T) {
	names := settingNames()
	var file composeFile
	text := read(t, "../deploy/compose/cluster.yml")
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	servers := 0
	for name, service := range file.Services {
		if !strings.HasPrefix(name, "belfry") {
			continue
		}
		servers++
		for _, key := range slices.Sorted(maps.Keys(service.Environment)) {
			if !slices.Contains(names, key) {
				t.Errorf("cluster.yml: %s has %s, which is no setting", name, key)
			}
		}
		if proxy := service.Environment["BELFRY_TRUSTED_PROXIES"]; proxy == "" ||
			!strings.Contains(text, "ipv4_address: "+proxy+" ") {
			t.Errorf("cluster.yml: %s trusts %q, which is not the balancer", name, proxy)
		}
		if service.StopGrace != "45s" {
			t.Errorf("cluster.yml: %s has %q to stop", name, service.StopGrace)
		}
	}
	if servers != 3 {
		t.Errorf("cluster.yml has %d servers, want 3", servers)
	}
	variable := regexp.MustCompile(`(?m)^Environment=([A-Z_]+)=`)
	for _, unit := range []string{"belfry.service", "belfry@.service"} {
		for _, m := range variable.FindAllStringSubmatch(read(t, "../deploy/"+unit), -1) {
			if !slices.Contains(names, m[1]) {
				t.Errorf("%s has %s, which is no setting", unit, m[1])
			}
		}
	}
}

// TestTheImageTakesAnyDatabase: the image sets nothing that contradicts a setting of its user, and its default file
// is in its volume. A server on PostgreSQL in it needs DATABASE_URL alone.
func TestTheImageTakesAnyDatabase(t *testing.T) {
	text := read(t, "../Dockerfile")
	stages := strings.Split(text, "\nFROM ")
	image := stages[len(stages)-1]
	for _, m := range regexp.MustCompile(`(?m)^ENV +([A-Z_]+)`).FindAllStringSubmatch(image, -1) {
		if slices.Contains(settingNames(), m[1]) {
			t.Errorf("the image sets %s", m[1])
		}
	}
	folder := regexp.MustCompile(`(?m)^WORKDIR (\S+)$`).FindStringSubmatch(image)
	volume := regexp.MustCompile(`(?m)^VOLUME (\S+)$`).FindStringSubmatch(image)
	c, err := config.Load(config.Options{})
	if folder == nil || volume == nil || err != nil {
		t.Fatalf("the image has the working directory %v and the volume %v; %v", folder, volume, err)
	}
	if got := path.Dir(path.Join(folder[1], c.DBPath)); got != volume[1] {
		t.Errorf("the default file is in %s, and the volume is %s", got, volume[1])
	}
}
