-- wrk's part of `make bench`: signed GitHub deliveries, all different, whose delivery ids never repeat.
--
--   wrk … -s tests/bench/signed.lua http://127.0.0.1:PORT/PATH -- PAYLOADS THREADS
--
-- PAYLOADS is what `bench_limits payloads` wrote; THREADS is wrk's own -t, so that each thread loads only its share.
-- The last line printed is for scripts/bench.sh.

local threads_made = 0

function setup(thread)
   thread:set("thread_number", threads_made)
   threads_made = threads_made + 1
end

local payloads = {}
local next_payload = 1
local sent = 0
local head, run_id

function init(args)
   local path, threads = args[1], tonumber(args[2])
   assert(path and threads, "after -- there must be the file of payloads and the number of threads")
   local file = assert(io.open(path, "rb"))
   local n = 0
   while true do
      local line = file:read("*l")
      if not line then break end
      local signature, bytes = line:match("^(%x+) (%d+)$")
      assert(signature, path .. " is not a file of payloads")
      local body = file:read(tonumber(bytes))
      file:read(1)
      if n % threads == thread_number then
         -- All but the delivery id is put together now: per request there is one concatenation.
         payloads[#payloads + 1] = {
            "X-Hub-Signature-256: sha256=" .. signature .. "\r\nContent-Length: " .. bytes .. "\r\nX-GitHub-Delivery: ",
            "\r\n\r\n" .. body,
         }
      end
      n = n + 1
   end
   file:close()
   assert(#payloads > 0, path .. " has too few payloads")

   head = "POST " .. wrk.path .. " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port ..
      "\r\nUser-Agent: GitHub-Hookshot/bench\r\nContent-Type: application/json\r\nX-GitHub-Event: issues\r\n"

   -- Random bytes per thread and run, then a counter: unique without asking anyone.
   local random = assert(io.open("/dev/urandom", "rb"))
   run_id = random:read(8):gsub(".", function(byte) return string.format("%02x", byte:byte()) end)
   random:close()
   run_id = run_id:gsub("^(........)(....)(....)$", "%1-%2-%3")
end

function request()
   local payload = payloads[next_payload]
   next_payload = next_payload % #payloads + 1
   sent = sent + 1
   return head .. payload[1] .. run_id .. string.format("-8000-%012x", sent) .. payload[2]
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      "acks=%d acks_per_s=%.0f p50_ms=%.2f p99_ms=%.2f max_ms=%.2f not_ok=%d broken=%d\n",
      summary.requests - errors.status, (summary.requests - errors.status) / (summary.duration / 1e6),
      latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000,
      errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
