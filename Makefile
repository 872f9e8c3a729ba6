# What a person types. Every target sets up what it needs; caches lie outside the checkout (tests/environment/cache.sh).

SHELL := /bin/bash
STEP := tests/environment/step
CARGO := tests/environment/cargo
.DEFAULT_GOAL := help
# No target is a file.
.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' $(MAKEFILE_LIST))

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | column -t -s $$'\t'

test: ## everything that CI runs
	@$(STEP) "Debian packages" tests/environment/packages build-essential ca-certificates curl git openssl procps shellcheck openjdk-17-jre-headless lua5.1
	@$(STEP) "scripts" $(MAKE) --no-print-directory scripts
	@$(STEP) "format" $(CARGO) fmt --all --check
	@$(STEP) "licences, bans and sources" $(MAKE) --no-print-directory deny
	@$(STEP) "lints" $(MAKE) --no-print-directory lint
	@$(STEP) "helm" tests/cluster/binaries tools
	@$(STEP) "API server" tests/cluster/binaries api
	@$(STEP) "charts" $(MAKE) --no-print-directory charts
	@$(STEP) "GitOps, and what an older version stored" $(MAKE) --no-print-directory gitops
	@$(STEP) "alert rules" $(MAKE) --no-print-directory alerts
	@$(STEP) "Python engines" tests/environment/python
	@$(STEP) "the demo on kind, with stubs" $(MAKE) --no-print-directory demo-on-kind
	@$(STEP) "parts of a release" $(MAKE) --no-print-directory release-parts
	@$(STEP) "unit and integration tests" $(MAKE) --no-print-directory unit
	@$(STEP) "the main job without Kubernetes" $(MAKE) --no-print-directory try
	@$(STEP) "fault catalogue, a third of its pairs and of what nobody asks for, and a fleet" \
		$(MAKE) --no-print-directory catalogue AWSCOST_TEST_SHARE=3
	@$(STEP) "a node's programs" tests/cluster/binaries node
	@$(STEP) "end to end on a node" $(MAKE) --no-print-directory end-to-end

scripts: ## shellcheck over every script
	@tests/environment/scripts

lint: ## clippy, warnings as errors
	@$(CARGO) clippy --quiet --workspace --all-targets --locked -- -D warnings

deny: ## licences, bans and sources of every dependency
	@tests/environment/cargo-deny --log-level error check bans licenses sources

audit: ## known advisories; needs the internet
	@tests/environment/cargo-deny check advisories

unit: ## unit tests and tests/it, with a real API server and other engines
	@AWSCOST_PYTHON="$$(tests/environment/python)" tests/environment/with-api-server $(CARGO) test --workspace --locked -- --include-ignored $(TIMED:%=--skip %)

# What promises seconds, or changes the whole cluster, has nothing beside it: the step of its own.
TIMED := preflight::definitions ownership::forged fault_catalogue::every_fault fault_catalogue::unasked fault_catalogue::pairs fault_catalogue::fleet::broken

# One case in so many of the pairs and of the faults that nobody asks about.
export AWSCOST_TEST_SHARE ?= 1

catalogue: ## every fault of the catalogue named within seconds, pairs of them, and a fleet with broken accounts; every status read well
	@tests/environment/packages lua5.1
	@tests/environment/with-api-server bash -euc '$(CARGO) test --workspace --locked --test it -- $(TIMED) --include-ignored --nocapture --test-threads 1; tests/gitops/judge.py "$$AUDIT_LOG"'

fleet: ## 2,000 accounts, a tenth of them broken, and as many healthy ones, at ten STS calls a second: about an hour
	@AWSCOST_TEST_FLEET=2000 AWSCOST_TEST_STS_RATE=10 tests/environment/with-api-server $(CARGO) test --workspace --locked --test it -- fault_catalogue::fleet --include-ignored --nocapture

end-to-end: ## the main job on a real node, as a test
	@tests/e2e/run

first-hour: ## the README's way from a bare cluster to Ready, typed on a real node
	@tests/e2e/first-hour

charts: ## helm lint, and what values give and what they must not say, on a real API server
	@tests/environment/with-api-server tests/environment/charts
	@tests/gitops/manifests.py --check

gitops: ## kustomize, Argo CD's scripts and Flux's files, and what an older version stored under this one's definitions
	@tests/environment/packages lua5.1
	@tests/environment/with-api-server python3 -m unittest tests/gitops/test_*.py tests/upgrade/test_*.py

upgrade: ## on a real node, from the version that tests/upgrade/from names to this one and back; builds that version first
	@tests/upgrade/run

alerts: ## promtool over the alert rules: syntax, and when each fires and clears
	@tests/environment/alerts

try: ## the main job without Kubernetes, beside a sandbox on loopback: check, ingest, costs; leaves nothing
	@tests/environment/build
	@source tests/environment/cache.sh && python3 tests/demo/try --programs "$$CARGO_TARGET_DIR/debug"

demo: ## the main job on a real node, to look at (Docker and kind, or Debian and root); leaves it running
	@tests/demo/up

demo-down: ## removes every trace of the demo
	@tests/demo/down

demo-on-kind: ## the demo on kind as an ordinary user, with recording stubs in place of Docker and kind
	@"$$(tests/environment/python)" -m unittest tests/demo/on_kind.py

release: ## what a release holds, from a clean tree, into the cache or RELEASE=FOLDER; docs/release.md
	@deploy/release/build $(RELEASE:%=--out %)

release-parts: ## what of a release is tested in seconds: versions, Krew's manifest, charts' packages, workflows
	@tests/cluster/binaries tools release
	@"$$(tests/environment/python)" -m unittest tests/release/parts.py
image: ## the operator's image, an archive for ctr, kind, docker or podman to load; needs no Docker
	@tests/environment/image awscost.tar

generate: ## rewrites generated files
	@tests/environment/awscost crds --dir crds
	@rm -rf charts/awscost-crds/files && cp -r crds charts/awscost-crds/files
	@cp deploy/alerts/awscost.rules.yaml charts/awscost-operator/files/
	@tests/charts/readme --write charts/*
	@tests/environment/awscost reasons --markdown >docs/troubleshooting.md
	@tests/environment/awscost page >docs/cli.md
	@tests/cluster/binaries api tools
	@tests/gitops/manifests.py

bench: ## rows/s, MB/s and peak memory beside DuckDB on the same files
	@tests/bench/run
