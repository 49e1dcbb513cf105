package deploy_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// compose reads a file as docker compose does: with its schema, with what the environment has, and with what
// services name of each other.
func compose(t *testing.T, folder, file string, env ...string) (*types.Project, error) {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{file}, cli.WithWorkingDirectory(folder), cli.WithEnv(env))
	if err != nil {
		t.Fatal(err)
	}
	return options.LoadProject(t.Context())
}

var composeEnv = []string{"BELFRY_API_KEYS=" + strings.Repeat("k", 48), "BELFRY_ENCRYPTION_KEY=key"}

// TestComposeCluster: the file is one of compose, and what its servers need is there.
func TestComposeCluster(t *testing.T) {
	const folder, file = "../../deploy/compose", "../../deploy/compose/cluster.yml"
	project, err := compose(t, folder, file, composeEnv...)
	if err != nil {
		t.Fatal(err)
	}
	names, servers := settings(t), 0
	for name, service := range project.Services {
		if service.Restart != "unless-stopped" || service.HealthCheck == nil && service.Image != "belfry" {
			t.Errorf("%s: restart %q, health check %v", name, service.Restart, service.HealthCheck)
		}
		if !slices.Contains(service.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s may gain privileges", name)
		}
		if len(service.Ports) > 0 && (name != "balancer" || service.Ports[0].HostIP != "127.0.0.1") {
			t.Errorf("%s has an open port: %+v", name, service.Ports)
		}
		if service.Image == "belfry" {
			servers++
			checkServer(t, &service, names)
		}
	}
	if servers != 3 {
		t.Errorf("%d servers, want 3", servers)
	}
	for i := range composeEnv {
		without := slices.Delete(slices.Clone(composeEnv), i, i+1)
		if _, err := compose(t, folder, file, without...); err == nil ||
			!strings.Contains(err.Error(), "docs/cluster.md") {
			t.Errorf("without %s: %v", composeEnv[i], err)
		}
	}
}

func checkServer(t *testing.T, service *types.ServiceConfig, settings map[string]bool) {
	t.Helper()
	for name := range service.Environment {
		if !settings[name] {
			t.Errorf("%s: %s is no setting", service.Name, name)
		}
	}
	grace := time.Duration(*service.StopGracePeriod)
	if grace != 45*time.Second || !service.ReadOnly || !slices.Equal(service.CapDrop, []string{"ALL"}) ||
		service.DependsOn["postgres"].Condition != types.ServiceConditionHealthy {
		t.Errorf("%s: grace %s, read only %v, capabilities %v, waits for %v", service.Name, grace, service.ReadOnly,
			service.CapDrop, service.DependsOn)
	}
	if url := service.Environment["DATABASE_URL_FILE"]; url == nil || len(service.Secrets) != 1 ||
		*url != "/run/secrets/"+service.Secrets[0].Source {
		t.Errorf("%s: the URL of the database is in %v, the secrets are %v", service.Name, url, service.Secrets)
	}
}

// TestComposeOfOneServer: the file in the root is one of compose, too.
func TestComposeOfOneServer(t *testing.T) {
	env := append(composeEnv, "COMPOSE_DISABLE_ENV_FILE=1")
	options, err := cli.NewProjectOptions([]string{"../../docker-compose.yml"}, cli.WithWorkingDirectory("../.."),
		cli.WithEnv(env), cli.WithoutEnvironmentResolution) // .env is not in the repository
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(project.Services) != 1 {
		t.Errorf("%d services, want 1", len(project.Services))
	}
}
