# `make help` lists what there is.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
CARGO ?= cargo
KCL := $(CARGO) run --quiet --package kcl-cli --features demo --
LOCAL := scripts/local.sh
# With the bugs on purpose in the build; in each thread they are off until a test plants one.
PLANTED_RUSTC ?= $(CURDIR)/scripts/planted-rustc.sh
SIMULATED := RUSTC_WORKSPACE_WRAPPER=$(PLANTED_RUSTC) $(CARGO) --config scripts/simulated.toml

##@ To begin with
.PHONY: help demo
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Not quiet: a fresh clone compiles for minutes.
demo: ## Watch a fleet share a stream through splits, joins and a crash
	@echo "Building the demo; the first time takes some minutes." >&2
	@$(CARGO) build --package kcl-cli --features demo
	@$(KCL) demo

##@ To work on it
.PHONY: build check test simulation mutants arrows mutants-table model model-deep simulate fuzz servers
build: ## Build everything
	$(CARGO) build --workspace --all-targets

servers: ## Install the servers that the tests start
	tests/servers/install.sh

check: ## Formatting, lints and documentation
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
# As its users have it: without the features that tests and the simulator turn on.
	$(CARGO) clippy -p kcl-core -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps

simulation: ## Whole fleets on virtual time, and every bug that is planted noticed
	$(SIMULATED) test --workspace --test simulation

mutants: ## Of these only: plant bugs in the library, and see that the tests notice each
	$(SIMULATED) test --workspace --test simulation planted::table

arrows: ## Remove each arrow of the coordinator, and see that a test of its part misses it, PART=all
	$(CARGO) build --workspace --example arrows
	$${CARGO_TARGET_DIR:-target}/debug/examples/arrows $(PART)

mutants-table: ## Write into docs/PLANTED.md what noticed which
	KCL_WRITE_TABLES=1 $(MAKE) mutants

test: ## Everything, as it has to pass before a change lands; says how long each step took
	@scripts/gate.sh

model: ## Search every state of a small world for a way to break the protocol
	$(SIMULATED) test --workspace --test model -- --nocapture --test-threads 1

model-deep: ## The same in a larger world: ten minutes, gigabytes
	KCL_MODEL_EPOCHS=$${EPOCHS:-3} KCL_MODEL_RECORDS=$${RECORDS:-3} \
		$(CARGO) test --release --package kcl-memory --test model -- --nocapture nothing

fuzz: ## Feed every parser of outside data with garbage, SECONDS_EACH=10
	scripts/fuzz.sh $${SECONDS_EACH:-10}

SEEDS ?= 2000
FROM ?= 0
simulate: ## Play SEEDS=2000 seeds of the simulator, from FROM=0 on
	@$(CARGO) run --quiet --release --package kcl-memory --example simulate -- $(SEEDS) $(FROM)

##@ To measure it
.PHONY: bench bench-multilang bench-rebalance bench-drain bench-stores bench-dashboard
bench: ## How long a plan takes, and a planner's whole turn
	$(CARGO) bench --package kcl-core --bench plan
	$(CARGO) bench --package kcl-memory --bench turn

bench-rebalance: servers ## How fast a fleet starts, rebalances, fails over and leaves
	$(CARGO) bench --package kcl-tests --bench rebalance

bench-drain: ## How fast a worker drains a backlog, beside a bare SDK loop
	$(CARGO) bench --package kcl-tests --bench drain

bench-multilang: servers ## Processors in other languages: start, records/s, memory; JAVA=FOLDER of jars
	$(CARGO) bench --package kcl-tests --bench multilang -- $(if $(JAVA),--java $(JAVA))

bench-stores: servers ## What 50 workers with 1,000 leases ask of each lease store
	$(CARGO) bench --package kcl-tests --bench stores

bench-dashboard: servers ## How soon the dashboard's page is there, and what an update costs it
	$(CARGO) bench --package kcl-tests --bench dashboard

##@ The change-over from other libraries: docs/MIGRATING.md
.PHONY: interop
interop: servers ## The real Java KCL and VMware-Go-KCL, import, ours, export, and they again
	tests/interop/build.sh
	@$(CARGO) test --quiet --workspace --bench interop -- $(KIND)

##@ To try it by hand, on local servers
.PHONY: start stop produce consumer leases reshard
SHARDS ?= 4
start: servers ## Start a local Kinesis and DynamoDB, with a stream of SHARDS=4 shards
	$(LOCAL) start $(SHARDS)

stop: ## Stop them
	$(LOCAL) stop

produce: ## Put records into the local stream until ctrl-c
	@$(LOCAL) kcl produce

consumer: ## Join the fleet that reads the local stream; one JSON object per record
	@$(LOCAL) kcl consume --text

leases: ## Show who reads what
	@$(LOCAL) kcl leases list

reshard: ## Bring the local stream to SHARDS=N shards
	@$(LOCAL) kcl stream reshard --to $(SHARDS)

##@ The published experiment: docs/EXPERIMENT.md
.PHONY: experiment experiment-manual producer
PODS := consumer-pod1 consumer-pod2 consumer-pod3 consumer-pod4 consumer-pod5
.PHONY: $(PODS)
experiment: servers ## 20 shards and 3 consumers, 10 splits, 5 consumers: with a timeline
	@$(CARGO) test --quiet --workspace --bench experiment -- published

experiment-manual: servers ## 4 shards mapped to 3 workers, splits, a worker that dies
	@$(CARGO) test --quiet --workspace --bench experiment -- manual

producer: ## By hand: put records as it does; consumer-pod1 to consumer-pod5 read them
	@$(LOCAL) kcl produce --config config/config-pod1.yaml

$(PODS): consumer-%:
	@$(LOCAL) kcl consume --text --config config/config-$*.yaml

##@ To clean up
.PHONY: clean
clean: ## Stop local servers and remove what was built
	-$(LOCAL) stop
	$(CARGO) clean
