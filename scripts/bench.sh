#!/usr/bin/env bash
# Measures the server on Postgres (default configuration, durable) and on SQLite, each figure beside a limit that was
# measured in the same run: a bare HTTP server, a bare group-commit writer, and hand-written SQL.
#
# BENCH_SECONDS      how long each load lasts (10)
# BENCH_CONNECTIONS  at how many connections (32)
#
# Server, database and load generator share this machine's cores: compare ratios, not machines.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$PROJECT_ROOT"

BENCH_SECONDS=${BENCH_SECONDS:-10}
BENCH_CONNECTIONS=${BENCH_CONNECTIONS:-32}
LOAD_THREADS=2
# Enough that the same body comes back only long after it has left every cache.
PAYLOADS=20000
SETTLE_ROWS=20000
LATENCY_SAMPLES=50
# A part of what the inbox of a busy host holds, and a load that leaves the machine some room.
OLD_ROWS=${BENCH_OLD_ROWS:-1000000}
RETENTION_CONNECTIONS=4
DRAIN_TIMEOUT_S=$((60 + 10 * BENCH_SECONDS))
READY_TIMEOUT_S=30
STOP_TIMEOUT_S=30

((BASH_VERSINFO[0] >= 5)) || die "the benchmark needs bash 5 for its clock"

if [[ ${1:-} != --with-services ]]; then
	[[ $# == 0 ]] || die "usage: scripts/bench.sh (BENCH_SECONDS and BENCH_CONNECTIONS come from the environment)"
	have curl || die "curl is missing: install it to run the benchmark"
	have wrk || apt_install "the load generator wrk" wrk
	scripts/setup.sh
	scripts/build-providers.sh
	cargo build --release -p triggerhouse -p triggerhouse-tests --bins
	exec scripts/services.sh run -- scripts/bench.sh --with-services
fi

built=$(target_dir)
triggerhouse=$built/release/triggerhouse
limits=$built/release/bench_limits
postgres_url=$TRIGGERHOUSE_TEST_POSTGRES_URL
redis_url=$TRIGGERHOUSE_TEST_REDIS_URL
services=$TRIGGERHOUSE_SERVICES_DIR
# On the same disk as Postgres, and removed with it.
dir=$services/bench
mkdir "$dir"

# What this shell is set up for must not change what is measured.
for name in "${!TRIGGERHOUSE_@}"; do unset "$name"; done
TRIGGERHOUSE_MASTER_KEY=$(head -c 32 /dev/urandom | base64)
export TRIGGERHOUSE_MASTER_KEY
# One source sends more than any service does.
export TRIGGERHOUSE_INGRESS_SOURCE_PER_SECOND=0 TRIGGERHOUSE_INGRESS_ORGANIZATION_PER_SECOND=0
# Otherwise the process before has looked, and nobody looks again for as long as is measured.
export TRIGGERHOUSE_RETENTION_EVERY_SECONDS=1

process=''
endpoint=''
log=/dev/null
finish() {
	local status=$?
	[[ -z $endpoint ]] || kill "$endpoint" 2>/dev/null || true
	[[ -z $process ]] || stop_process "$process" "$STOP_TIMEOUT_S" || true
	if ((status != 0)) && [[ -s $log ]]; then
		say "The last lines of the process that was measured:"
		tail -n 20 "$log" >&2
	fi
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# --- tools ------------------------------------------------------------------

# The value of $1 in a line of name=value pairs on stdin.
value() {
	local line
	line=$(cat)
	[[ " $line " =~ [[:space:]]$1=([^[:space:]]+) ]] || die "there is no $1 in: $line"
	printf '%s\n' "${BASH_REMATCH[1]}"
}

# start NAME DIRECTORY COMMAND…: runs it there in the background, waits until it is ready on $port.
# Sets process and ready_ms.
start() {
	local started work=$2
	log=$dir/$1.log
	shift 2
	started=$(now_ms)
	(cd "$work" && exec "$@") >>"$log" 2>&1 </dev/null &
	process=$!
	wait_ready "$port" "$process" "$READY_TIMEOUT_S" || die "not ready within $READY_TIMEOUT_S s: $*"
	ready_ms=$(($(now_ms) - started))
}

stop() {
	local status=0
	stop_process "$process" "$STOP_TIMEOUT_S" || status=$?
	process=''
	# A limit has no graceful end (143: ended by the signal); a server that has none is a fault.
	[[ $status == 0 || ($status == 143 && $1 == limit) ]] || die "the process that was measured ended with status $status"
}

rss_mb() {
	local kb
	if [[ -r /proc/$process/status ]]; then
		kb=$(awk '/^VmRSS:/ { print $2 }' "/proc/$process/status")
	else
		kb=$(ps -o rss= -p "$process")
	fi
	echo $(((kb + 512) / 1024))
}

# load URL PAYLOADS: the line that tests/bench/signed.lua ends with.
load() {
	local report
	report=$(timeout $((BENCH_SECONDS + 60)) wrk -t"$LOAD_THREADS" -c"$BENCH_CONNECTIONS" -d"${BENCH_SECONDS}s" --latency \
		-s tests/bench/signed.lua "$1" -- "$2" "$LOAD_THREADS" </dev/null) || die "wrk failed: $report"
	report=$(grep '^acks=' <<<"$report") || die "wrk reported nothing"
	local bad
	bad="$(value not_ok <<<"$report") $(value broken <<<"$report")"
	[[ $bad == "0 0" ]] || say "  NOT CLEAN: answers other than success, and broken connections: $bad"
	printf '%s\n' "$report"
}

percent() { awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.0f %%", 100 * a / b; else print "-" }'; }

rows=()
# row WHAT MEASURED LIMIT RATIO WANTED
row() { rows+=("$(printf '%-42s %12s %12s %8s   %s' "$@")"); }
heading() { rows+=("" "$1"); }

print_table() {
	echo
	printf '%-42s %12s %12s %8s   %s\n' "" measured limit ratio wanted
	printf '%s\n' "${rows[@]}"
	echo
	echo "$BENCH_CONNECTIONS connections for $BENCH_SECONDS s, signed and all different payloads of 8 kB, durable commits;" \
		"$(nproc 2>/dev/null || echo '?') cores shared by server, database and load generator."
}

# --- limits -----------------------------------------------------------------

port=$(free_port)
secret=bench-limits
"$limits" payloads --count "$PAYLOADS" --secret "$secret" --out "$dir/limits.payloads" >/dev/null

say "limit: bare HTTP server"
start bare "$PROJECT_ROOT" "$limits" bare --listen "127.0.0.1:$port" --secret "$secret"
bare=$(load "http://127.0.0.1:$port/hook" "$dir/limits.payloads")
stop limit
say "  $bare"

# limit_writer DATABASE_URL: the load's report
limit_writer() {
	local report
	start writer "$PROJECT_ROOT" "$limits" writer --listen "127.0.0.1:$port" --secret "$secret" --database-url "$1"
	report=$(load "http://127.0.0.1:$port/hook" "$dir/limits.payloads")
	stop limit
	limit=$report
}

# A fresh Postgres has to make its log files first, a running one uses them again.
# Without this only whatever is measured first would pay for them.
say "warming up Postgres"
limit_writer "$postgres_url"

say "limit: bare group-commit writer"
limit_writer "$postgres_url"
writer_postgres=$limit
say "  Postgres: $writer_postgres"
limit_writer "sqlite://$dir/writer.db"
writer_sqlite=$limit
say "  SQLite:   $writer_sqlite"
rm "$dir/limits.payloads" "$dir"/writer.db*

say "limit: hand-written SQL settle"
settle_postgres=$("$limits" settle --database-url "$postgres_url" --count "$SETTLE_ROWS")
say "  Postgres: $settle_postgres"
settle_sqlite=$("$limits" settle --database-url "sqlite://$dir/settle.db" --count "$SETTLE_ROWS")
say "  SQLite:   $settle_sqlite"
rm "$dir"/settle.db*

heading "Limits"
row "bare HTTP server, acks/s" "$(value acks_per_s <<<"$bare")" "" "" ""
row "  p50, p99 ms" "$(value p50_ms <<<"$bare"), $(value p99_ms <<<"$bare")" "" "" ""
row "group-commit writer on Postgres, acks/s" "$(value acks_per_s <<<"$writer_postgres")" "" "" ""
row "  p50, p99 ms" "$(value p50_ms <<<"$writer_postgres"), $(value p99_ms <<<"$writer_postgres")" "" "" ""
row "group-commit writer on SQLite, acks/s" "$(value acks_per_s <<<"$writer_sqlite")" "" "" ""
row "  p50, p99 ms" "$(value p50_ms <<<"$writer_sqlite"), $(value p99_ms <<<"$writer_sqlite")" "" "" ""
row "SQL settle on Postgres, rows/s" "$(value rows_per_s <<<"$settle_postgres")" "" "" ""
row "SQL settle on SQLite, rows/s" "$(value rows_per_s <<<"$settle_sqlite")" "" "" ""

# --- the server -------------------------------------------------------------

# new_key ORGANIZATION DATABASE_URL: sets key.
new_key() {
	key=$("$triggerhouse" keys create --org "$1" --name bench --database-url "$2" 2>"$dir/commands.log" |
		grep -o 'th_[A-Za-z0-9_-]*' | head -n 1) || die "triggerhouse keys create printed no key: $(cat "$dir/commands.log")"
}

# create PATH BODY: the server's answer
create() {
	curl --silent --show-error --fail-with-body --max-time 30 --header "authorization: Bearer $key" \
		--header 'content-type: application/json' "http://127.0.0.1:$port$1" --data "$2" || die "POST $1 failed"
}

# A trigger of the organization whose key is set; sets hook and secret.
new_hook() {
	local created
	created=$(create /v1/triggers '{"name":"bench","provider":"github","kind":"webhook","config":{"events":["issues.opened"]}}')
	hook=$(json_field webhook_url <<<"$created")
	secret=$(json_field webhook_secret <<<"$created")
	[[ -n $hook && -n $secret ]] || die "creating a trigger answered without webhook_url or webhook_secret: $created"
}

# measure NAME DATABASE_URL WRITER SETTLE: the last two are the limits' reports. Leaves key, hook and secret set.
measure() {
	local name=$1 url=$2 ingress_limit drain_limit
	ingress_limit=$(value acks_per_s <<<"$3")
	drain_limit=$(value rows_per_s <<<"$4")
	local latency idle_mb alone drain both drain_both
	local -a serve=("$triggerhouse" serve --listen "127.0.0.1:$port" --database-url "$url" --providers "$PROJECT_ROOT/target/providers")

	say "$name: start"
	"$triggerhouse" migrate --database-url "$url" >"$dir/commands.log" 2>&1 ||
		die "triggerhouse migrate failed: $(cat "$dir/commands.log")"
	new_key default "$url"
	# The first start compiles the components, the second finds them compiled.
	start "$name" "$dir" "${serve[@]}"
	stop server
	start "$name" "$dir" "${serve[@]}"
	idle_mb=$(rss_mb)

	new_hook

	say "$name: latency when idle"
	latency=$("$limits" latency --url "http://127.0.0.1:$port" --key "$key" --hook "$hook" --secret "$secret" --count "$LATENCY_SAMPLES")
	say "  $latency"
	local ready=$ready_ms
	stop server

	say "$name: ingress alone"
	"$limits" payloads --count "$PAYLOADS" --secret "$secret" --out "$dir/$name.payloads" >/dev/null
	start "$name" "$dir" "${serve[@]}" --roles ingress,api
	alone=$(load "$hook" "$dir/$name.payloads")
	stop server
	say "  $alone"

	say "$name: drain of what it stored"
	start "$name" "$dir" "${serve[@]}"
	drain=$("$limits" drain --database-url "$url" --timeout-seconds "$DRAIN_TIMEOUT_S")
	say "  $drain"
	[[ $(value backlog <<<"$drain") != 0 ]] || say "  NOT MEASURED: ingress left no backlog to drain"

	say "$name: ingress while workers drain"
	both=$(load "$hook" "$dir/$name.payloads")
	say "  $both"
	drain_both=$("$limits" drain --database-url "$url" --timeout-seconds "$DRAIN_TIMEOUT_S")
	say "  $drain_both"
	local loaded_mb
	loaded_mb=$(rss_mb)
	stop server
	rm "$dir/$name.payloads"

	heading "Triggerhouse on $name"
	row "ingress alone, acks/s" "$(value acks_per_s <<<"$alone")" "$ingress_limit" \
		"$(percent "$(value acks_per_s <<<"$alone")" "$ingress_limit")" '>= 80 %'
	row "  p50, p99 ms" "$(value p50_ms <<<"$alone"), $(value p99_ms <<<"$alone")" "" "" "p99 < 5"
	row "  not answered 200, broken connections" "$(value not_ok <<<"$alone"), $(value broken <<<"$alone")" "" "" "0, 0"
	row "drain, rows/s" "$(value rows_per_s <<<"$drain")" "$drain_limit" \
		"$(percent "$(value rows_per_s <<<"$drain")" "$drain_limit")" '>= 35 %'
	row "  left after ${DRAIN_TIMEOUT_S} s, of" "$(value left <<<"$drain"), $(value backlog <<<"$drain")" "" "" "0"
	row "ingress while workers drain, acks/s" "$(value acks_per_s <<<"$both")" "" "" ""
	row "  p50, p99 ms" "$(value p50_ms <<<"$both"), $(value p99_ms <<<"$both")" "" "" ""
	row "  not answered 200, broken connections" "$(value not_ok <<<"$both"), $(value broken <<<"$both")" "" "" "0, 0"
	row "ack to outbox when idle, p50, p99 ms" \
		"$(value ack_to_outbox_p50_ms <<<"$latency"), $(value ack_to_outbox_p99_ms <<<"$latency")" "" "" "< 10"
	row "  from sending, p50, p99 ms" \
		"$(value send_to_outbox_p50_ms <<<"$latency"), $(value send_to_outbox_p99_ms <<<"$latency")" "" "" ""
	row "ready with cached components, ms" "$ready" "" "" "< 300"
	row "memory idle, after the load, MB" "$idle_mb, $loaded_mb" "" "" "idle < 60"
}

# measure_hand_over NAME DATABASE_URL: what measure left in the outbox goes to a sink of each kind.
measure_hand_over() {
	local name=$1 url=$2 endpoint_port sent
	local -a serve=("$triggerhouse" serve --listen "127.0.0.1:$port" --database-url "$url" --providers "$PROJECT_ROOT/target/providers")

	heading "Triggerhouse on $name: messages handed over"
	endpoint_port=$(free_port)
	"$limits" sink --listen "127.0.0.1:$endpoint_port" >>"$dir/endpoint.log" 2>&1 </dev/null &
	endpoint=$!
	local kind
	for kind in http redis; do
		local sink="{\"kind\":\"http\",\"url\":\"http://127.0.0.1:$endpoint_port/hook\"}"
		[[ $kind == http ]] || sink="{\"kind\":\"redis\",\"stream\":\"bench-$name\"}"
		say "$name: messages to a sink ($kind)"
		TRIGGERHOUSE_REDIS_URL=$redis_url TRIGGERHOUSE_SINKS_ALLOW_HOSTS="[\"127.0.0.1:$endpoint_port\"]" \
			start "$name" "$dir" "${serve[@]}"
		local created
		created=$(create /v1/sinks "$sink")
		sent=$("$limits" hand-over --database-url "$url" --seconds "$BENCH_SECONDS")
		say "  $sent"
		[[ $(value left <<<"$sent") != 0 ]] || say "  NOT MEASURED: nothing was left before the time was over"
		curl --silent --show-error --fail-with-body --max-time 30 --header "authorization: Bearer $key" --request DELETE \
			"http://127.0.0.1:$port/v1/sinks/$(json_field id <<<"$created")" >/dev/null || die "deleting a sink failed"
		stop server
		row "to one sink ($kind), messages/s" "$(value messages_per_s <<<"$sent")" "" "" ""
	done
	kill "$endpoint"
	endpoint=''
}

# measure_recovery DATABASE_URL: latency of one process before and after Postgres has crashed.
measure_recovery() {
	local url=$1 before after tries
	local -a serve=("$triggerhouse" serve --listen "127.0.0.1:$port" --database-url "$url" --providers "$PROJECT_ROOT/target/providers")

	say "Postgres: latency before and after a crash"
	# Its outbox is empty.
	new_key recovery "$url"
	start recovery "$dir" "${serve[@]}"
	new_hook
	local -a latency=("$limits" latency --url "http://127.0.0.1:$port" --key "$key" --hook "$hook" --secret "$secret" --count "$LATENCY_SAMPLES")
	before=$("${latency[@]}")
	say "  before: $before"
	scripts/services.sh restart-postgres "$services"
	# A connection that broke fails one call each.
	for tries in {1..20}; do
		after=$("${latency[@]}" 2>"$dir/recovery.err") && break
		((tries < 20)) || die "no delivery gets through after Postgres has crashed: $(cat "$dir/recovery.err")"
	done
	say "  after:  $after"
	stop server
	heading "Triggerhouse on Postgres that has crashed"
	row "ack to outbox before, p50, p99 ms" \
		"$(value ack_to_outbox_p50_ms <<<"$before"), $(value ack_to_outbox_p99_ms <<<"$before")" "" "" "< 10"
	row "  after, the first one included" "$(value ack_to_outbox_p50_ms <<<"$after"), $(value ack_to_outbox_p99_ms <<<"$after")" "" "" "p50 as before"
}

# measure_retention NAME DATABASE_URL: ingress beside a million old rows, without and with their deletion under way.
# With few connections: where every core is busy already, whatever else runs shows in the latency.
measure_retention() {
	local name=$1 url=$2 BENCH_CONNECTIONS=$RETENTION_CONNECTIONS quiet busy before after
	local -a serve=("$triggerhouse" serve --listen "127.0.0.1:$port" --database-url "$url" --providers "$PROJECT_ROOT/target/providers")

	say "$name: ingress beside $OLD_ROWS old rows"
	"$limits" fill-old --database-url "$url" --count "$OLD_ROWS" >/dev/null
	# The server keeps what it was given by measure: a trigger, its URL and its secret.
	"$limits" payloads --count "$PAYLOADS" --secret "$secret" --out "$dir/$name.payloads" >/dev/null
	TRIGGERHOUSE_RETENTION_INBOX_DAYS=0 start "$name" "$dir" "${serve[@]}"
	quiet=$(load "$hook" "$dir/$name.payloads")
	stop server
	say "  kept:    $quiet"
	before=$("$limits" left-old --database-url "$url" | value left)
	start "$name" "$dir" "${serve[@]}"
	busy=$(load "$hook" "$dir/$name.payloads")
	stop server
	after=$("$limits" left-old --database-url "$url" | value left)
	say "  deleted: $busy, $((before - after)) rows meanwhile"
	((after < before)) || say "  NOT MEASURED: nothing was deleted"
	rm "$dir/$name.payloads"

	heading "Triggerhouse on $name, beside $OLD_ROWS old rows, at $BENCH_CONNECTIONS connections"
	row "ingress and workers, acks/s" "$(value acks_per_s <<<"$quiet")" "" "" ""
	row "  p50, p99 ms" "$(value p50_ms <<<"$quiet"), $(value p99_ms <<<"$quiet")" "" "" ""
	row "  while they are deleted, acks/s" "$(value acks_per_s <<<"$busy")" "$(value acks_per_s <<<"$quiet")" \
		"$(percent "$(value acks_per_s <<<"$busy")" "$(value acks_per_s <<<"$quiet")")" '>= 80 %'
	row "  p50, p99 ms" "$(value p50_ms <<<"$busy"), $(value p99_ms <<<"$busy")" "" "" ""
	row "  rows deleted meanwhile" "$((before - after))" "" "" "> 0"
}

measure Postgres "$postgres_url" "$writer_postgres" "$settle_postgres"
measure_hand_over Postgres "$postgres_url"
measure_retention Postgres "$postgres_url"
measure_recovery "$postgres_url"
measure SQLite "sqlite://$dir/bench.db" "$writer_sqlite" "$settle_sqlite"
measure_hand_over SQLite "sqlite://$dir/bench.db"
measure_retention SQLite "sqlite://$dir/bench.db"

print_table
