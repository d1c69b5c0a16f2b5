#!/usr/bin/env bash
# Builds the server and the benchmark, and runs the benchmark on private, durable Postgres and Redis servers.
# tests/bench/README.md explains the table and the variables BENCH_….
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$PROJECT_ROOT"

[[ $# == 0 ]] || die "usage: scripts/bench.sh (its settings are environment variables)"
scripts/setup.sh
scripts/build-providers.sh
cargo build --release -p triggerhouse -p triggerhouse-tests --bins
exec scripts/services.sh run -- "$(target_dir)/release/bench"
