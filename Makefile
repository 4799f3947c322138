# The few commands of Dawncast. Everything else is plain cargo.

CARGO ?= cargo
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo observe chaos test test-live check fuzz bench setup setup-redis setup-nextest setup-observe setup-node setup-browser setup-s3 setup-fuzz

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup-redis ## a broadcast against the simulator, with faults, in under a minute (ARGS="--recipients 5000")
	$(CARGO) build --release --package dawncast-cli --bin dawncast
	./target/release/dawncast demo $(ARGS)

observe: setup-observe ## the demo, watched by Prometheus and Alertmanager until Ctrl-C (ARGS="--recipients 5000")
	$(CARGO) build --release --package dawncast-cli --bin dawncast
	deploy/observe.sh $(ARGS)

chaos: setup-redis ## a broadcast while everything is killed, frozen and cut off, then the audit (ARGS="--seed 7")
	$(CARGO) build --release --package dawncast-cli --bin dawncast
	./target/release/dawncast chaos $(ARGS)

test: setup ## the whole fast suite
	$(CARGO) nextest run --workspace

test-live: setup setup-observe setup-node setup-browser setup-s3 ## what needs minutes, lost machines or real parts: failovers, Prometheus, Node, a browser, S3
	$(CARGO) nextest run --workspace --profile live --run-ignored only -E 'test(/(^|::)live_/)'

check: setup ## format, lints and docs with warnings denied, tests
	$(CARGO) fmt --all -- --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps
	$(CARGO) nextest run --workspace

fuzz: setup-fuzz ## every decoder for a minute against bytes that nobody sends (FUZZ_SECONDS=3600 for an hour each)
	fuzz/run.sh $(ARGS)

bench: setup-redis ## the load test and its table
	$(CARGO) run --profile dist --package dawncast-loadtest -- bench --json target/bench.json

setup: setup-redis setup-nextest ## install what the tests need, if it is missing

setup-redis:
	@deploy/ensure.sh cc redis-server

setup-observe: setup-redis
	@deploy/ensure.sh prometheus prometheus-alertmanager python3

setup-node:
	@deploy/ensure.sh node npm python3
	@npm ci --prefix crates/cli/tests/openapi-client --no-audit --no-fund --silent
	@npm ci --prefix crates/cli/tests/cloud-clients --no-audit --no-fund --silent

setup-browser: ## install a browser, for the page of the simulator
	@deploy/ensure.sh chromium node npm
	@npm ci --prefix crates/cli/tests/sim-page --no-audit --no-fund --silent

setup-s3: ## install an S3-compatible server, for the archive's tests
	@deploy/ensure.sh python3
	@python3 -c 'import ensurepip, venv' 2>/dev/null || deploy/ensure.sh python3-venv
	@test -x target/s3/bin/moto_server || { python3 -m venv target/s3 && target/s3/bin/pip install --quiet 'moto[server]==5.2.5'; }

setup-fuzz:
	@deploy/ensure.sh c++
	@$(CARGO) fuzz --version >/dev/null 2>&1 || $(CARGO) install cargo-fuzz --locked

setup-nextest:
	@$(CARGO) nextest --version >/dev/null 2>&1 || $(CARGO) install cargo-nextest --locked
