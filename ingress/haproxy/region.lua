-- Finds a workspace's home region in a static map: for HAProxy, where a tier has REGION set.
-- `http-request lua.home` reads txn.workspace and sets txn.home, where the map names one; txn.map is the map's digest.
-- The map only saves distance: every region may answer any request. A line is a workspace and its home:
--   T0123ABCD   eu      this workspace, or organization
--   T01*        us      those that begin so; the longest beginning counts
--   hash:0-49   eu      these of 100 parts, by a hash of the id: what no line above names
-- HAProxy does not start with a line that it cannot read, or a home that is neither REGION nor one of PEERS.

local path = os.getenv("REGION_DIRECTORY") .. "/homes.map"
local homes, beginnings, parts = {}, {}, {}
local longest = 0

local known = {[os.getenv("REGION")] = true}
for peer in (os.getenv("PEERS") or ""):gmatch("([^%s=]+)=") do known[peer] = true end

-- FNV-1a, 32 bits: the same number in every region, whatever its HAProxy.
local function hash(text)
  local found = 2166136261
  for n = 1, #text do found = ((found ~ text:byte(n)) * 16777619) & 0xFFFFFFFF end
  return found
end

local function add(place, home)
  local first, last = place:match("^hash:(%d+)-(%d+)$")
  if first then
    first, last = tonumber(first), tonumber(last)
    if first > last or last > 99 then return false end
    for part = first, last do
      if parts[part] then return false end
      parts[part] = home
    end
    return true
  end
  local beginning = place:match("^([A-Za-z0-9_-]+)%*$")
  if beginning then
    if beginnings[beginning] then return false end
    beginnings[beginning] = home
    longest = math.max(longest, #beginning)
    return true
  end
  if not place:match("^[A-Za-z0-9_-]+$") or homes[place] then return false end
  homes[place] = home
  return true
end

local lines, number = {}, 0
for line in io.lines(path) do
  number = number + 1
  local text = line:gsub("#.*", "")
  if text:match("%S") then
    local place, home = text:match("^%s*(%S+)%s+(%S+)%s*$")
    if not place or not known[home] or not add(place, home) then
      error(path .. ":" .. number .. ": no workspace and home, a second time, or a home that is neither REGION nor in PEERS")
    end
    lines[#lines + 1] = place .. " " .. home
  end
end
table.sort(lines)
local digest = string.format("%08x", hash(table.concat(lines, "\n")))

local function home_of(workspace)
  if homes[workspace] then return homes[workspace] end
  for length = math.min(longest, #workspace), 1, -1 do
    local home = beginnings[workspace:sub(1, length)]
    if home then return home end
  end
  return parts[hash(workspace) % 100]
end

core.register_action("home", {"http-req"}, function(txn)
  txn:set_var("txn.map", digest)
  local workspace = txn:get_var("txn.workspace")
  local home = workspace and home_of(workspace)
  if home then txn:set_var("txn.home", home) end
end)
