-- Runs a script of deploy/argocd on each of many objects, with the libraries that Argo CD gives one and no others, and prints
-- the results as JSON, one a line.  lua5.1 argo.lua SCRIPT OBJECTS, where OBJECTS is a Lua file that returns a list.
local script, objects = arg[1], assert(loadfile(arg[2]))()

-- What Argo CD opens: the base library without files, tables, and of `os` the clock.
local clock = { time = os.time, date = os.date }
local function require_clock(name)
  assert(name == "os", "Argo CD has no library " .. tostring(name))
  return clock
end

local function environment(object)
  return {
    obj = object, require = require_clock, table = table, assert = assert, error = error, ipairs = ipairs, next = next,
    pairs = pairs, pcall = pcall, select = select, tonumber = tonumber, tostring = tostring, type = type, unpack = unpack,
  }
end

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\" }
local function quoted(text)
  local function escape(c)
    return escapes[c] or string.format("\\u%04x", c:byte())
  end
  return '"' .. text:gsub('[%c"\\]', escape) .. '"'
end

local encode
local function encoded_list(list)
  local parts = {}
  for _, value in ipairs(list) do
    table.insert(parts, encode(value))
  end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function encoded_map(map)
  local parts = {}
  for key, value in pairs(map) do
    table.insert(parts, quoted(key) .. ":" .. encode(value))
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

function encode(value)
  if type(value) == "table" then
    return #value > 0 and encoded_list(value) or encoded_map(value)
  elseif type(value) == "string" then
    return quoted(value)
  elseif type(value) == "number" then
    return string.format("%.17g", value)
  end
  return tostring(value)
end

for _, object in ipairs(objects) do
  local run = assert(loadfile(script))
  print(encode(setfenv(run, environment(object))()))
end
