# The work is in scripts/; this file only names it. `make` alone lists the targets.
.DEFAULT_GOAL := help
.PHONY: help setup demo serve test stress fuzz bench lint audit providers guests clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Check the toolchain, add the wasm target if it is missing
	@scripts/setup.sh

demo: ## Turn a webhook into a run, on a fresh SQLite file
	@scripts/demo.sh

serve: ## Run the development server with every provider (SQLite, 127.0.0.1:8787)
	@scripts/serve.sh

test: ## Run all tests on private Postgres and Redis servers. ARGS='…' goes to cargo test
	@scripts/test.sh $(ARGS)

stress: ## Run the long tests: locks, memory, thousands of consumers
	@scripts/test.sh --test stress -- --nocapture --test-threads 1

fuzz: setup ## Fuzz a provider, guided by coverage. ID=github FUZZ_SECONDS=60
	@scripts/fuzz.sh $(ID) $(FUZZ_SECONDS)

bench: ## Measure throughput and latency beside their limits. BENCH_SECONDS=10
	@scripts/bench.sh

lint: setup ## Check formatting, clippy and documentation; warnings are errors
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets --test stress -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --workspace

audit: setup ## Check dependencies: unused ones, licenses, sources, versions, known vulnerabilities
	@scripts/audit.sh

providers: setup ## Build the providers: target/providers/<id>.wasm
	@scripts/build-providers.sh

guests: setup ## Build the components that only tests use
	@scripts/build-guests.sh

clean: ## Remove everything that was built
	cargo clean
	rm -rf target
