package belfry_test

// row says what a package may import: packages of this module, below
// internal/, and modules of others.
type row struct {
	internal []string
	modules  []string
}

// imports is the table of docs/ARCHITECTURE.md. A row may only name packages of rows
// above it. Test files are exempt: a test of the engine may open a real store.
//
// Every package that waits or measures may import clock, because none may read the time
// itself. The engine and the API may refer to the compiled schedule of cron: the engine
// shares it between jobs with the same text, the API explains it.
var imports = []struct {
	pkg string
	row
}{
	{"internal/spelling", row{}},
	{"internal/cron/dialect", row{}},
	{"internal/cron", row{internal: []string{"cron/dialect", "spelling"}}},
	{"internal/cron/crontest", row{internal: []string{"cron"}}},
	{"internal/clock", row{modules: []string{"golang.org/x/sys"}}},
	{"internal/budget", row{}}, {"internal/failpoint", row{}}, {"internal/charset", row{}},
	{"internal/nettest", row{}}, // for tests only
	{"internal/target", row{modules: []string{"golang.org/x/net/http/httpguts", "golang.org/x/net/idna"}}},
	{"internal/egress", row{internal: []string{"target"}}},
	{"internal/host", row{internal: []string{"target"}}},
	{"internal/webhook", row{}},
	{"internal/config", row{internal: []string{"charset", "egress", "host", "spelling", "webhook"},
		modules: []string{"github.com/joho/godotenv", "github.com/spf13/pflag", "go.yaml.in/yaml/v3"}}},
	{"internal/telemetry", row{modules: []string{
		"github.com/prometheus/client_golang", "github.com/lmittmann/tint", "gopkg.in/natefinch/lumberjack.v2"}}},
	{"internal/domain", row{internal: []string{"cron", "spelling", "target", "webhook"}, modules: []string{
		"github.com/google/uuid", "golang.org/x/net/http/httpguts"}}},
	{"internal/certs", row{internal: []string{"charset", "clock", "target", "telemetry"}}},
	{"internal/wire", row{internal: []string{"charset", "cron", "spelling", "target", "webhook", "domain"}}},
	{"internal/seal", row{modules: []string{"golang.org/x/crypto"}}},
	{"internal/peer", row{internal: []string{"clock", "telemetry", "domain"}}},
	{"internal/store", row{internal: []string{"domain"}}},
	{"internal/cluster", row{internal: []string{"clock", "store", "domain"}}},
	{"internal/store/rows", row{internal: []string{"webhook", "seal", "store", "domain"}}},
	{"internal/store/byjob", row{internal: []string{"store", "domain", "store/rows"}}},
	{"internal/store/transfer", row{internal: []string{"clock", "failpoint", "seal", "store", "domain", "store/rows"}}},
	{"internal/store/sqlite/files", row{internal: []string{"store", "domain"},
		modules: []string{"github.com/gofrs/flock", "golang.org/x/sys"}}},
	{"internal/store/sqlite", row{internal: []string{"clock", "failpoint", "seal", "store", "domain", "store/rows",
		"store/byjob", "store/transfer", "store/sqlite/files"}, modules: []string{"zombiezen.com/go/sqlite"}}},
	{"internal/store/postgres/postgrestest", row{modules: []string{"github.com/jackc/pgx/v5"}}}, // for tests only
	{"internal/store/postgres", row{internal: []string{"clock", "seal", "store", "domain", "store/rows", "store/byjob",
		"store/transfer"},
		modules: []string{"github.com/jackc/pgx/v5", "golang.org/x/sys"}}},
	{"internal/store/memory", row{internal: []string{"clock", "store", "domain"}}},
	{"internal/store/storetest", row{internal: []string{"webhook", "store", "domain"},
		modules: []string{"github.com/google/go-cmp", "pgregory.net/rapid"}}},
	{"internal/store/faulty", row{internal: []string{"store", "domain"}}},
	{"internal/resolve", row{internal: []string{"clock", "telemetry"},
		modules: []string{"golang.org/x/net/dns/dnsmessage"}}},
	{"internal/resolve/dnstest", row{modules: []string{"golang.org/x/net/dns/dnsmessage"}}}, // for tests only
	{"internal/executor/h2", row{internal: []string{"clock"}, modules: []string{"golang.org/x/net"}}},
	{"internal/executor", row{internal: []string{"executor/h2", "target", "host", "webhook", "domain",
		"clock", "certs", "telemetry", "resolve"}, modules: []string{"golang.org/x/net", "golang.org/x/sys"}}},
	{"internal/engine/lock", row{}},
	{"internal/engine/hold", row{internal: []string{"engine/lock"}}},
	{"internal/engine/run", row{internal: []string{"cron", "target", "host", "webhook", "domain", "engine/lock",
		"engine/hold"}}},
	{"internal/engine/run/runtest", row{internal: []string{"domain", "engine/run"}}}, // for tests only
	{"internal/engine/due", row{internal: []string{"domain", "clock", "engine/lock", "engine/hold", "engine/run"}}},
	{"internal/engine/dispatch", row{internal: []string{"clock", "target", "host", "engine/lock", "engine/run"}}},
	{"internal/engine/record", row{internal: []string{"failpoint", "domain", "store", "clock", "engine/lock",
		"engine/run"}}},
	{"internal/engine/shard", row{internal: []string{"domain", "store", "clock", "engine/lock", "engine/hold"}}},
	{"internal/engine/zones", row{internal: []string{"cron", "domain", "store", "telemetry", "engine/lock",
		"engine/run"}}},
	{"internal/engine/recovery", row{internal: []string{
		"domain", "store", "telemetry", "engine/run", "engine/record", "engine/shard", "engine/zones",
	}}},
	{"internal/engine", row{internal: []string{
		"failpoint", "host", "domain", "store", "clock", "telemetry", "engine/lock", "engine/hold",
		"engine/run", "engine/due",
		"engine/dispatch", "engine/record", "engine/shard", "engine/zones", "engine/recovery",
	}}},
	{"internal/testcall", row{internal: []string{"clock", "domain", "engine/run"}}},
	{"internal/forecast", row{internal: []string{"cron", "target", "domain"}}},
	{"internal/edit", row{internal: []string{"failpoint", "domain", "store", "clock", "telemetry"}}},
	{"internal/bulk", row{internal: []string{"domain", "store", "clock", "telemetry"}}},
	{"internal/alert", row{internal: []string{"target", "domain", "store", "clock", "telemetry"}}},
	{"internal/alert/send", row{internal: []string{"webhook", "domain", "clock", "alert"},
		modules: []string{"github.com/wneessen/go-mail"}}},
	{"internal/deadman", row{internal: []string{"clock"}}},
	{"internal/view", row{internal: []string{"domain", "store"}}},
	{"internal/peerview", row{internal: []string{"domain", "peer", "store", "view"}}},
	{"internal/access", row{internal: []string{"domain", "store", "clock", "telemetry", "seal"},
		modules: []string{"golang.org/x/time/rate"}}},
	{"internal/oidc", row{internal: []string{"clock", "telemetry", "seal"},
		modules: []string{"github.com/coreos/go-oidc/v3", "golang.org/x/oauth2"}}},
	{"internal/oidc/oidctest", row{internal: []string{"clock"}}}, // for tests only
	{"internal/audit", row{internal: []string{"domain", "store", "clock", "telemetry"}}},
	{"internal/front", row{internal: []string{"charset", "domain", "access", "clock", "telemetry"},
		modules: []string{"github.com/prometheus/client_golang", "golang.org/x/sys", "golang.org/x/time"}}},
	{"internal/front/fronttest", row{}}, {"internal/certs/certstest", row{internal: []string{"clock"}}}, // for tests
	{"internal/api/instants", row{modules: []string{"github.com/danielgtaylor/huma/v2"}}},
	{"internal/api/reference", row{internal: []string{"domain", "wire", "api/instants"},
		modules: []string{"github.com/danielgtaylor/huma/v2"}}},
	{"internal/api", row{internal: []string{"charset", "cron", "target", "webhook", "domain", "wire", "store",
		"edit", "forecast", "bulk", "alert", "view",
		"access", "oidc", "audit", "front", "api/instants", "api/reference", "budget", "clock",
		"telemetry", "peer", "peerview", "testcall"},
		modules: []string{"github.com/danielgtaylor/huma/v2", "github.com/google/uuid"}}},
	{"internal/page", row{}},
	{"internal/app", row{internal: []string{
		"charset", "clock", "egress", "host", "webhook", "config", "telemetry", "domain", "certs", "store",
		"store/sqlite", "store/postgres", "store/transfer", "executor", "engine", "edit", "bulk", "view", "access",
		"oidc", "audit", "front", "api", "cluster", "page", "peer", "peerview", "alert", "alert/send", "testcall",
		"deadman",
	}, modules: []string{"github.com/prometheus/client_golang", "golang.org/x/sys"}}},
	{"internal/client", row{}},
	{"internal/receiver", row{internal: []string{"domain", "clock"},
		modules: []string{"github.com/google/uuid", "github.com/valyala/fasthttp"}}},
	{"internal/sim/check", row{internal: []string{"cron", "cron/crontest", "domain"}}},
	{"internal/sim/model", row{}}, // tests only
	{"internal/sim/power", row{modules: []string{"github.com/hanwen/go-fuse/v2"}}}, // for tests only
	{"internal/sim", row{internal: []string{"cron", "domain", "store", "engine", "clock"}}},
	{"internal/bench", row{internal: []string{"client", "clock", "domain", "receiver", "store", "store/sqlite"},
		modules: []string{"github.com/google/uuid", "github.com/jackc/pgx/v5", "github.com/valyala/fasthttp",
			"golang.org/x/net"}}},
	{"internal/cli", row{internal: []string{
		"app", "bench", "charset", "config", "client", "cron", "domain", "wire", "clock", "receiver", "spelling",
		"telemetry",
	}, modules: []string{"github.com/mattn/go-isatty", "github.com/schollz/progressbar/v3", "github.com/spf13/cobra",
		"github.com/spf13/pflag"}}},
	{"cmd/belfry", row{internal: []string{"cli"}}},
	{"internal/api/exampletest", row{internal: []string{"api/reference"}}}, {"e2e", row{}}, // tests only
}
