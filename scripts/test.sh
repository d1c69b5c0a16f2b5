#!/usr/bin/env bash
# Runs all tests, on SQLite and on private Postgres and Redis servers. Arguments go to `cargo test --workspace`.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$PROJECT_ROOT"

scripts/setup.sh
scripts/build-providers.sh
scripts/build-guests.sh

built=$(target_dir)
export TRIGGERHOUSE_TEST_PROVIDERS_DIR=$built/providers
export TRIGGERHOUSE_TEST_GUESTS_DIR=$built/guests
# Compile first: the servers then run only while the tests do. One command builds the tests and the server that some of
# them start as a process; two commands could choose different features and compile dependencies twice.
cargo build --workspace --all-targets
exec scripts/services.sh run --fast -- cargo test --workspace "$@"
