"""A consumer for each way of delivery, as an application would write it. It uses the
standard library only.

usage: consumer.py pull|http|redis API KEY LOG CRASH [PORT [STREAM]]

It starts each run, works on it, completes it, and acknowledges. LOG gets a line when the
work on a run begins and ends, when it pauses, and for its completion: "done", or
"refused" because another consumer has taken the run over. CRASH says where it kills
itself: "claim" (claimed, not started), "start" (started, not completed), "complete"
(completed, not acknowledged), or "never". With "pause" it stops in the middle of its
first run until a signal or a file continues it.
"""

import contextlib
import http.server
import json
import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request

KIND, API, KEY, LOG, CRASH = sys.argv[1:6]
PORT = int(sys.argv[6]) if len(sys.argv) > 6 else 0
STREAM = sys.argv[7] if len(sys.argv) > 7 else ""
# After this silence the next consumer takes the run over.
SILENCE_SECONDS = 1


def call(path, body):
    request = urllib.request.Request(
        API + path,
        json.dumps(body).encode(),
        {"authorization": "Bearer " + KEY, "content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, json.load(error), error.headers


def note(word, run):
    with open(LOG, "a") as log:
        log.write(f"{word} {run} {os.getpid()}\n")


def die_at(place):
    if CRASH == place:
        os.kill(os.getpid(), signal.SIGKILL)


PAUSE_ONCE = threading.Lock()


def pause(run):
    """Stops the process. The endpoint stops only one thread, because there is only one
    endpoint."""
    if CRASH != "pause" or not PAUSE_ONCE.acquire(blocking=False):
        return
    note("pause", run)
    if KIND == "http":
        while not os.path.exists(LOG + ".go"):
            time.sleep(0.01)
    else:
        os.kill(os.getpid(), signal.SIGSTOP)


def work(run):
    """Returns the seconds until the message may come again, or None to acknowledge it."""
    die_at("claim")
    status, answer, headers = call(f"/v1/runs/{run}/start", {"inactivity_seconds": SILENCE_SECONDS})
    if status == 409:
        retry_after = headers.get("retry-after")
        return int(retry_after) if retry_after else None
    assert status == 200, answer
    attempt = answer["run"]["attempt"]
    note("begin", run)
    die_at("start")
    pause(run)
    time.sleep(0.05)
    note("end", run)
    completion = {"completion_id": f"{run}-{attempt}", "attempt": attempt, "outcome": "succeeded"}
    status, answer, _ = call(f"/v1/runs/{run}/complete", completion)
    assert status in (200, 409), answer
    note("done" if status == 200 else "refused", run)
    die_at("complete")
    return None


def pull():
    while True:
        claim = {"max": 1, "lease_seconds": 2, "wait_seconds": 1}
        for message in call("/v1/outbox/claim", claim)[1]["items"]:
            wait = work(message["payload"]["run_id"])
            end = {"lease_token": message["lease_token"]}
            if wait is None:
                call(f"/v1/outbox/{message['id']}/ack", end)
            else:
                call(f"/v1/outbox/{message['id']}/nack", end | {"retry_after_seconds": wait})


# One run at a time, so that a crash interrupts no other run.
ONE_AT_A_TIME = contextlib.nullcontext() if CRASH == "pause" else threading.Lock()


class Endpoint(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        payload = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with ONE_AT_A_TIME:
            wait = work(payload["run_id"])
        self.send_response(204 if wait is None else 503)
        if wait is not None:
            self.send_header("retry-after", str(wait))
        # After a long pause the connection is closed.
        with contextlib.suppress(ConnectionError):
            self.end_headers()

    def log_message(self, *_):
        pass


def redis(connection, *words):
    """Runs one command and returns its answer."""
    command = f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
    connection.write(command.encode())
    connection.flush()

    def reply():
        line = connection.readline().decode().rstrip()
        kind, rest = line[0], line[1:]
        if kind == "*":
            return [reply() for _ in range(max(int(rest), 0))]
        if kind == "$":
            return connection.read(int(rest) + 2)[:-2].decode() if rest != "-1" else None
        return rest

    return reply()


def stream():
    connection = socket.create_connection(("127.0.0.1", PORT)).makefile("rwb")
    redis(connection, "XGROUP", "CREATE", STREAM, "workers", "0", "MKSTREAM")
    me = f"consumer-{os.getpid()}"
    while True:
        # First the pending entries of dead consumers, then new ones.
        left = redis(connection, "XAUTOCLAIM", STREAM, "workers", me, "500", "0", "COUNT", "1")
        entries = left[1]
        if not entries:
            read = redis(
                connection, "XREADGROUP", "GROUP", "workers", me, "COUNT", "1", "BLOCK", "200",
                "STREAMS", STREAM, ">",
            )
            entries = read[0][1] if read else []
        for entry, fields in entries:
            run = dict(zip(fields[::2], fields[1::2]))["idempotency_key"]
            # An entry whose run another consumer has stays pending, and is claimed again.
            if work(run) is None:
                redis(connection, "XACK", STREAM, "workers", entry)


if KIND == "pull":
    pull()
elif KIND == "http":
    http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Endpoint).serve_forever()
else:
    stream()
