-- Skipcart webhooks, no two of them alike: arguments are the folder of the scripts, a tag that no other run has,
-- and how many orders are on their way between two events of one order.
--
-- They come in groups of five: the first event of order n, the second of order n-width, and so on. So every stretch of
-- the load is the same mix, and the events of one order are far apart, as they are in life.

dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "done.lua")

local templates, parts = {}, {}
local tag, width, group, stage, base

local function split(text)
  local found, from = {}, 1
  while true do
    local first, last = text:find("@%u+@", from)
    if not first then break end
    found[#found + 1] = text:sub(from, first - 1)
    found[#found + 1] = text:sub(first, last)
    from = last + 1
  end
  found[#found + 1] = text:sub(from)
  return found
end

function init(args)
  tag, width = args[2], tonumber(args[3])
  for line in io.lines(args[1] .. "/skipcart.jsonl") do
    templates[#templates + 1] = split(line)
  end
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["User-Agent"] = "Skipcart-Webhooks/1.0"
  group, stage, base = 0, 0, os.time() - 3600
end

function request()
  local order
  repeat
    stage = stage + 1
    if stage > #templates then
      stage, group = 1, group + 1
    end
    order = group - (stage - 1) * width
  until order >= 0
  local known = {
    ["@ORDER@"] = tag .. order,
    ["@DRIVER@"] = string.format("%04d", order % 500),
    ["@TIME@"] = os.date("!%Y-%m-%dT%H:%M:%SZ", base + stage * 300),
  }
  local template = templates[stage]
  for position = 1, #template do
    parts[position] = known[template[position]] or template[position]
  end
  for position = #template + 1, #parts do
    parts[position] = nil
  end
  return wrk.format(nil, nil, nil, table.concat(parts))
end
