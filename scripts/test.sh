#!/usr/bin/env bash
# All tests, on SQLite and on private Postgres and Redis servers. Arguments go to `cargo test --workspace`.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$PROJECT_ROOT"

scripts/setup.sh
scripts/build-providers.sh
scripts/build-guests.sh

built=$(target_dir)
export TRIGGERHOUSE_TEST_PROVIDERS_DIR=$built/providers
export TRIGGERHOUSE_TEST_GUESTS_DIR=$built/guests
# Compiled before the servers start, so that they live only as long as they are needed.
# Some tests run the host as a process of its own.
cargo build --workspace --bins
cargo test --workspace --no-run
exec scripts/services.sh run --fast -- cargo test --workspace "$@"
