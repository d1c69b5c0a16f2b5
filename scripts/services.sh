#!/usr/bin/env bash
# Private PostgreSQL and Redis servers for tests and benchmarks, in a temporary directory and on free ports.
#
#   services.sh up [--fast]                  starts them and prints `export …` lines for eval
#   services.sh down DIR                     stops the servers of `up` (its TRIGGERHOUSE_SERVICES_DIR), removes DIR
#   services.sh restart-postgres DIR         crashes the Postgres of `up` or `run`, and starts it again
#   services.sh standby DIR                  starts a standby of the Postgres of `up`, and prints `export …` lines; `down` stops it
#   services.sh promote DIR                  makes a standby take writes
#   services.sh run [--fast] -- CMD [ARG…]   starts them, runs CMD with the exports, stops them; returns CMD's status
#
# --fast trades durability for speed (fsync off) and allows more connections: for tests.
# Without it Postgres runs with its default configuration on a real disk: for benchmarks.
# CMD runs in a process group of its own, so that `run` can stop all of it; its standard input is /dev/null.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

SELF=$PROJECT_ROOT/scripts/services.sh
# A file that marks a directory of `up`: `down` removes no other directory.
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

# Prints a new directory; without --fast ($1 is 0) on a disk, since a commit to memory is no durable commit.
# Not inside the project: the user that runs Postgres often cannot enter a home directory.
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

# Prints the directory of initdb, postgres and pg_ctl, which distributions keep out of PATH. The newest version wins.
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

# Runs a command as a user other than root, which Postgres refuses. That user may not be able to enter this directory.
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
	have useradd || die "PostgreSQL does not run as root: create a user postgres (useradd is missing here)"
	useradd --system --no-create-home --shell /usr/sbin/nologin postgres ||
		die "could not create the user postgres, which runs PostgreSQL"
}

# Starts Postgres and prints its port. Another process may take a free port first, so this tries several.
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
			# Tests run in parallel, each with its own pools.
			echo "max_connections = 300"
		fi
	} | as_postgres_user tee -a "$data/postgresql.conf" >/dev/null

	for _ in {1..5}; do
		port=$(free_port)
		# The server would keep descriptor 9 open, and `run` waits for that to close.
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
	# Its files are deleted next, so it need not write them out.
	as_postgres_user "$bin/pg_ctl" stop --pgdata="$data" --mode=immediate --wait --timeout=20 >/dev/null 2>&1 </dev/null && return
	say "PostgreSQL (process $pid) did not stop and is killed"
	kill -KILL "$pid" 2>/dev/null || true
}

restart_postgres() {
	local data=$1/postgres bin
	[[ -f $1/$MARKER ]] || die "services.sh did not create $1"
	bin=$(cat "$1/postgres.bin")
	as_postgres_user "$bin/pg_ctl" restart --pgdata="$data" --log="$1/postgres.log" --mode=immediate --wait \
		--timeout="$START_TIMEOUT_S" >/dev/null 2>&1 </dev/null || die "PostgreSQL did not start again"
}

# Starts a server in directory $2 that follows the one in directory $1, and prints the exports.
start_standby() {
	local primary=$1 dir=$2 bin data=$2/postgres log=$2/postgres.log port
	[[ -f $primary/$MARKER ]] || die "services.sh did not create $primary"
	bin=$(cat "$primary/postgres.bin")
	printf '%s\n' "$bin" >"$dir/postgres.bin"
	mkdir "$data"
	: >"$log"
	if [[ $(id -u) == 0 ]]; then chown postgres "$data" "$log"; fi
	chmod 700 "$data"
	port=$(sed -n 4p "$primary/postgres/postmaster.pid")
	as_postgres_user "$bin/pg_basebackup" --pgdata="$data" --host=127.0.0.1 --port="$port" --username=postgres \
		--checkpoint=fast --wal-method=stream --write-recovery-conf >"$dir/basebackup.log" 2>&1 || {
		cat "$dir/basebackup.log" >&2
		die "pg_basebackup failed"
	}
	echo "unix_socket_directories = '$data'" | as_postgres_user tee -a "$data/postgresql.conf" >/dev/null
	port=$(free_port)
	as_postgres_user "$bin/pg_ctl" start --pgdata="$data" --log="$log" --wait --timeout="$START_TIMEOUT_S" \
		--options="-p $port" >/dev/null 2>&1 </dev/null 9>&- || {
		cat "$log" >&2
		die "the standby did not start"
	}
	cat <<-EXPORTS
		export TRIGGERHOUSE_SERVICES_DIR=$dir
		export TRIGGERHOUSE_TEST_POSTGRES_URL=postgres://postgres@127.0.0.1:$port/postgres
	EXPORTS
}

standby() {
	local dir exports
	dir=$(make_directory 0) || exit 1
	if ! exports=$(start_standby "$1" "$dir"); then
		stop_all "$dir"
		exit 1
	fi
	printf '%s\n' "$exports"
}

promote() {
	[[ -f $1/$MARKER ]] || die "services.sh did not create $1"
	as_postgres_user "$(cat "$1/postgres.bin")/pg_ctl" promote --pgdata="$1/postgres" --wait \
		--timeout="$START_TIMEOUT_S" >/dev/null 2>&1 </dev/null || die "the standby was not promoted"
}

# --- Redis ------------------------------------------------------------------

find_redis() { command -v redis-server || command -v valkey-server || true; }

redis_answers() { [[ $(ask "$1" 'PING\r\nQUIT\r\n') == *PONG* ]]; }

start_redis() {
	local dir=$1 bin=$2 port deadline
	mkdir "$dir/redis"
	for _ in {1..5}; do
		port=$(free_port)
		# Tests need no durable Redis: it writes no files.
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
	# Redis removes the file when it ends, so the process id in it is current.
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

# Starts both in directory $1, with --fast when $2 is 1. Prints the exports.
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
	# `down` must use the same version.
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
	[[ -f $dir/$MARKER ]] || die "services.sh did not create $dir: nothing is stopped or removed"
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

# Stops the servers as soon as the pipe's other end closes, which happens however `run` ends.
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
	# Job control puts each job in its own process group: Ctrl-C does not reach the guard, and the command can be stopped whole.
	set -m
	"$SELF" guard "$dir" </dev/null &
	guard_pid=$!
	set +m
	exec 9>"$dir/alive"
	# When this process ends, descriptor 9 closes and the guard cleans up. A regular exit waits for that.
	# shellcheck disable=SC2064 # expand now: the variable is local
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

# Sends signal $2 to process group $1 and waits for it to end; kills it after 10 s.
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
standby)
	[[ $# == 1 ]] || usage
	standby "$1"
	;;
promote)
	[[ $# == 1 ]] || usage
	promote "$1"
	;;
run) run "$@" ;;
guard) guard "$1" ;; # internal: `run` starts it
*) usage ;;
esac
