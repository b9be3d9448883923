-- Sends the HTTP messages of a file in turn and prints the figures as one line of JSON.
-- The file: for each message a line with its length in bytes, then the message.

local messages, sent = {}, 0
local refused, without_retry = 0, 0

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  for length in function() return file:read("*l") end do
    messages[#messages + 1] = file:read(tonumber(length))
  end
  file:close()
end

function request()
  sent = sent + 1
  return messages[(sent - 1) % #messages + 1]
end

function response(status, headers)
  if status == 503 then
    refused = refused + 1
    if not (headers["retry-after"] or headers["Retry-After"]) then without_retry = without_retry + 1 end
  end
  if status ~= 200 then wrk.thread:set("failed", (wrk.thread:get("failed") or 0) + 1) end
  wrk.thread:set("refused", refused)
  wrk.thread:set("without_retry", without_retry)
end

local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
end

function done(summary, latency)
  local thread, errors = threads[1], summary.errors
  io.write(string.format(
    '\n{"seconds": %.6f, "answers": %d, "failed": %d, "refused": %d, "without_retry": %d, "lost": %d,' ..
    ' "p50_ms": %.4f, "p99_ms": %.4f}\n',
    summary.duration / 1e6, summary.requests, thread:get("failed") or 0, thread:get("refused") or 0,
    thread:get("without_retry") or 0, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
