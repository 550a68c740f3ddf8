-- Finds the conversation of a Slack request, for HAProxy and for Envoy: the same table as app/anchorbolt/delivery/keys.py.
-- Plain Lua 5.1, no require. What has no conversation by that table is nil: any pod may have the request.
-- The body is not verified yet. It is read once, front to back; only the names below are kept, and the
-- recursion ends at DEEPEST. Text that is no JSON gives nil or nonsense: the app refuses it on every pod alike.

local byte, find, sub = string.byte, string.find, string.sub

local EVENT = {
  {"event", "channel"}, {"event", "item", "channel"}, {"event", "channel", "id"}, {"event", "channel_id"},
  {"event", "assistant_thread", "channel_id"}, {"event", "user"}, {"event", "user", "id"}, {"event", "user_id"},
  {"team_id"}, {"enterprise_id"},
}
local COMMAND = {{"channel_id"}, {"user_id"}, {"team_id"}}
local INTERACTIVE = {{"channel", "id"}, {"container", "channel_id"}, {"user", "id"}, {"team", "id"}, {"enterprise", "id"}}

local WORKSPACE = {{"team_id"}, {"enterprise_id"}}  -- of an event or a command
local INTERACTIVE_WORKSPACE = {{"team", "id"}, {"enterprise", "id"}}

local WANTED = {type = true, payload = true, command = true, ssl_check = true}
for _, paths in ipairs({EVENT, COMMAND, INTERACTIVE}) do
  for _, path in ipairs(paths) do
    for _, name in ipairs(path) do WANTED[name] = true end
  end
end
local NOWHERE = "COMPOSER"  -- link_shared says so of a message that is still being written: no conversation
local MOST_FIELDS = 200     -- of a form: the app refuses more
local LONGEST_NAME = 30     -- in a form: `channel_id` with each of its letters escaped
local LONGEST_TEXT = 384    -- in JSON: 64 characters, each as \uXXXX; what is longer is no identifier
local MOST_SIGNS = 30000    -- quotes, braces and brackets looked at in one body: 90 to 128 KiB of Block Kit (README)
local NAME_WEIGHT = 10      -- a name and its value in an object that matters: up to as much work as ten other signs
local DEEPEST = 3      -- no path is longer: what lies deeper is skipped
local NEITHER = false  -- a number, a list, null: it is there, but neither text nor an object
local QUOTE, BACKSLASH, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET = 34, 92, 123, 125, 91

-- JSON ------------------------------------------------------------------------------------------------------------

local ESCAPED = {b = "\b", f = "\f", n = "\n", r = "\r", t = "\t"}

local function unescape(raw)
  if #raw > LONGEST_TEXT then return raw end
  if not find(raw, "\\", 1, true) then return raw end
  return (raw:gsub("\\(.)(%x?%x?%x?%x?)", function(letter, hex)
    if letter ~= "u" then return (ESCAPED[letter] or letter) .. hex end
    local code = tonumber(hex, 16) or 128
    return code < 128 and string.char(code) or "\255"  -- beyond ASCII there is neither a name nor an identifier
  end))
end

local signs_left = 0

-- Text made of signs alone would cost many times what a body of Slack's costs: it has no conversation.
local function count_signs(weight)
  signs_left = signs_left - weight
  if signs_left < 0 then error("too many signs") end
end

-- From an opening quote: the place of the closing one.
local function closing_quote(json, at)
  at = find(json, '"', at + 1, true)
  count_signs(1)
  while at and byte(json, at - 1) == BACKSLASH do  -- escaped if an odd number of them stands before it
    local first = at - 1
    while byte(json, first - 1) == BACKSLASH do first = first - 1 end
    count_signs(1 + (at - first) / 5)
    if (at - first) % 2 == 0 then return at end
    at = find(json, '"', at + 1, true)
  end
  return at or error("unfinished")
end

-- From an opening brace or bracket: the place of its closing one.
local function closing(json, at)
  local depth = 1
  while depth > 0 do
    at = find(json, '[]["{}]', at + 1) or error("unfinished")
    count_signs(1)
    local sign = byte(json, at)
    if sign == QUOTE then
      at = closing_quote(json, at)
    elseif sign == OPEN_BRACE or sign == OPEN_BRACKET then
      depth = depth + 1
    else
      depth = depth - 1
    end
  end
  return at
end

local object_at

-- Of the value that begins at `at`: the place of its last character, and, if it is wanted, the value itself.
local function value_at(json, at, depth, wanted)
  local sign = byte(json, at)
  if sign == QUOTE then
    local last = closing_quote(json, at)
    return last, wanted and unescape(sub(json, at + 1, last - 1))
  elseif sign == OPEN_BRACE and wanted and depth < DEEPEST then
    return object_at(json, at, depth)
  elseif sign == OPEN_BRACE or sign == OPEN_BRACKET then
    return closing(json, at), NEITHER
  end
  local _, last = find(json, "^[^%s,}]+", at)
  return last or error("unfinished"), NEITHER
end

function object_at(json, at, depth)
  local object = {}
  while true do
    at = find(json, '["}]', at + 1) or error("unfinished")
    if byte(json, at) == CLOSE_BRACE then return at, object end
    count_signs(NAME_WEIGHT)
    local last = closing_quote(json, at)
    local name = unescape(sub(json, at + 1, last - 1))
    local _, value_begins = find(json, "^%s*:%s*[^%s]", last + 1)
    if not value_begins then error("unfinished") end
    local wanted, value = WANTED[name], nil
    at, value = value_at(json, value_begins, depth + 1, wanted)
    if wanted then object[name] = value end  -- of two with one name the last counts, as in Python
  end
end

local function parsed(json)
  signs_left = MOST_SIGNS
  local begins = find(json, "[^%s]")
  local _, value = value_at(json, begins or 1, 0, true)
  return type(value) == "table" and value or {}
end

-- Forms -----------------------------------------------------------------------------------------------------------

local UNESCAPED = {}  -- a table, because a function called for each escape costs several times as much
for code = 0, 255 do
  local lower = string.format("%02x", code)
  local upper = lower:upper()
  for _, hex in ipairs({lower, upper, lower:sub(1, 1) .. upper:sub(2), upper:sub(1, 1) .. lower:sub(2)}) do
    UNESCAPED[hex] = string.char(code)
  end
end

local function decoded(text)
  text = text:gsub("%+", " ")
  return (text:gsub("%%(%x%x)", UNESCAPED))
end

-- The fields that matter, decoded; none where there are more than the app takes.
local function fields(form)
  local raw, begins, count = {}, 1, 0
  while begins do
    count = count + 1
    if count > MOST_FIELDS then return {} end
    local separator = find(form, "&", begins, true)
    local ends = (separator or #form + 1) - 1
    local equals = find(sub(form, begins, math.min(ends, begins + LONGEST_NAME)), "=", 1, true)
    local name_ends = equals and begins + equals - 2 or ends
    if name_ends - begins < LONGEST_NAME then
      local name = decoded(sub(form, begins, name_ends))
      if WANTED[name] then raw[name] = equals and sub(form, name_ends + 2, ends) or "" end  -- the last of two counts
    end
    begins = separator and separator + 1
  end
  local found = {}
  for name, value in pairs(raw) do found[name] = decoded(value) end
  return found
end

-- The conversation ------------------------------------------------------------------------------------------------

-- The first path that leads to text that is not empty; nil if that text is no identifier.
local function first(payload, paths)
  for _, path in ipairs(paths) do
    local value = payload
    for _, name in ipairs(path) do
      value = type(value) == "table" and value[name] or NEITHER
    end
    if type(value) == "string" and value ~= "" and not (value == NOWHERE and path == EVENT[1]) then
      return #value <= 64 and not find(value, "[^A-Za-z0-9_-]") and value or nil
    end
  end
end

-- The conversation, and the workspace, by which a tier of several regions finds a request's home (haproxy/region.lua).
local function conversation(content_type, body)
  local media_type = string.lower(content_type or ""):match("^%s*([^;%s]*)")
  if media_type == "application/json" then
    local payload = parsed(body)
    if payload.type ~= "event_callback" then return nil end
    return first(payload, EVENT), first(payload, WORKSPACE)
  elseif media_type == "application/x-www-form-urlencoded" then
    local form = fields(body)
    if form.payload then
      local payload = parsed(form.payload)
      return first(payload, INTERACTIVE), first(payload, INTERACTIVE_WORKSPACE)
    end
    if form.ssl_check == "1" or (form.command or "") == "" then return nil end
    return first(form, COMMAND), first(form, WORKSPACE)
  end
end

local function found_in(content_type, body)
  local ok, found, workspace = pcall(conversation, content_type, body)
  if not ok then return nil end
  return found, workspace
end

-- The proxies -----------------------------------------------------------------------------------------------------

if core then  -- HAProxy: `http-request lua.conversation` sets txn.conversation and txn.workspace
  core.register_action("conversation", {"http-req"}, function(txn)
    local found, workspace = found_in(txn.f:req_fhdr("content-type", 1), txn.f:req_body() or "")
    if found then txn:set_var("txn.conversation", found) end
    if workspace then txn:set_var("txn.workspace", workspace) end
  end)
end

local LARGEST = 1048576  -- the app's MAX_BODY_BYTES

function envoy_on_request(handle)  -- Envoy: sets the header that the route hashes
  local headers = handle:headers()
  headers:remove("x-slack-affinity")  -- a client does not choose its pod
  if headers:get("upgrade") then  -- Envoy Gateway lets a route be upgraded to a websocket; Slack upgrades nothing
    handle:respond({[":status"] = "400"}, "")
    return
  end
  if (tonumber(headers:get("content-length") or "") or 0) > LARGEST then
    handle:respond({[":status"] = "413"}, "")
    return
  end
  local content_type = headers:get("content-type")
  local body = handle:body()  -- waits for all of it; `headers` is dead from here on
  if not body then return end
  local found = found_in(content_type, body:getBytes(0, body:length()))
  if found then handle:headers():add("x-slack-affinity", found) end
end
