#!/usr/bin/env bash
# Demonstrates the server on a fresh SQLite file: a signed GitHub webhook becomes a run, a forged one is refused.
# Needs bash and curl. Builds the development server and the providers; leaves no other files.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$PROJECT_ROOT"

FIXTURE=$PROJECT_ROOT/tests/fixtures/github/issues.opened.json
# The first start compiles the providers to machine code.
READY_TIMEOUT_S=60
STOP_TIMEOUT_S=10
HANDOFF_TIMEOUT_S=10

have curl || die "curl is missing: install it to run the demo"
[[ -f $FIXTURE ]] || die "the demo's delivery is missing: $FIXTURE"

scripts/setup.sh
scripts/build-providers.sh
build_server
triggerhouse=$(target_dir)/debug/triggerhouse

# Settings of this shell must not reach the demo's server.
for name in "${!TRIGGERHOUSE_@}"; do unset "$name"; done

dir=$(mktemp -d)
server=''
finish() {
	local status=$?
	[[ -z $server ]] || stop_process "$server" "$STOP_TIMEOUT_S" || true
	if ((status != 0)) && [[ -s $dir/server.log ]]; then
		say ""
		say "The server's log:"
		sed 's/^/  /' "$dir/server.log" >&2
	fi
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# --- a server ---------------------------------------------------------------

# A temporary directory holds the key file and the database. Another process may take the port first: retry.
for attempt in 1 2 3; do
	port=$(free_port)
	(cd "$dir" && exec "$triggerhouse" serve --listen "127.0.0.1:$port" --database-url "sqlite://$dir/demo.db" \
		--providers "$PROJECT_ROOT/target/providers") >"$dir/server.log" 2>&1 </dev/null &
	server=$!
	wait_ready "$port" "$server" "$READY_TIMEOUT_S" && break
	kill -0 "$server" 2>/dev/null && die "the server did not become ready within $READY_TIMEOUT_S s"
	((attempt < 3)) && grep -qi 'in use' "$dir/server.log" && continue
	die "the server ended instead of becoming ready"
done
base=http://127.0.0.1:$port

# The first start logs the key, once.
key=$(grep -o 'th_[A-Za-z0-9_-]*' "$dir/server.log" | head -n 1) || true
[[ -n $key ]] || die "the server's first start printed no API key (th_…)"

# --- talking to it ----------------------------------------------------------

# api METHOD PATH [BODY]: prints the answer. Any status but 2xx ends the demo.
api() {
	local method=$1 path=$2 answer status
	local -a body=()
	if [[ $# == 3 ]]; then body=(--header 'content-type: application/json' --data "$3"); fi
	answer=$(curl --silent --show-error --noproxy '*' --max-time 30 --request "$method" --header "authorization: Bearer $key" \
		"${body[@]+"${body[@]}"}" --write-out '\n%{http_code}' "$base$path") || die "$method $path failed"
	status=${answer##*$'\n'}
	answer=${answer%$'\n'*}
	[[ $status == 2* ]] || die "$method $path was answered $status: $answer"
	printf '%s\n' "$answer"
}

# Prints the first id with prefix $1 in the JSON on stdin.
first_id() { grep -o "$1_[A-Za-z0-9_-]*" | head -n 1 || true; }

# Converts a time like 2025-06-01T12:00:00.123456Z to milliseconds since midnight UTC.
ms_of_day() {
	[[ $1 =~ T([0-9]{2}):([0-9]{2}):([0-9]{2})(\.([0-9]+))? ]] || die "not a time: '$1'"
	local fraction=${BASH_REMATCH[5]:-}000
	echo $((((10#${BASH_REMATCH[1]} * 60 + 10#${BASH_REMATCH[2]}) * 60 + 10#${BASH_REMATCH[3]}) * 1000 + 10#${fraction:0:3}))
}
# Milliseconds from $1 to $2, both since midnight; $2 may be on the next day.
between() { echo $((($2 - $1 + 86400000) % 86400000)); }

# A random UUID: GitHub gives each delivery one, and Triggerhouse deduplicates by it.
github_id=$(printf '%04x%04x-%04x-4%03x-a%03x-%04x%04x%04x' $RANDOM $RANDOM $RANDOM $((RANDOM % 4096)) \
	$((RANDOM % 4096)) $RANDOM $RANDOM $RANDOM)

# send SECRET: sends the delivery signed with it, prints the server's answer.
send() {
	"$triggerhouse" send "$FIXTURE" --url "$webhook_url" --provider github --secret "$1" \
		--header X-GitHub-Event:issues --header "X-GitHub-Delivery:$github_id" 2>&1
}

# --- the story --------------------------------------------------------------

created=$(api POST /v1/triggers \
	'{"name":"New issues","provider":"github","kind":"webhook","config":{"events":["issues.opened"]}}')
trigger=$(first_id trg <<<"$created")
webhook_url=$(json_field webhook_url <<<"$created")
webhook_secret=$(json_field webhook_secret <<<"$created")
[[ -n $trigger && -n $webhook_url && -n $webhook_secret ]] ||
	die "creating a trigger answered without its id, webhook_url or webhook_secret: $created"

# A consumer waits for work before there is any, as consumers do.
(
	api POST /v1/outbox/claim "{\"max\":10,\"lease_seconds\":30,\"wait_seconds\":$HANDOFF_TIMEOUT_S}" >"$dir/claimed"
	now_ms >"$dir/claimed_at"
) &
consumer=$!

forged=$(send not-the-secret) || true
[[ $forged == *401* ]] || die "the forged delivery should have been answered 401, but: $forged"
sent=$(send "$webhook_secret") || die "the signed delivery was not accepted: $sent"
delivery=$(first_id dlv <<<"$sent")
[[ -n $delivery ]] || die "the signed delivery was answered without its id: $sent"

wait "$consumer" || die "the consumer could not claim from the outbox"
claimed=$(cat "$dir/claimed")
message=$(first_id out <<<"$claimed")
run=$(json_field run_id <<<"$claimed")
event=$(json_field event_id <<<"$claimed")
lease=$(json_field lease_token <<<"$claimed")
[[ -n $message && -n $run && -n $event && -n $lease ]] ||
	die "the outbox gave no message with a run and an event within $HANDOFF_TIMEOUT_S s: $claimed"
api POST "/v1/outbox/$message/ack" "{\"lease_token\":\"$lease\"}" >/dev/null

inbox=$(api GET /v1/inbox)
stored=$(grep -o '"dlv_[A-Za-z0-9_-]*"' <<<"$inbox" | sort -u | wc -l | tr -d ' ')
[[ $stored == 1 ]] || die "exactly the signed delivery should be stored, but the inbox has $stored: $inbox"

delivery_json=$(api GET "/v1/inbox/$delivery")
event_json=$(api GET "/v1/events/$event")
run_json=$(api GET "/v1/runs/$run")
dedup_key=$(json_field dedup_key <<<"$event_json")
[[ $dedup_key == "github:$github_id" ]] || die "the event's dedup key should be github:$github_id: $dedup_key"
received=$(ms_of_day "$(json_field received_at <<<"$delivery_json")")
created_at=$(ms_of_day "$(json_field created_at <<<"$event_json")")
handed_over=$(($(cat "$dir/claimed_at") % 86400000))

stop_process "$server" "$STOP_TIMEOUT_S" || die "the server did not stop cleanly (status $?)"
server=''

cat <<STORY

A fresh SQLite file, and one trigger on GitHub's issues.opened: $trigger

  Two deliveries were sent to its webhook URL, one of them forged:
    forged     answered 401; nothing was stored
    signed     answered 200 once it was on disk: $delivery

  A worker gave the signed one to the GitHub provider in its sandbox:
    event      $event  $(json_field kind <<<"$event_json")
               "$(json_field title <<<"$event_json")" by $(json_field actor <<<"$event_json")
               starts one run, however often $dedup_key arrives
    run        $run  $(json_field status <<<"$run_json")
    outbox     $message  claimed and acknowledged by a consumer

  Since it was received:
    $(between "$received" "$created_at") ms    event, run and outbox message written, in one transaction
    $(between "$received" "$handed_over") ms    the run was in its consumer's hands

STORY
