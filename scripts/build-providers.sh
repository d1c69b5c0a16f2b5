#!/usr/bin/env bash
# Builds every provider under providers/ as a component: target/providers/<id>.wasm.
# Prints nothing but cargo's progress. A component that did not change keeps its file's time.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$PROJECT_ROOT"

built=$(target_dir)
# The documented place, also where cargo builds elsewhere; and beside cargo's other output, where the tests look.
places=("$PROJECT_ROOT/target/providers")
[[ $built == "$PROJECT_ROOT/target" ]] || places+=("$built/providers")
mkdir -p "${places[@]}"

ids=()
for manifest in providers/*/Cargo.toml; do
	[[ -f $manifest ]] || die "there is no provider under providers/"
	id=$(basename "$(dirname "$manifest")")
	ids+=("$id")
	# One at a time: together they would share each other's feature flags, and a component would depend on its neighbours.
	cargo build --profile wasm --target wasm32-wasip2 -p "triggerhouse-provider-$id" --lib
	component=$built/wasm32-wasip2/wasm/triggerhouse_provider_${id//-/_}.wasm
	[[ -f $component ]] || die "cargo built triggerhouse-provider-$id, but $component is not there: is its crate-type cdylib?"
	for place in "${places[@]}"; do
		cmp -s "$component" "$place/$id.wasm" || {
			# A host that is just starting must never see half a file.
			cp "$component" "$place/$id.wasm.new"
			mv "$place/$id.wasm.new" "$place/$id.wasm"
		}
	done
done

# A provider that is gone from the sources must not be registered by `serve --providers`.
for place in "${places[@]}"; do
	for file in "$place"/*.wasm; do
		id=$(basename "$file" .wasm)
		[[ " ${ids[*]} " == *" $id "* ]] || rm -f "$file"
	done
done
