#!/usr/bin/env bash
# Checks that this machine can build the project: cargo, a C compiler, the wasm target. Installs what is missing.
# Changes nothing and needs no network on a machine that has all of them.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$PROJECT_ROOT"

have cargo || die "cargo is missing: install Rust with rustup, see https://rustup.rs"

# SQLite is C, and the sandbox has some assembly.
have cc || have gcc || have clang || apt_install "a C compiler" gcc libc6-dev

# A rustup without auto-install needs a command to install the toolchain of rust-toolchain.toml.
if ! version=$(rustc --version 2>&1); then
	have rustup || die "rustc does not work: $version"
	say "installing the toolchain that rust-toolchain.toml names"
	rustup toolchain install || die "rustup could not install the toolchain of rust-toolchain.toml"
fi

# Every kind of Rust installation has this directory; only rustup has a list of targets.
if [[ ! -d $(rustc --print sysroot)/lib/rustlib/$WASM_TARGET/lib ]]; then
	have rustup || die "this Rust installation lacks the target $WASM_TARGET, and without rustup it cannot be added:
install Rust with rustup (https://rustup.rs), or your distribution's package with the standard library for $WASM_TARGET"
	say "adding the target $WASM_TARGET"
	rustup target add "$WASM_TARGET" || die "rustup could not add the target $WASM_TARGET"
fi
