-- One template again and again, no two messages alike: arguments are the folder of the scripts, a tag that no other run
-- has, the template's file, the key of Standard Webhooks in hexadecimal ("-" for none) and the Authorization ("-").

dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "done.lua")

local ffi = require("ffi")
-- wrk itself is linked with OpenSSL.
ffi.cdef([[
  const void *EVP_sha256(void);
  unsigned char *HMAC(const void *, const void *, int, const char *, size_t, unsigned char *, unsigned int *);
  int EVP_EncodeBlock(unsigned char *, const unsigned char *, int);
]])

local parts, places, tag, key = {}, {}, nil, nil
local number, digest, text = 0, ffi.new("unsigned char[32]"), ffi.new("unsigned char[64]")

function init(args)
  tag = args[2]
  local file = io.open(args[3], "rb")
  local template = file:read("*a")
  file:close()
  -- Taken apart once: a search in 200 kB for each message would cost more than the hub.
  local from = 1
  for first, name, last in template:gmatch("()@(%u+)@()") do
    parts[#parts + 1] = template:sub(from, first - 1)
    parts[#parts + 1] = ""
    places[#parts] = name
    from = last
  end
  parts[#parts + 1] = template:sub(from)
  if args[4] ~= "-" then
    key = args[4]:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end)
  end
  if args[5] ~= "-" then wrk.headers["Authorization"] = args[5] end
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  number = number + 1
  local known = { ORDER = tag .. number, TAIL = string.format("%012d", number) }
  for place, name in pairs(places) do
    parts[place] = known[name]
  end
  local body = table.concat(parts)
  if key then
    local id, now = "msg_" .. tag .. number, tostring(os.time())
    local signed = id .. "." .. now .. "." .. body
    ffi.C.HMAC(ffi.C.EVP_sha256(), key, #key, signed, #signed, digest, nil)
    local length = ffi.C.EVP_EncodeBlock(text, digest, 32)
    wrk.headers["svix-id"], wrk.headers["svix-timestamp"] = id, now
    wrk.headers["svix-signature"] = "v1," .. ffi.string(text, length)
  end
  return wrk.format(nil, nil, nil, body)
end
