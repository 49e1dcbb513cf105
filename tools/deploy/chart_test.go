package deploy_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

const chartFolder = "../../deploy/helm/belfry"

// kube is the oldest release of Kubernetes that the chart is for, and a later one.
var kube = []chartutil.KubeVersion{
	{Version: "v1.30.0", Major: "1", Minor: "30"}, {Version: "v1.35.0", Major: "1", Minor: "35"},
}

// objects are what a chart makes, decoded strictly: a field that Kubernetes does not know is an error.
type objects struct {
	deployments map[string]*apps.Deployment
	budgets     map[string]*policy.PodDisruptionBudget
	services    map[string]*core.Service
	ingresses   map[string]*networking.Ingress
	jobs        map[string]*batch.Job
	notes       string
}

// render makes the objects of a release "jobs" with some values.
func render(t *testing.T, text string, version chartutil.KubeVersion) (*objects, error) {
	t.Helper()
	values, err := chartutil.ReadValues([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	chart, err := loader.Load(chartFolder)
	if err != nil {
		t.Fatal(err)
	}
	capabilities := chartutil.DefaultCapabilities.Copy()
	capabilities.KubeVersion = version
	release := chartutil.ReleaseOptions{Name: "jobs", Namespace: "belfry", IsInstall: true, Revision: 1}
	all, err := chartutil.ToRenderValues(chart, values, release, capabilities)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(chart, all)
	if err != nil {
		return nil, err
	}
	o := &objects{
		map[string]*apps.Deployment{}, map[string]*policy.PodDisruptionBudget{}, map[string]*core.Service{},
		map[string]*networking.Ingress{}, map[string]*batch.Job{}, "",
	}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(file, "NOTES.txt") {
			o.notes = files[file]
			continue
		}
		for _, document := range strings.Split(files[file], "\n---\n") {
			if err := o.add(document); err != nil {
				t.Errorf("%s: %v\n%s", file, err, document)
			}
		}
	}
	return o, nil
}

func (o *objects) add(document string) error {
	var head struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   struct {
			Name string `json:"name"`
		} `json:"metadata"`
	}
	if err := yaml.Unmarshal([]byte(document), &head); err != nil {
		return err
	}
	var into any
	switch name := head.Metadata.Name; head.APIVersion + " " + head.Kind {
	case "apps/v1 Deployment":
		o.deployments[name] = new(apps.Deployment)
		into = o.deployments[name]
	case "policy/v1 PodDisruptionBudget":
		o.budgets[name] = new(policy.PodDisruptionBudget)
		into = o.budgets[name]
	case "v1 Service":
		o.services[name] = new(core.Service)
		into = o.services[name]
	case "networking.k8s.io/v1 Ingress":
		o.ingresses[name] = new(networking.Ingress)
		into = o.ingresses[name]
	case "batch/v1 Job":
		o.jobs[name] = new(batch.Job)
		into = o.jobs[name]
	case " ":
		return nil // an empty document
	default:
		return fmt.Errorf("%s %s is not expected", head.APIVersion, head.Kind)
	}
	return yaml.UnmarshalStrict([]byte(document), into)
}

const full = `
image: {digest: "sha256:` + "0123456789012345678901234567890123456789012345678901234567890123" + `"}
imagePullSecrets: [{name: registry}]
secret: {name: own, signingSecretKey: signing}
databaseCA: {secretName: database-ca}
split: {enabled: true, api: {replicas: 4, resources: {limits: {memory: 256Mi}}}, scheduler: {replicas: 5}}
settings: {BELFRY_RETENTION: 90d, BELFRY_MAX_IN_FLIGHT: 5000, LOG_LEVEL: debug, BELFRY_HTTP2: false}
shutdownGraceSeconds: 120
preStopSeconds: 0
advertise: "http://[$(POD_IP)]:3000"
service: {type: LoadBalancer, port: 8080, annotations: {a: b}}
ingress:
  {enabled: true, className: nginx, hosts: [belfry.example.com], annotations: {a: b},
   tls: [{secretName: tls, hosts: [belfry.example.com]}]}
topologySpread: {whenUnsatisfiable: DoNotSchedule}
serviceAccountName: belfry
podAnnotations: {a: b}
podLabels: {team: a}
nodeSelector: {disk: fast}
tolerations: [{key: dedicated, operator: Exists}]
affinity: {nodeAffinity: {}}
priorityClassName: high
`

// TestChartIsLinted by helm's own rules, with and without values.
func TestChartIsLinted(t *testing.T) {
	for _, text := range []string{"", full} {
		values, err := chartutil.ReadValues([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for i := range kube {
			found := lint.AllWithKubeVersion(chartFolder, values, "belfry", &kube[i])
			for _, m := range found.Messages {
				if m.Severity >= support.WarningSev {
					t.Errorf("Kubernetes %s: %s", kube[i].Version, m)
				}
			}
		}
	}
}

// TestChart renders the chart as it is, and with all values. Each object is one that Kubernetes knows, and each
// variable is a setting.
func TestChart(t *testing.T) {
	for i := range kube {
		for text, roles := range map[string]map[string]int32{
			"": {"all": 3}, full: {"api": 4, "scheduler": 5}, "podDisruptionBudget: {enabled: false}": {"all": 3},
			"replicas: 64": {"all": 64}, "migrations: {enabled: false}": {"all": 3},
		} {
			o, err := render(t, text, kube[i])
			if err != nil {
				t.Fatal(err)
			}
			if len(o.deployments) != len(roles) || len(o.services) != 1 || o.services["jobs"] == nil ||
				!strings.Contains(o.notes, "readyz") {
				t.Errorf("%d deployments, services %v, notes %q", len(o.deployments), o.services, o.notes)
			}
			for role, replicas := range roles {
				name := strings.TrimSuffix("jobs-"+role, "-all")
				d := o.deployments[name]
				if d == nil {
					t.Fatalf("there is no deployment %s", name)
				}
				if *d.Spec.Replicas != replicas {
					t.Errorf("%s has %d servers, want %d", name, *d.Spec.Replicas, replicas)
				}
				if !strings.Contains(text, "podDisruptionBudget: {enabled: false}") {
					checkBudget(t, o.budgets[name], d)
				}
				checkPod(t, &d.Spec.Template, role)
			}
			checkService(t, o)
			checkMigrations(t, o, !strings.Contains(text, "migrations: {enabled: false}"))
		}
	}
}

func checkBudget(t *testing.T, b *policy.PodDisruptionBudget, d *apps.Deployment) {
	t.Helper()
	if b == nil || !maps.Equal(b.Spec.Selector.MatchLabels, d.Spec.Selector.MatchLabels) ||
		b.Spec.MaxUnavailable.IntVal != 1 {
		t.Errorf("the budget of %s is %+v", d.Name, b)
	}
}

// checkService: the service and the ingress lead to those servers that answer clients, and to no others.
func checkService(t *testing.T, o *objects) {
	t.Helper()
	service := o.services["jobs"]
	for name, d := range o.deployments {
		labels := d.Spec.Template.Labels
		chosen := true
		for key, value := range service.Spec.Selector {
			chosen = chosen && labels[key] == value
		}
		if clients := !strings.HasSuffix(name, "-scheduler"); chosen != clients {
			t.Errorf("the service chooses %s: %v", name, chosen)
		}
		for key, value := range d.Spec.Selector.MatchLabels {
			if labels[key] != value {
				t.Errorf("%s does not choose its own servers: %v", name, labels)
			}
		}
		ports := d.Spec.Template.Spec.Containers[0].Ports
		if len(ports) != 1 || service.Spec.Ports[0].TargetPort.StrVal != ports[0].Name || ports[0].ContainerPort != 3000 {
			t.Errorf("the service leads to %v, the servers have %v", service.Spec.Ports, ports)
		}
	}
	for _, x := range o.ingresses {
		backend := x.Spec.Rules[0].HTTP.Paths[0].Backend.Service
		if backend.Name != service.Name || backend.Port.Name != service.Spec.Ports[0].Name {
			t.Errorf("the ingress leads to %+v", backend)
		}
	}
}

// checkMigrations: a hook changes the tables before servers are replaced, with the rights and secrets of these, and no
// selector takes it for one of them.
func checkMigrations(t *testing.T, o *objects, wanted bool) {
	t.Helper()
	j := o.jobs["jobs-migrations"]
	if !wanted || j == nil {
		if wanted || len(o.jobs) > 0 {
			t.Errorf("the jobs are %v", o.jobs)
		}
		return
	}
	s := &j.Spec.Template.Spec
	if j.Annotations["helm.sh/hook"] != "pre-install,pre-upgrade" || s.RestartPolicy != core.RestartPolicyNever ||
		!slices.Equal(s.Containers[0].Args, []string{"migrate"}) || *j.Spec.ActiveDeadlineSeconds != 600 {
		t.Errorf("the hook is %+v", j)
	}
	checkSecurity(t, s)
	checkMounts(t, s)
	for _, d := range o.deployments {
		server := &d.Spec.Template.Spec
		if server.Containers[0].Image != s.Containers[0].Image ||
			d.Spec.Selector.MatchLabels["app.kubernetes.io/component"] == j.Spec.Template.Labels["app.kubernetes.io/component"] {
			t.Errorf("%s and the hook: %s, %v", d.Name, s.Containers[0].Image, j.Spec.Template.Labels)
		}
		for _, v := range s.Containers[0].Env {
			if !slices.ContainsFunc(server.Containers[0].Env, func(x core.EnvVar) bool { return x.Name == v.Name }) {
				t.Errorf("the hook has %s, %s has not", v.Name, d.Name)
			}
		}
	}
}

func checkPod(t *testing.T, pod *core.PodTemplateSpec, role string) {
	t.Helper()
	s, c := &pod.Spec, &pod.Spec.Containers[0]
	if len(s.Containers) != 1 || !slices.Equal(c.Args, []string{"serve"}) || c.Resources.Limits.Memory().IsZero() {
		t.Errorf("%s: %d containers, arguments %v, resources %v", role, len(s.Containers), c.Args, c.Resources)
	}
	env := map[string]string{}
	for _, v := range c.Env {
		if _, twice := env[v.Name]; twice {
			t.Errorf("%s is set twice", v.Name)
		}
		env[v.Name] = v.Value
	}
	known := settings(t)
	for name := range env {
		if !known[name] && name != "POD_IP" {
			t.Errorf("%s is no setting", name)
		}
	}
	if env["BELFRY_ROLE"] != role || !strings.Contains(env["BELFRY_ADVERTISE"], "$(POD_IP)") ||
		slices.IndexFunc(c.Env, func(v core.EnvVar) bool { return v.Name == "POD_IP" }) >
			slices.IndexFunc(c.Env, func(v core.EnvVar) bool { return v.Name == "BELFRY_ADVERTISE" }) {
		t.Errorf("role %q, address %q, which must come after POD_IP", env["BELFRY_ROLE"], env["BELFRY_ADVERTISE"])
	}
	checkStop(t, s, env)
	checkProbes(t, c)
	checkSecurity(t, s)
	checkMounts(t, s)
}

// checkStop: a stop may take longer than what Belfry waits for calls, which gives up 5 s after that.
func checkStop(t *testing.T, s *core.PodSpec, env map[string]string) {
	t.Helper()
	var grace, pause int64
	if _, err := fmt.Sscanf(env["BELFRY_SHUTDOWN_GRACE"], "%ds", &grace); err != nil {
		t.Fatalf("the grace is %q: %v", env["BELFRY_SHUTDOWN_GRACE"], err)
	}
	if l := s.Containers[0].Lifecycle; l != nil {
		pause = l.PreStop.Sleep.Seconds
	}
	if *s.TerminationGracePeriodSeconds < grace+pause+10 {
		t.Errorf("a stop may take %d s, with a pause of %d s and a grace of %d s", *s.TerminationGracePeriodSeconds,
			pause, grace)
	}
}

func checkProbes(t *testing.T, c *core.Container) {
	t.Helper()
	for path, probes := range map[string][]*core.Probe{
		"/healthz": {c.StartupProbe, c.LivenessProbe}, "/readyz": {c.ReadinessProbe},
	} {
		for _, p := range probes {
			if p == nil || p.HTTPGet.Path != path || p.HTTPGet.Port.StrVal != c.Ports[0].Name {
				t.Errorf("a probe is %+v, want %s", p, path)
			}
		}
	}
}

// checkSecurity: the pod meets the profile "restricted" of Kubernetes.
func checkSecurity(t *testing.T, s *core.PodSpec) {
	t.Helper()
	p, c := s.SecurityContext, s.Containers[0].SecurityContext
	if !*p.RunAsNonRoot || *p.RunAsUser == 0 || p.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault ||
		*c.AllowPrivilegeEscalation || !*c.ReadOnlyRootFilesystem || *s.AutomountServiceAccountToken ||
		!slices.Equal(c.Capabilities.Drop, []core.Capability{"ALL"}) || len(c.Capabilities.Add) > 0 {
		t.Errorf("security: %+v, %+v", p, c)
	}
}

// checkMounts: what is mounted are files of secrets that the user of the container may read, and no one else.
func checkMounts(t *testing.T, s *core.PodSpec) {
	t.Helper()
	volumes := map[string]*core.SecretVolumeSource{}
	for i := range s.Volumes {
		volumes[s.Volumes[i].Name] = s.Volumes[i].Secret
	}
	for _, m := range s.Containers[0].VolumeMounts {
		v := volumes[m.Name]
		if v == nil || !m.ReadOnly || *v.DefaultMode != 0o440 || *s.SecurityContext.FSGroup != 65532 || len(v.Items) != 1 {
			t.Fatalf("%+v is mounted as %+v", v, m)
		}
		if path := m.MountPath + "/" + v.Items[0].Path; path != "/etc/belfry/database/url" &&
			path != "/etc/belfry/ca/ca.crt" {
			t.Errorf("the file %s is nobody's", path)
		}
	}
	if len(volumes) != len(s.Containers[0].VolumeMounts) {
		t.Errorf("%d volumes, %d mounts", len(volumes), len(s.Containers[0].VolumeMounts))
	}
}

// TestChartRefuses values that cannot work, by their schema.
func TestChartRefuses(t *testing.T) {
	for _, text := range []string{
		"replica: 2", "replicas: 0", "replicas: 65", "replicas: three", "secret: {name: ''}", "image: {tag: 1}",
		"image: {digest: latest}", "settings: {BELFRY_ROLE: api}", "settings: {BELFRY_API_KEYS: secret}",
		"settings: {PORT: 80}", "settings: {DATABASE_URL: x}", "settings: {DB_PATH: x}", "ingress: {enabled: true}",
		"shutdownGraceSeconds: 30s", "topologySpread: {whenUnsatisfiable: Never}", "split: {enabled: true, api: {count: 2}}",
		"advertise: https://$(POD_IP):3000", "podDisruptionBudget: {maxUnavailable: 0}",
		"migrations: {activeDeadlineSeconds: 1}",
	} {
		if _, err := render(t, text, kube[0]); err == nil {
			t.Errorf("%s is accepted", text)
		}
	}
}
