-- Requests for many things in turn. Arguments: the folder of the scripts, a method, a file with one path per line, and
-- the number to count on from, and the headers as name=value. "position" as method is a PATCH of a driver's position
-- that never repeats.

dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "done.lua")

local paths, next_path, moves, count = {}, 0, false, 0

function init(args)
  wrk.method = args[2]
  if wrk.method == "position" then
    wrk.method, moves = "PATCH", true
    wrk.headers["Content-Type"] = "application/json"
  end
  for line in io.lines(args[3]) do
    paths[#paths + 1] = line
  end
  count = tonumber(args[4])
  for position = 5, #args do
    local name, value = args[position]:match("^([^=]+)=(.*)$")
    wrk.headers[name] = value
  end
end

function request()
  next_path = next_path % #paths + 1
  if not moves then
    return wrk.format(nil, paths[next_path])
  end
  count = count + 1
  local latitude = string.format("41.%06d", count)
  return wrk.format(nil, paths[next_path], nil,
    '{"driver_latitude":"' .. latitude .. '","driver_longitude":"-87.653310"}')
end
