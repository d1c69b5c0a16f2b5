#!/usr/bin/env bash
# Runs the development server with every provider, on SQLite at 127.0.0.1:8787 unless settings say otherwise.
# Arguments go to `triggerhouse serve`.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$PROJECT_ROOT"

scripts/setup.sh
scripts/build-providers.sh
build_server
exec "$(target_dir)/debug/triggerhouse" serve --providers target/providers "$@"
