#!/usr/bin/env bash
# Builds the components that only tests use (the workspace tests/guests) and collects them in
# <target directory>/guests/<package name with _>.wasm.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$PROJECT_ROOT"

built=$(target_dir)
out=$built/guests
mkdir -p "$out"

# Same target directory, profile and versions as the providers: the dependencies are compiled once for both.
build_components --manifest-path tests/guests/Cargo.toml --workspace --target-dir "$built"

for manifest in tests/guests/*/Cargo.toml; do
	name=guest_$(basename "$(dirname "$manifest")" | tr - _)
	component=$built/$COMPONENTS/$name.wasm
	[[ -f $component ]] || die "cargo left no $component: is the package's crate-type cdylib?"
	cmp -s "$component" "$out/$name.wasm" || cp "$component" "$out/"
done
