# Shared by the scripts beside it: `source "$(dirname "$0")/lib.sh"`.
# Everything here is plain bash, because the scripts run before anything else is installed.
# shellcheck shell=bash

set -euo pipefail
# Without it a failure inside $(…) goes unnoticed.
shopt -s inherit_errexit 2>/dev/null || true

# Every script works from the project's top level, wherever it was called from.
PROJECT_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Progress and errors go to stderr: stdout belongs to what a caller may want to read.
say() { printf '%s\n' "$*" >&2; }
die() {
	printf 'error: %s\n' "$*" >&2
	exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# cargo alone knows where it builds: the environment, a config file or the default may say.
target_dir() {
	local dir
	dir=$(cd "$PROJECT_ROOT" && cargo metadata --no-deps --format-version 1 |
		sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
	[[ -n $dir ]] || die "cargo metadata did not name the target directory"
	printf '%s\n' "$dir"
}

# Runs apt-get where that is possible; says what is missing where it is not.
# $1: what is needed, in words; the rest: Debian packages that bring it.
apt_install() {
	local what=$1
	shift
	if ! have apt-get || [[ $(id -u) != 0 ]]; then
		die "$what is missing and cannot be installed from here (that takes root and apt-get).
Install it yourself; on Debian and Ubuntu: sudo apt-get install $*"
	fi
	say "installing $* (for $what)"
	# A package's own service would only cost memory, private instances are used: RUNLEVEL=1 keeps it from starting.
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

# Milliseconds since the epoch; whole seconds on a bash too old to have a finer clock (before 5.0).
now_ms() {
	if [[ -n ${EPOCHREALTIME:-} ]]; then
		local us=${EPOCHREALTIME/[.,]/}
		printf '%s\n' "${us%???}"
	else
		printf '%s000\n' "$(date +%s)"
	fi
}

# True when something accepts connections on 127.0.0.1:$1.
port_is_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A port nobody listens on, below the range from which the kernel picks ports for clients.
# Another process may take it before its user binds it, so whoever can should try again with another.
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

# Sends $2 (as printf understands it) to 127.0.0.1:$1 and prints the first line of the answer, nothing without one.
# No process is started for it, so that the time it takes is the server's and not curl's.
ask() {
	(
		exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 0
		# shellcheck disable=SC2059 # the caller's escapes are meant
		printf "$2" >&3
		# The whole answer is read: a server that is cut off would log an error.
		read -r -t 2 line <&3 && printf '%s\n' "$line"
		while read -r -t 2 line <&3; do :; done
	) 2>/dev/null || true
}

# Waits until GET /readyz on 127.0.0.1:$1 answers 200; fails when process $2 ends or $3 seconds have passed.
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

# Stops process $1 (a child of this shell) as an operator would; kills it when it has not ended after $2 seconds.
# Returns the process's status, or 137 after a kill.
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

# The first string or number called $1 in the JSON on stdin, unescaped as far as a line of text needs it.
# Enough for the scripts' own requests, whose answers have such a field at their top; not a JSON parser.
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
