#!/usr/bin/env bash
# Builds every provider under providers/ as a component: target/providers/<id>.wasm.
# Prints only cargo's progress. An unchanged component keeps its file's modification time.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$PROJECT_ROOT"

built=$(target_dir)
# target/providers is the documented place, even when cargo builds elsewhere. The tests look beside cargo's own output.
places=("$PROJECT_ROOT/target/providers")
[[ $built == "$PROJECT_ROOT/target" ]] || places+=("$built/providers")
mkdir -p "${places[@]}"

ids=() packages=()
for manifest in providers/*/Cargo.toml; do
	[[ -f $manifest ]] || die "there is no provider under providers/"
	id=$(basename "$(dirname "$manifest")")
	ids+=("$id")
	packages+=(-p "triggerhouse-provider-$id")
done

# One command builds all of them in parallel. No provider may enable a feature that its neighbors do not have: then each
# component is the same as if it were built alone.
build_components "${packages[@]}" --lib

for id in "${ids[@]}"; do
	component=$built/$COMPONENTS/triggerhouse_provider_${id//-/_}.wasm
	[[ -f $component ]] || die "cargo built triggerhouse-provider-$id but left no $component: is its crate-type cdylib?"
	for place in "${places[@]}"; do
		cmp -s "$component" "$place/$id.wasm" || {
			# A host that is starting must never see half a file.
			cp "$component" "$place/$id.wasm.new"
			mv "$place/$id.wasm.new" "$place/$id.wasm"
		}
	done
done

# `serve --providers` registers every file in the folder, so a provider that left the sources must leave it too.
for place in "${places[@]}"; do
	for file in "$place"/*.wasm; do
		id=$(basename "$file" .wasm)
		[[ " ${ids[*]} " == *" $id "* ]] || rm -f "$file"
	done
done
