#!/usr/bin/env bash
# Makes sure that this machine can build the project: cargo, a C compiler, the wasm target.
# Changes nothing and uses no network when all is there.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$PROJECT_ROOT"

WASM_TARGET=wasm32-wasip2

have cargo || die "cargo is missing: install Rust with rustup, see https://rustup.rs"

# SQLite and the sandbox's assembly are compiled from C.
have cc || have gcc || have clang || apt_install "a C compiler" gcc libc6-dev

# rustup may be told not to install the toolchain that rust-toolchain.toml names by itself.
if ! version=$(rustc --version 2>&1); then
	have rustup || die "rustc does not work: $version"
	say "installing the toolchain that rust-toolchain.toml names"
	rustup toolchain install || die "rustup could not install the toolchain of rust-toolchain.toml"
fi

# The directory is there on every kind of installation; rustup's own list is not.
if [[ ! -d $(rustc --print sysroot)/lib/rustlib/$WASM_TARGET/lib ]]; then
	have rustup || die "this Rust installation lacks the target $WASM_TARGET, and without rustup it cannot be added:
install Rust with rustup (https://rustup.rs), or your distribution's package with the standard library for $WASM_TARGET"
	say "adding the target $WASM_TARGET"
	rustup target add "$WASM_TARGET" || die "rustup could not add the target $WASM_TARGET"
fi
