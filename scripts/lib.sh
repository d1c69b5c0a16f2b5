# Functions of the scripts in this folder: `source "$(dirname "$0")/lib.sh"`.
# Plain bash only: the scripts run on a machine where nothing else is installed yet.
# shellcheck shell=bash

set -euo pipefail
# Makes a failure inside $(…) end the script.
shopt -s inherit_errexit 2>/dev/null || true

# The project's top level. Scripts work from there, from whatever directory they are called.
PROJECT_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Progress and errors go to stderr: stdout is for results that a caller reads.
say() { printf '%s\n' "$*" >&2; }
die() {
	printf 'error: %s\n' "$*" >&2
	exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Prints cargo's target directory. Only cargo knows it: the environment or a config file may move it.
target_dir() {
	local dir
	dir=$(cd "$PROJECT_ROOT" && cargo metadata --no-deps --format-version 1 |
		sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
	[[ -n $dir ]] || die "cargo metadata did not name the target directory"
	printf '%s\n' "$dir"
}

# Compiler target of components, and where cargo puts them below its target directory.
WASM_TARGET=wasm32-wasip2
COMPONENTS=$WASM_TARGET/wasm

# Builds components with the profile of the shipped ones. Arguments go to `cargo build`.
build_components() { cargo build --profile wasm --target "$WASM_TARGET" "$@"; }

# Builds the development server at <target directory>/debug/triggerhouse and compiles nothing that `make test` compiles
# differently. Cargo chooses the features of dependencies for all packages of a command, so this command names the same
# packages. There are no examples: --examples makes cargo count the features of dev-dependencies, as tests do.
build_server() { cargo build --workspace --exclude triggerhouse-tests --bins --examples; }

# Installs Debian packages, or dies with the command to run where that takes root or another package manager.
# $1: the missing tool, in words; the rest: the packages that contain it.
apt_install() {
	local what=$1
	shift
	if ! have apt-get || [[ $(id -u) != 0 ]]; then
		die "$what is missing and cannot be installed from here (that takes root and apt-get).
Install it yourself; on Debian and Ubuntu: sudo apt-get install $*"
	fi
	say "installing $* (for $what)"
	# RUNLEVEL=1 keeps a package from starting its service: the scripts start private instances.
	export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
	local log
	log=$(mktemp)
	if ! { apt-get install -y --no-install-recommends "$@" ||
		{ apt-get update && apt-get install -y --no-install-recommends "$@"; }; } >"$log" 2>&1 </dev/null; then
		tail -n 20 "$log" >&2
		rm -f "$log"
		die "apt-get could not install $*"
	fi
	rm -f "$log"
}

# Milliseconds since the epoch. Bash before 5.0 has whole seconds only.
now_ms() {
	if [[ -n ${EPOCHREALTIME:-} ]]; then
		local us=${EPOCHREALTIME/[.,]/}
		printf '%s\n' "${us%???}"
	else
		printf '%s000\n' "$(date +%s)"
	fi
}

# Succeeds when a process accepts connections on 127.0.0.1:$1.
port_is_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Prints a free port below the range from which the kernel picks ports for clients.
# Another process may take the port before the caller binds it: retry with another port where possible.
free_port() {
	local port
	for _ in {1..100}; do
		port=$((20000 + RANDOM % 12000))
		port_is_open "$port" || {
			printf '%s\n' "$port"
			return
		}
	done
	die "found no free port on 127.0.0.1"
}

# Sends $2 (a printf format) to 127.0.0.1:$1 and prints the first line of the answer, or nothing.
# Starts no process, so the elapsed time is the server's and not curl's.
ask() {
	(
		exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 0
		# shellcheck disable=SC2059 # $2 contains escapes
		printf "$2" >&3
		# Read the whole answer: the server logs an error when a client hangs up early.
		read -r -t 2 line <&3 && printf '%s\n' "$line"
		while read -r -t 2 line <&3; do :; done
	) 2>/dev/null || true
}

# Waits until GET /readyz on 127.0.0.1:$1 answers 200. Fails when process $2 ends or after $3 seconds.
wait_ready() {
	local port=$1 pid=$2 deadline status
	deadline=$(($(now_ms) + $3 * 1000))
	while (($(now_ms) < deadline)); do
		kill -0 "$pid" 2>/dev/null || return 1
		status=$(ask "$port" 'GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n')
		[[ $status == *" 200 "* ]] && return 0
		sleep 0.005
	done
	return 1
}

# Sends SIGTERM to process $1 (a child of this shell), and SIGKILL after $2 seconds.
# Returns the status of the process: 137 after SIGKILL.
stop_process() {
	local pid=$1 deadline
	deadline=$(($(now_ms) + $2 * 1000))
	kill -TERM "$pid" 2>/dev/null || true
	while kill -0 "$pid" 2>/dev/null && (($(now_ms) < deadline)); do sleep 0.05; done
	kill -KILL "$pid" 2>/dev/null || true
	local status=0
	wait "$pid" 2>/dev/null || status=$?
	return "$status"
}

# Prints the first string or number called $1 in the JSON on stdin, with quotes and slashes unescaped.
# Not a JSON parser: it suffices for answers that have the field at their top level.
json_field() {
	local json pattern="\"$1\"[[:space:]]*:[[:space:]]*(\"(([^\"\\\\]|\\\\.)*)\"|[^][{},\"[:space:]]+)"
	json=$(cat)
	[[ $json =~ $pattern ]] || return 0
	if [[ ${BASH_REMATCH[1]} == \"* ]]; then
		printf '%s\n' "${BASH_REMATCH[2]}" | sed 's/\\\(["\\/]\)/\1/g'
	else
		printf '%s\n' "${BASH_REMATCH[1]}"
	fi
}
