-- wrk: POST of 1 KiB; or a GET when the argument is "get". Prints one line of figures at the end:
-- "figures REQUESTS_A_SECOND P50_US P99_US ERRORS"
function init(args)
   if args[1] == "get" then
      wrk.method = "GET"
   else
      wrk.method = "POST"
      wrk.body = string.rep("0123456789abcde\n", 64)
      wrk.headers["Content-Type"] = "application/octet-stream"
   end
end

function done(summary, latency)
   local e = summary.errors
   print(string.format("figures %.0f %.0f %.0f %d",
      summary.requests / summary.duration * 1e6, latency:percentile(50), latency:percentile(99),
      e.connect + e.read + e.write + e.status + e.timeout))
end
