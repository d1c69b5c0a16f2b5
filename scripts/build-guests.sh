#!/usr/bin/env bash
# Builds the components that exist only to misbehave in tests (the workspace tests/guests)
# and collects them in <target directory>/guests/<package name with _>.wasm.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$PROJECT_ROOT"

built=$(target_dir)
out=$built/guests
mkdir -p "$out"
if [[ ! -f tests/guests/Cargo.toml ]]; then
	say "there is no workspace tests/guests: no test guests built"
	exit 0
fi

# A directory of their own: everything cargo leaves there is a guest, whatever its package is called.
cargo build --manifest-path tests/guests/Cargo.toml --workspace --release --target wasm32-wasip2 \
	--target-dir "$built/guests-build"
shopt -s nullglob
components=("$built"/guests-build/wasm32-wasip2/release/*.wasm)
[[ ${#components[@]} -gt 0 ]] || die "tests/guests built no component: are the packages' crate-type cdylib?"
for component in "${components[@]}"; do
	cmp -s "$component" "$out/$(basename "$component")" || cp "$component" "$out/"
done
