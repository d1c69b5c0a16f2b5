#!/usr/bin/env bash
# Private PostgreSQL and Redis servers for tests and benchmarks: own directory, own free ports, gone afterwards.
#
#   services.sh up [--fast]                  starts them and prints `export …` lines for eval
#   services.sh down DIR                     stops what `up` started (its TRIGGERHOUSE_SERVICES_DIR), removes DIR
#   services.sh restart-postgres DIR         ends the Postgres that `up` started as a crash would, and starts it again
#   services.sh run [--fast] -- CMD [ARG…]   starts them, runs CMD with the exports, stops them; CMD's status
#
# --fast gives up durability for speed (fsync off, and more connections): for tests.
# Without it Postgres runs with its default configuration on a real disk: for benchmarks.
# CMD's standard input is /dev/null, because CMD runs in a process group of its own so that it can be stopped whole.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

SELF=$PROJECT_ROOT/scripts/services.sh
# `down` removes a directory only when this file says that `up` made it.
MARKER=.triggerhouse-services
START_TIMEOUT_S=60

usage() {
	sed -n '2,/^source/{/^source/d;s/^# \{0,1\}//;p;}' "${BASH_SOURCE[0]}" >&2
	exit 2
}

# --- where ------------------------------------------------------------------

is_in_memory() {
	case $(stat -f -c %T "$1" 2>/dev/null || echo unknown) in
	tmpfs | ramfs) return 0 ;;
	*) return 1 ;;
	esac
}

# A durable run in memory would measure nothing, so it looks for a disk.
# Not inside the project: a home directory is often closed to the user whom Postgres runs as.
make_directory() {
	local fast=$1 parent
	for parent in "${TMPDIR:-/tmp}" /tmp /var/tmp; do
		[[ -d $parent && -w $parent ]] || continue
		[[ $fast == 1 ]] || ! is_in_memory "$parent" || continue
		local dir
		dir=$(mktemp -d "${parent%/}/triggerhouse.XXXXXX")
		chmod 711 "$dir"
		: >"$dir/$MARKER"
		printf '%s\n' "$dir"
		return
	done
	die "found no directory on a disk (looked at TMPDIR, /tmp and /var/tmp): set TMPDIR to one"
}

# --- PostgreSQL -------------------------------------------------------------

# The directory that has initdb, postgres and pg_ctl; distributions keep them out of PATH. The newest wins.
find_postgres() {
	local candidate candidates
	candidates=$(
		if have initdb; then dirname "$(readlink -f "$(command -v initdb)")"; fi
		if have pg_config; then pg_config --bindir; fi
		printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin \
			/usr/local/opt/postgresql*/bin /usr/local/pgsql/bin | sort -V -r
	)
	while read -r candidate; do
		if [[ -x $candidate/initdb && -x $candidate/postgres && -x $candidate/pg_ctl ]]; then
			printf '%s\n' "$candidate"
			return
		fi
	done <<<"$candidates"
}

# Postgres refuses to run as root. The working directory may be closed to the other user, so leave it.
as_postgres_user() {
	if [[ $(id -u) != 0 ]]; then
		"$@"
	elif have runuser; then
		(cd / && runuser -u postgres -- "$@")
	else
		(cd / && su -s /bin/sh postgres -c "$(printf '%q ' "$@")")
	fi
}

ensure_postgres_user() {
	[[ $(id -u) == 0 ]] || return 0
	id postgres >/dev/null 2>&1 && return
	have useradd || die "running as root, and there is no user postgres to run PostgreSQL as, nor useradd to make one"
	useradd --system --no-create-home --shell /usr/sbin/nologin postgres ||
		die "could not create the user postgres, whom PostgreSQL runs as"
}

# Prints the port. Another process may take a free port first, so try a few.
start_postgres() {
	local dir=$1 fast=$2 bin=$3 data=$1/postgres log=$1/postgres.log port
	mkdir "$data"
	: >"$log"
	if [[ $(id -u) == 0 ]]; then chown postgres "$data" "$log"; fi
	chmod 700 "$data"

	# The C locale makes indexes and sorting the same on every machine.
	local -a initdb=(--pgdata="$data" --username=postgres --auth=trust --encoding=UTF8 --locale=C)
	if [[ $fast == 1 ]]; then initdb+=(--no-sync); fi
	as_postgres_user "$bin/initdb" "${initdb[@]}" >"$dir/initdb.log" 2>&1 || {
		cat "$dir/initdb.log" >&2
		die "initdb failed"
	}

	{
		echo "listen_addresses = '127.0.0.1'"
		echo "unix_socket_directories = '$data'"
		if [[ $fast == 1 ]]; then
			echo "fsync = off"
			echo "synchronous_commit = off"
			echo "full_page_writes = off"
			# Tests run in parallel, each with pools of its own.
			echo "max_connections = 300"
		fi
	} | as_postgres_user tee -a "$data/postgresql.conf" >/dev/null

	for _ in {1..5}; do
		port=$(free_port)
		# pg_ctl leaves a server behind that keeps every open descriptor: give it none of ours.
		if as_postgres_user "$bin/pg_ctl" start --pgdata="$data" --log="$log" --wait --timeout="$START_TIMEOUT_S" \
			--options="-p $port" >/dev/null 2>&1 </dev/null 9>&-; then
			printf '%s\n' "$port"
			return
		fi
		grep -q 'Address already in use' "$log" || break
		as_postgres_user truncate -s 0 "$log"
	done
	cat "$log" >&2
	die "PostgreSQL did not start"
}

stop_postgres() {
	local data=$1/postgres bin pid
	[[ -f $data/postmaster.pid ]] || return 0
	pid=$(head -n 1 "$data/postmaster.pid")
	bin=$(cat "$1/postgres.bin")
	# Its files go next, so it need not write them out first.
	as_postgres_user "$bin/pg_ctl" stop --pgdata="$data" --mode=immediate --wait --timeout=20 >/dev/null 2>&1 </dev/null && return
	say "PostgreSQL (process $pid) did not stop by itself and is killed"
	kill -KILL "$pid" 2>/dev/null || true
}

restart_postgres() {
	local data=$1/postgres bin
	[[ -f $1/$MARKER ]] || die "$1 was not made by services.sh up"
	bin=$(cat "$1/postgres.bin")
	as_postgres_user "$bin/pg_ctl" restart --pgdata="$data" --log="$1/postgres.log" --mode=immediate --wait \
		--timeout="$START_TIMEOUT_S" >/dev/null 2>&1 </dev/null || die "PostgreSQL did not start again"
}

# --- Redis ------------------------------------------------------------------

find_redis() { command -v redis-server || command -v valkey-server || true; }

redis_answers() { [[ $(ask "$1" 'PING\r\nQUIT\r\n') == *PONG* ]]; }

start_redis() {
	local dir=$1 bin=$2 port deadline
	mkdir "$dir/redis"
	for _ in {1..5}; do
		port=$(free_port)
		# Nothing that a test writes is worth a file.
		"$bin" --port "$port" --bind 127.0.0.1 --dir "$dir/redis" --save '' --appendonly no --daemonize yes \
			--pidfile "$dir/redis.pid" --logfile "$dir/redis.log" >/dev/null 2>&1 </dev/null 9>&- || continue
		deadline=$(($(now_ms) + 5000))
		while (($(now_ms) < deadline)); do
			if [[ -f $dir/redis.pid ]] && redis_answers "$port"; then
				printf '%s\n' "$port"
				return
			fi
			sleep 0.05
		done
	done
	cat "$dir/redis.log" >&2 2>/dev/null || true
	die "Redis did not start"
}

stop_redis() {
	local pid
	# Redis removes the file when it ends, so what stands there is ours.
	[[ -f $1/redis.pid ]] || return 0
	pid=$(cat "$1/redis.pid")
	kill -TERM "$pid" 2>/dev/null || return 0
	for _ in {1..100}; do
		kill -0 "$pid" 2>/dev/null || return 0
		sleep 0.05
	done
	kill -KILL "$pid" 2>/dev/null || true
}

# --- both -------------------------------------------------------------------

# Starts both in directory $1; `--fast` when $2 is 1. Prints the exports.
start_all() {
	local dir=$1 fast=$2 postgres redis postgres_port redis_port
	postgres=$(find_postgres)
	if [[ -z $postgres ]]; then
		apt_install "a PostgreSQL server" postgresql
		postgres=$(find_postgres)
		[[ -n $postgres ]] || die "PostgreSQL is installed, but initdb, postgres and pg_ctl were not found"
	fi
	redis=$(find_redis)
	if [[ -z $redis ]]; then
		apt_install "a Redis server" redis-server
		redis=$(find_redis)
		[[ -n $redis ]] || die "Redis is installed, but redis-server was not found"
	fi
	ensure_postgres_user
	# `down` must use the same installation.
	printf '%s\n' "$postgres" >"$dir/postgres.bin"
	postgres_port=$(start_postgres "$dir" "$fast" "$postgres") || exit 1
	redis_port=$(start_redis "$dir" "$redis") || exit 1
	cat <<-EXPORTS
		export TRIGGERHOUSE_SERVICES_DIR=$dir
		export TRIGGERHOUSE_TEST_POSTGRES_URL=postgres://postgres@127.0.0.1:$postgres_port/postgres
		export TRIGGERHOUSE_TEST_REDIS_URL=redis://127.0.0.1:$redis_port
	EXPORTS
}

stop_all() {
	local dir=$1
	[[ -f $dir/$MARKER ]] || die "$dir was not made by services.sh up: nothing is stopped or removed"
	stop_redis "$dir"
	stop_postgres "$dir"
	rm -rf "$dir"
}

up() {
	local fast=0 dir exports
	if [[ ${1:-} == --fast ]]; then
		fast=1
		shift
	fi
	[[ $# == 0 ]] || usage
	dir=$(make_directory "$fast") || exit 1
	if ! exports=$(start_all "$dir" "$fast"); then
		stop_all "$dir"
		exit 1
	fi
	printf '%s\n' "$exports"
}

# Holds no resource but a pipe: when the process that holds its other end is gone, however it went, stops the servers.
guard() {
	trap '' INT TERM HUP
	cat "$1/alive" >/dev/null
	stop_all "$1"
}

run() {
	local fast=0 dir exports guard_pid cmd_pid='' status=0
	if [[ ${1:-} == --fast ]]; then
		fast=1
		shift
	fi
	[[ ${1:-} == -- && $# -gt 1 ]] || usage
	shift

	dir=$(make_directory "$fast") || exit 1
	mkfifo "$dir/alive"
	# Job control gives each a process group of its own: the guard outlives a Ctrl-C, the command can be stopped whole.
	set -m
	"$SELF" guard "$dir" </dev/null &
	guard_pid=$!
	set +m
	exec 9>"$dir/alive"
	# However this process ends, descriptor 9 closes and the guard cleans up; a regular end waits for that.
	# shellcheck disable=SC2064 # the process is known now and the variable is local
	trap "exec 9>&-; wait $guard_pid || true" EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM

	exports=$(start_all "$dir" "$fast")
	eval "$exports"

	set -m
	"$@" </dev/null 9>&- &
	cmd_pid=$!
	set +m
	# shellcheck disable=SC2064
	{
		trap "stop_group $cmd_pid HUP; exit 129" HUP
		trap "stop_group $cmd_pid INT; exit 130" INT
		trap "stop_group $cmd_pid TERM; exit 143" TERM
	}
	wait "$cmd_pid" || status=$?
	exit "$status"
}

# Passes a signal on to the command and all it started, and gives them a while to end.
stop_group() {
	kill "-$2" -- "-$1" 2>/dev/null || true
	for _ in {1..200}; do
		kill -0 -- "-$1" 2>/dev/null || return 0
		sleep 0.05
	done
	kill -KILL -- "-$1" 2>/dev/null || true
}

[[ $# -gt 0 ]] || usage
command=$1
shift
case $command in
up) up "$@" ;;
down)
	[[ $# == 1 ]] || usage
	stop_all "$1"
	;;
restart-postgres)
	[[ $# == 1 ]] || usage
	restart_postgres "$1"
	;;
run) run "$@" ;;
guard) guard "$1" ;; # started by `run` only
*) usage ;;
esac
