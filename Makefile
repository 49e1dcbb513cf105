# Belfry needs Go, git and make. `make run` starts it, `make test` checks it,
# `make help` lists the rest.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL: # steps run one after the other; .ci/beside runs two lists of them at the same time

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
FUZZTIME ?= 2m
BENCH    ?= .
GO       ?= go
LINT     := $(GO) tool -modfile=tools/go.mod golangci-lint
# The same sources, VERSION and Go make the same bytes, wherever they are built:
# no paths, and nothing of the repository that an archive or an image does not have.
BUILD    := CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '-s -w -X github.com/belfry-scheduler/belfry/internal/cli.version=$(VERSION)'
# A look that people like, where nobody has chosen one.
LOOK     := $(if $(wildcard .env),,APP_ENV="$${APP_ENV:-$${NODE_ENV:-development}}")

say = @printf '\n[%s] %s\n' "$$(date +%T)" "$(1)"

.PHONY: run
run: build ## Build Belfry and start it at http://localhost:3000 (ARGS="--port 4000")
	@$(LOOK) exec bin/belfry serve $(ARGS)

.PHONY: test
test: deps format vet measured ## Install what the tests need and run all of them
	FUZZTIME=3s FUZZWORKERS=1 MAKE='$(MAKE)' .ci/beside 'lint race' 'waiting browser fuzz reproducible openapi clients web deploy' 'plain sim'
	$(call say,all is well)

.PHONY: build
build: page ## Build bin/belfry, a static binary, with the dashboard in it
	$(call say,build)
	$(BUILD) -o bin/belfry ./cmd/belfry

.PHONY: page
page: ## Build the dashboard (web/) for the binary; without Node the binary says that it has none
	@.ci/page build

.PHONY: web
web: build ## Check the dashboard: types, lint, unit tests, its size, and that its types of the API are fresh
	$(call say,the dashboard)
	GO='$(GO)' .ci/page check

.PHONY: web-types
web-types: build ## Write web/src/types.gen.ts, the types of the API, from the OpenAPI document
	.ci/page types

.PHONY: web-dev
web-dev: ## Serve web/ with reload at http://localhost:3001, in front of a running server (BELFRY_URL)
	@.ci/page dev

.PHONY: deps
deps: ## Fetch the modules and compare them with go.sum, and get a C compiler where there is none (the race detector needs it), and the proxies, Prometheus, Alertmanager and PostgreSQL of the tests
	$(call say,dependencies)
	.ci/again .ci/compiler
	.ci/again .ci/proxies
	.ci/again .ci/prometheus
	.ci/again .ci/postgres
	.ci/again $(GO) mod download
	$(GO) mod verify
	@# what later steps need of the other modules, of which that is a small part
	.ci/again $(GO) list -modfile=tools/go.mod -deps tool >/dev/null
	.ci/again $(GO) list -C clients/go -e -deps -test ./... tool >/dev/null
	.ci/again $(GO) list -C tools/deploy -deps -test ./... >/dev/null
	.ci/again $(GO) list -C tools/oidc -deps ./... >/dev/null

.PHONY: format
format: ## Check that gofmt has nothing to say
	$(call say,gofmt)
	@bad="$$(gofmt -l .)"; [ -z "$$bad" ] || { printf 'not formatted, run make fmt:\n%s\n' "$$bad"; exit 1; }

.PHONY: fmt
fmt: ## Format the code
	gofmt -w .

# golangci-lint runs every analyzer of go vet on what is built without tags. What
# is left for go vet are the files of these tags.
TAGGED := ./internal/failpoint ./internal/engine/lock

.PHONY: vet
vet: ## go vet on the files that only a build tag brings, and their tests
	$(call say,go vet and go test with build tags)
	$(GO) vet -tags 'failpoint lockorder' $(TAGGED)
	$(GO) test -tags 'failpoint lockorder' $(TAGGED)

.PHONY: lint
lint: ## golangci-lint, as pinned in tools/go.mod (the first time it is compiled)
	$(call say,golangci-lint)
	$(LINT) run ./...

# `make race` leaves out what the race detector only slows down, and `make plain`
# runs it. PLAIN: packages without goroutines, which are raced in the packages that use
# them; the model of the protocol is explored completely only without the detector. SIM_TESTS judge what the simulated days are
# worth; 12 days are raced, `make sim` runs the others. CLI_TESTS are scripts
# without a server; CRON_TESTS compute many instants and texts, and HOST_TESTS simulate
# hosts, in one goroutine; so do DUE_TESTS, which plain runs with all of the engine, as
# it does OVERLOAD_TESTS: those show that another test would find a fault. API_TESTS send a
# part of what they have under the detector (internal/api/race_on_test.go), and all in
# plain, as do ALERT_TESTS; FILE_TESTS send thousands of documents from one goroutine, LOAD_TESTS
# make thousands of alerts or take days of virtual seconds: both run in plain alone.
# NAMES_TESTS have a tenth of their names under it (internal/resolve/race_on_test.go).
# Tests of the engine that repeat one thing with many seeds take fewer under the detector,
# and all with `-tags lockorder`. POWER_TESTS kill processes and judge what a disk has
# kept, with eight seeds, of which one is raced.
PLAIN     := . ./docs ./internal/sim/model ./internal/api/reference ./internal/charset ./internal/cron/crontest \
  ./internal/domain ./internal/egress ./internal/seal ./internal/sim/check ./internal/spelling \
  ./internal/store/sqlite/files ./internal/target ./internal/view
SIM_TESTS := ^(TestFewSeedsMeetEverything|TestPlantedFaultsAreFound|TestPlantedFaultsOfAClusterAreFound)$$
HOST_TESTS := ^TestHostSimulation
CLI_TESTS := ^TestScripts$$/^(preview|usage|config|version)$$
POWER_TESTS := ^TestPowerLoss$$
CRON_TESTS := ^(FuzzForeign|FuzzNext|TestAgreesWithOracle|TestChangesAreFarApart|TestEveryZoneEveryTransition|TestHintsMeanTheSame|TestWorkIsBounded|TestZoneTables)$$
DUE_TESTS := ^(TestStagedFires|TestTimetableMemoryDoesNotWander|TestTimetableModel)$$
OVERLOAD_TESTS := ^TestNewFiresAreOnTimeAfterAnOverload$$/^mutant
NAMES_TESTS := ^(TestTenThousandNames|TestThousandNamesInUse)$$
ALERT_TESTS := ^TestNoAlertIsLost$$
LOAD_TESTS := ^(TestAHostThatFailsIsOneMessage|TestTheWorkOfAStepIsBounded|TestWhatWaitsForADecisionSurvivesACrash|TestMaintenanceWindow|TestAResendIsTriedForADay|TestWhatIsShownOfMessages|TestMessagesOfAChannelThatIsGone)$$
API_TESTS := ^(TestAttackByDocument|TestAnImportAgreesToo|TestHugeDocuments|TestImportOf100000|TestListsAreSifted|TestRequestsWithoutAnAnswer|TestSchemaAndProgramAgreeOnEveryField)$$
FILE_TESTS := ^(TestImportAgainChangesNothing|TestKeyedImportAgain|TestSchemaAndProgramAgreeOnEveryField)$$

# SQLite, which was translated from C, is compiled without the detector: apart from its
# own globals its memory is mapped outside of Go's heap, where the detector ignores every
# access, and finding that out took two fifths of the tests of the store. The calls into
# it, from Belfry and from the package around it, are watched as before. One package more
# than cores runs at a time: tests wait for the clock now and then, and each ends with a
# second in which the detector waits for reports.
RACE      := -race '-gcflags=modernc.org/sqlite/lib=-race=false -d=checkptr=0'

.PHONY: race
race: ## The tests of all packages but e2e with the race detector
	$(call say,go test -race)
	packages="$$($(GO) list ./... | grep -vxF "$$($(GO) list $(PLAIN) ./e2e)")"; CGO_ENABLED=1 BELFRY_SIM_SEEDS=12 BELFRY_POWER_SEEDS=1 \
	  $(GO) test $(RACE) -p "$$(($$(getconf _NPROCESSORS_ONLN) + 1))" -vet=off -timeout 30m \
	  -skip '$(SIM_TESTS)|$(CLI_TESTS)|$(CRON_TESTS)|$(HOST_TESTS)|$(DUE_TESTS)|$(OVERLOAD_TESTS)|$(FILE_TESTS)|$(LOAD_TESTS)' $$packages

.PHONY: plain
plain: ## The tests that race leaves out, and those of the engine with the order of its locks asserted
	$(call say,go test without the race detector)
	$(GO) test -vet=off $(PLAIN)
	$(GO) test -vet=off -run '$(API_TESTS)|$(FILE_TESTS)' ./internal/api
	$(GO) test -vet=off -run '$(ALERT_TESTS)|$(LOAD_TESTS)' ./internal/alert
	$(GO) test -vet=off -run '$(SIM_TESTS)' ./internal/sim
	$(GO) test -vet=off -run '$(CLI_TESTS)' ./internal/cli
	$(GO) test -vet=off -run '$(CRON_TESTS)' ./internal/cron
	$(GO) test -vet=off -run '$(HOST_TESTS)' ./internal/executor
	$(GO) test -vet=off -run '$(NAMES_TESTS)' ./internal/resolve
	$(GO) test -vet=off -run '$(POWER_TESTS)' ./internal/store/sqlite
	$(GO) test -vet=off -tags lockorder ./internal/engine/...

# They drive a server in a process of its own, built without the detector.
# Those that measure have the machine to themselves; the others mostly wait, E2E at
# a time. What they find is never taken from the cache: go test does not see the
# server's sources.
E2E      ?= 6
MEASURED := ^(TestAttackDoesNotDelayFires|TestBenchThroughput|TestClusterBehindABalancer|TestClusterSharesAccess|TestCopyLosesAndDoublesNothing|TestDowntime|TestDrainByName|TestGroupCommit|TestKillAndRestartUnderLoadLosesNothing|TestOneOfThreeServersShowsAlerts|TestPostgresKillAndRestartLosesNothing|TestPostgresNodesShareTheJobs|TestRetriesAfterOneTwoAndThreeSeconds|TestRollingUpgrade|TestSoak|TestThousandJobsEverySecond)$$

.PHONY: e2e
e2e: measured waiting ## The end-to-end tests: a real server, over HTTP, with signals and kill -9

.PHONY: measured
measured: ## The end-to-end tests that measure: nothing else should run beside them
	$(call say,go test ./e2e: what measures)
	$(GO) test -count=1 -vet=off -timeout 30m -parallel $(E2E) -run '$(MEASURED)' ./e2e

.PHONY: waiting
waiting: ## The other end-to-end tests, E2E (6) at a time
	$(call say,go test ./e2e: what waits)
	$(GO) test -count=1 -vet=off -timeout 30m -parallel $(E2E) -skip '$(MEASURED)' ./e2e

SEEDS ?= 2000
SEED  ?= 1

.PHONY: sim
sim: ## Simulate SEEDS (2000) days from SEED (1) on, each with crashes, faults and steps of the clock
	$(call say,sim: $(SEEDS) days from seed $(SEED) on)
	@SEEDS=$(SEEDS) SEED=$(SEED) .ci/sim

FAULTS ?= 130
JOBS  ?= 2000

.PHONY: torture
torture: ## Inject FAULTS (130) into a server with JOBS (2000) jobs a second: kills, full disk, frozen ... then check
	BELFRY_TORTURE_FAULTS=$(FAULTS) BELFRY_TORTURE_JOBS=$(JOBS) BELFRY_FAILPOINT_PASSES=9 \
	  $(GO) test -count=1 -timeout 90m -run 'TestTorture|TestKilled' -v ./e2e

CLUSTER_FAULTS ?= 60

.PHONY: torture-cluster
torture-cluster: ## Inject CLUSTER_FAULTS (60) into three servers on one PostgreSQL with JOBS (2000) jobs a second ... then check
	BELFRY_TORTURE_CLUSTER_FAULTS=$(CLUSTER_FAULTS) BELFRY_TORTURE_CLUSTER_JOBS=$(JOBS) \
	  $(GO) test -count=1 -timeout 90m -run 'TestTortureCluster$$' -v ./e2e

DOWNTIME ?= 600
DOWNJOBS ?= 1000

.PHONY: downtime
downtime: ## Keep a server down for DOWNTIME (600) seconds of DOWNJOBS (1000) jobs: how late are live fires while it catches up?
	BELFRY_DOWNTIME_SECONDS=$(DOWNTIME) BELFRY_DOWNTIME_JOBS=$(DOWNJOBS) BELFRY_DOWNTIME_CALM=30 \
	  $(GO) test -count=1 -timeout 2h -run TestDowntime -v ./e2e

SOAK_MINUTES ?= 30
SOAK_RATE    ?= 5000

.PHONY: soak
soak: ## Run SOAK_MINUTES (30) at SOAK_RATE (5000) fires a second while old history is dropped: what grows?
	BELFRY_SOAK_SECONDS=$$(($(SOAK_MINUTES)*60)) BELFRY_SOAK_RATE=$(SOAK_RATE) BELFRY_SOAK_ROWS=1000000 \
	  $(GO) test -count=1 -timeout 3h -run TestSoak -v ./e2e

.PHONY: fuzz
fuzz: ## Every fuzz target for FUZZTIME (2m with FUZZWORKERS on all cores; make test: 3s with one)
	$(call say,fuzz: $(FUZZTIME) for each target)
	@FUZZTIME=$(FUZZTIME) .ci/fuzz

.PHONY: bench
bench: ## Benchmarks (BENCH=Name picks some)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

N ?= 10000

.PHONY: load
load: build ## N (10000) jobs that are due at every second: how late do they leave?
	bench/load.sh $(N)

.PHONY: cover
cover: ## Coverage of each function, and coverage.html
	$(GO) test -coverpkg=./internal/... -coverprofile=coverage.out ./...
	$(GO) tool cover -func=coverage.out
	$(GO) tool cover -html=coverage.out -o coverage.html

.PHONY: cross
cross: ## Check that it compiles for the other platforms
	@for p in linux/arm64 darwin/arm64 windows/amd64; do \
	  echo "$$p"; GOOS=$${p%/*} GOARCH=$${p#*/} CGO_ENABLED=0 $(GO) build -o /dev/null ./cmd/belfry; done
	@# tests too, where most differs: 4 s when nothing has changed
	@GOOS=windows GOARCH=amd64 CGO_ENABLED=0 $(GO) vet ./internal/... ./cmd/...

.PHONY: reproducible
reproducible: build ## Build it again in another folder, and compare the bytes
	$(call say,reproducible build)
	@VERSION='$(VERSION)' .ci/reproducible

.PHONY: licences
licences: ## Write docs/licences.md: the licences of what is in the binary (a test holds it to the modules)
	$(GO) test -count=1 -run 'TestLicences$$' . -update-licences

.PHONY: notices
notices: ## bin/LICENCES: the texts that have to go with the binary
	@mkdir -p bin
	.ci/notices >bin/LICENCES

.PHONY: openapi
openapi: build ## spectral, its OWASP rules and redocly on the OpenAPI document (tools/openapi; npm fetches them the first time)
	$(call say,the OpenAPI document)
	.ci/again .ci/node tools/openapi
	.ci/openapi lint

.PHONY: clients
clients: build ## Generate clients from the OpenAPI document (oapi-codegen, ogen, openapi-typescript) and run them against a server
	$(call say,generated clients)
	.ci/again .ci/node tools/openapi
	.ci/openapi clients

.PHONY: browser
browser: build ## The page in a real browser: the distribution's Chromium, by Playwright (BROWSER_ARGS="stranger.spec.ts")
	$(call say,the page in a browser)
	cd tools/oidc && CGO_ENABLED=0 $(GO) build -trimpath -o ../../bin/oidc .
	.ci/again .ci/node e2e/web
	.ci/browser $(BROWSER_ARGS)

MILLION ?= 1000000

# It measures, and needs 3 GB of disk: it is not a part of make test.
.PHONY: browser-million
browser-million: build ## Every view of the page with 0, 3 and MILLION (1000000) generated jobs, with timings, in bin/browser-million
	$(call say,the page with many jobs)
	.ci/again .ci/node e2e/web
	BELFRY_MILLION_JOBS=$(MILLION) .ci/browser --config million.config.ts

.PHONY: screenshots
screenshots: build ## Pictures of the dashboard with sample-data.json, in bin/screenshots: light, dark, and 360 px wide
	.ci/again .ci/node e2e/web
	.ci/browser --config screenshots.config.ts

# Its own module, and not cached: go test does not see that a file of another module has changed.
.PHONY: deploy
deploy: ## Check deploy/ with the libraries of helm and docker compose (tools/deploy; the first time they are compiled)
	$(call say,the files of deploy/)
	cd tools/deploy && $(GO) test -count=1 ./...

.PHONY: sbom
sbom: build ## bin/belfry.cdx.json: what is in bin/belfry, in the form of CycloneDX
	$(GO) tool -modfile=tools/sbom/go.mod cyclonedx-gomod bin -json -std -noserial -notimestamp \
	  -version '$(VERSION)' -output bin/belfry.cdx.json bin/belfry

.PHONY: clean
clean: ## Remove what was built (not ./data)
	rm -rf bin coverage.out coverage.html

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
