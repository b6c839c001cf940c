-- What every script has in common: the figures of a run as one line of JSON, for bench/wrk.py.

function done(summary, latency, requests)
  local failed = summary.errors.connect + summary.errors.read + summary.errors.write
    + summary.errors.timeout + summary.errors.status
  io.write(string.format(
    '\nFIGURES {"requests":%d,"microseconds":%d,"failed":%d,"median":%d,"p99":%d}\n',
    summary.requests, summary.duration, failed, latency:percentile(50), latency:percentile(99)))
end
