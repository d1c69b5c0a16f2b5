#!/usr/bin/env bash
# Fuzzes one provider's parser, guided by coverage: `scripts/fuzz.sh ID [SECONDS]`. Findings and corpus are kept in
# fuzz/ below the target directory, so the next run continues where this one ended.
#
# The fuzz target is a test. `cargo test` runs it with random bytes; here libFuzzer, a part of bolero, chooses the bytes.
# cargo-bolero does not fit: it insists on linking the library's unit tests, which contain no fuzz target.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$PROJECT_ROOT"

id=${1:-} seconds=${2:-60}
[[ -n $id && -f providers/$id/Cargo.toml ]] || die "expected the id of a provider: scripts/fuzz.sh ID [SECONDS]"
test=mutations::a_broken_delivery_never_panics

work=$(target_dir)/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')
flags=(--cfg fuzzing --cfg fuzzing_libfuzzer -Cpasses=sancov-module
	-Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
	-Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares
	# An overflow counts as a panic.
	-Cdebug-assertions -Coverflow-checks)
exe=$(BOLERO_FUZZER=libfuzzer RUSTFLAGS="${flags[*]}" cargo test --release --target "$host" --target-dir "$work" \
	-p "triggerhouse-provider-$id" --test it --no-run --message-format json |
	sed -n 's/.*"name":"it".*"executable":"\([^"]*\)".*/\1/p')
[[ -x $exe ]] || die "cargo built no test"

corpus=$work/corpus-$id found=$work/found-$id
mkdir -p "$corpus" "$found"
export BOLERO_TEST_NAME=$test BOLERO_LIBTEST_HARNESS=1
export BOLERO_LIBFUZZER_ARGS="$corpus $found -artifact_prefix=$found/ -timeout=10 -max_len=4096 -max_total_time=$seconds"
exec "$exe" "$test" --exact --nocapture --quiet --test-threads 1
